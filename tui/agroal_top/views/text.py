"""Text with the meaning of its parts, and how wide it is on a terminal.

A part's tone is a word of TONES; which colour that is, the theme decides. Text is never markup: what stands in it is
what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size


class Tone(StrEnum):
    """What a part of a text means to whoever reads it."""

    PLAIN = ""
    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    DIM = "dim"
    ACCENT = "accent"
    STRONG = "strong"


class Part(NamedTuple):
    text: str
    tone: Tone = Tone.PLAIN


Words = Sequence[Part]
"""A line."""


def plain(words: Iterable[Part]) -> str:
    return "".join(part.text for part in words)


def width(words: Iterable[Part]) -> int:
    return sum(cell_len(part.text) for part in words)


def fitted(text: str, columns: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """`text` in exactly so many columns: wide characters count two, and what is cut off ends in an ellipsis."""
    room = columns - cell_len(text)
    if room >= 0:
        return " " * room + text if right else text + " " * room
    if columns <= len(ellipsis):
        return set_cell_size(text, columns)
    return set_cell_size(text, columns - len(ellipsis)) + ellipsis


def cut(words: Iterable[Part], columns: int) -> list[Part]:
    """The parts that have room in so many columns, the last one shortened."""
    kept: list[Part] = []
    for part in words:
        needed = cell_len(part.text)
        if needed > columns:
            if columns > 0:
                kept.append(Part(fitted(part.text, columns), part.tone))
            break
        kept.append(part)
        columns -= needed
    return kept


def spread(left: Words, right: Words, columns: int) -> list[Part]:
    """One at each end of a line; the right one gives way."""
    room = columns - width(left) - width(right)
    if room < 1:
        return cut(left, columns)
    return [*left, Part(" " * room), *right]


def entry_at(entries: Sequence[tuple[str, Words]], x: int) -> str:
    """The name of the entry that has a column of the line that they are; empty when none has."""
    for name, parts in entries:
        x -= width(parts)
        if x < 0:
            return name
    return ""


_ASCII = str.maketrans(
    {
        **dict.fromkeys("█▇▆▅■●◉", "#"),
        **dict.fromkeys("▄▃▂", "="),
        **dict.fromkeys("░▁·–—", "-"),
        **dict.fromkeys("│║▌", "|"),
        **dict.fromkeys("─━", "-"),
        **dict.fromkeys("├└╭╮╰╯", "+"),
        "…": "~",
        "“": '"',
        "”": '"',
        "’": "'",
        "→": ">",
        "⏎": ">",
        "▲": "^",
        "▼": "v",
        "↓": "v",
        "↑": "^",
        "⚠": "!",
        "✗": "x",
        "✓": "v",
        "⏻": "!",
        "▶": ">",
        "×": "x",
        "µ": "u",
        "≥": ">",
        "≤": "<",
        "⏸": "=",
    }
)


def ascii_only(text: str) -> str:
    """For terminals without anything else: our own glyphs have a stand-in of one column, the rest becomes `?`."""
    if text.isascii():
        return text
    replaced = text.translate(_ASCII)
    return "".join(one if one.isascii() else "?" * cell_len(one) for one in replaced)
