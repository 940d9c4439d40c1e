"""Columns for people: aligned by what a terminal shows, not by how many characters that takes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

Cell = str | int | None

_GAP = "  "
_NOTHING = "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """One line for the heads, one for each row. Columns of numbers are aligned to the right; None is shown as `-`."""
    lines = [list(heads), *([_NOTHING if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    numeric = [_is_numeric(column) for column in zip(*rows, strict=True)]
    for line in lines:
        yield _GAP.join(map(_padded, line, widths, numeric or [False] * len(heads))).rstrip()


def block(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """`label  text`, one pair a line."""
    widest = max(width(label) for label, _ in pairs)
    return (f"{_padded(label, widest, False)}{_GAP}{text}".rstrip() for label, text in pairs)


def width(text: str) -> int:
    """Terminal columns: two for wide East Asian characters and emoji, none for combining marks and joiners."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _is_numeric(column: Sequence[Cell]) -> bool:
    kinds = set(map(type, column))
    return int in kinds and str not in kinds


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _padded(text: str, columns: int, right: bool) -> str:
    padding = " " * (columns - width(text))
    return padding + text if right else text + padding
