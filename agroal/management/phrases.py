"""The parts of sentences that numbers decide."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")


def counted(count: int, noun: str) -> str:
    """`1 client`, `2 clients`"""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def are(count: int, dry_run: bool = False) -> str:
    """The verb of a sentence about so many; in a dry run the sentence says what would be."""
    return "would be" if dry_run else "is" if count == 1 else "are"


def amount(octets: int) -> str:
    """`812 B`, `1.2 kB`, `98 kB`, `3.4 GB`: in powers of 1000, with two digits at least."""
    if octets < 1000:
        return f"{octets} B"
    value, unit = octets / 1000, 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if value < 9.95 else f"{value:.0f} {_UNITS[unit]}"
