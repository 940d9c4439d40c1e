"""Numbers for people, in no more columns than there are.

What is not known is NOTHING. What has no room in any shape is `#`, as in a spreadsheet, never a wrong number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agroal.management.client import width

NOTHING = "-"

_UNITS = ("", "k", "M", "G", "T", "P", "E")
_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "_.:-=+*#"
_SECONDS = ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))


def number(value: float | None, columns: int = 7) -> str:
    """`0.8`, `31`, `1,071`, `4.1M`: whole numbers have no decimals, others below 100 have one."""
    if value is None:
        return NOTHING
    return _first(_numbers(value), columns)


def rate(value: float | None, columns: int = 7) -> str:
    """Per second, of something that is counted: one decimal below 100."""
    return number(None if value is None else float(value), columns)


def amount(octets: float | None, columns: int = 7) -> str:
    """`812B`, `4.1M`: octets, in powers of 1000."""
    if octets is None:
        return NOTHING
    return f"{round(octets)}B"[:columns] if abs(octets) < 999.5 else _first(_scaled(octets), columns)


def duration(microseconds: float | None, columns: int = 7) -> str:
    """`0.4 ms`, `812 ms`, `4.1 s`, `4m10s`, `3h04m`, `3d04h`"""
    if microseconds is None:
        return NOTHING
    return _first(_durations(microseconds), columns)


def clock(wall: str) -> str:
    """The time of day, of a time of RFC 3339."""
    return wall[11:19] if len(wall) >= 19 else NOTHING


def fitted(text: str, columns: int) -> str:
    """At most so many columns of a terminal; what was cut ends in `…`."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…" if columns > 0 else ""


def sparkline(values: Iterable[float | None], *, top: float | None = None, ascii: bool = False) -> str:
    """One character a value, the highest for `top` (by default the greatest) and beyond; a gap is a space."""
    known = list(values)
    greatest = top or max((value for value in known if value is not None), default=0)
    return "".join(" " if value is None else _step(value, greatest, ascii) for value in known)


def bar(parts: Sequence[float], whole: float, columns: int, *, ascii: bool = False) -> str:
    """`███▓▓░░░░`: up to two parts of a whole, the rest is light. A part that is not nothing has a column at least."""
    signs = "#=." if ascii else "█▓░"
    filled = ""
    reached = 0.0
    for part, sign in zip(parts, signs, strict=False):
        reached += part
        end = columns if whole <= 0 < reached else round(columns * min(reached / whole, 1)) if whole > 0 else 0
        filled += sign * max(end - len(filled), 1 if part > 0 else 0)
    return filled[:columns].ljust(columns, signs[2])


def _step(value: float, greatest: float, ascii: bool) -> str:
    signs = _LETTERS if ascii else _BLOCKS
    if greatest <= 0 or value <= 0:
        return signs[0]
    return signs[min(len(signs) - 1, int(value / greatest * len(signs)))]


def _first(shapes: Iterator[str], columns: int) -> str:
    return next((shape for shape in shapes if len(shape) <= columns), "#" * columns)


def _numbers(value: float) -> Iterator[str]:
    """From the most exact."""
    if isinstance(value, float) and abs(value) < 99.95:
        yield f"{value:.1f}"
    yield f"{value:,.0f}"
    if abs(value) >= 999.5:
        yield from _scaled(value)


def _scaled(value: float) -> Iterator[str]:
    for unit in _UNITS[1:]:
        value /= 1000
        if abs(value) < 999.5:
            if abs(value) < 9.95:
                yield f"{value:.1f}{unit}"
            yield f"{value:.0f}{unit}"
            return


def _durations(microseconds: float) -> Iterator[str]:
    if microseconds < 999_500:
        milliseconds = microseconds / 1000
        text = f"{milliseconds:.1f}" if 0 < milliseconds < 9.95 else f"{milliseconds:.0f}"
        yield from (f"{text} ms", f"{text}ms", f"{milliseconds:.0f}ms")
        return
    seconds = microseconds / 1_000_000
    if seconds < 59.95:
        yield from (f"{seconds:.1f} s", f"{seconds:.1f}s", f"{seconds:.0f}s")
        return
    whole = round(seconds)
    for size, unit, lesser, part in _SECONDS:
        if whole >= size:
            yield f"{whole // size}{unit}{whole % size // lesser:02}{part}"
            yield f"{round(whole / size)}{unit}"
            return
