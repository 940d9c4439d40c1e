"""A curve as text: two points a column and four steps a line with braille, or one and one with ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_EMPTY: Final = 0x2800
# The bits of a braille cell's dots, from top to bottom, of its left and its right column.
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def points_across(columns: int, ascii: bool) -> int:
    """How many points a curve of so many columns has room for."""
    return columns if ascii else 2 * columns


def top_of(points: Sequence[float | None]) -> float:
    """The upper end of the scale: a little above the highest point, and round."""
    highest = max((point for point in points if point is not None), default=0.0)
    if highest <= 0:
        return 1.0
    step = 10.0 ** (len(f"{highest:.0f}") - 2) if highest >= 10 else 0.5 if highest >= 1 else 0.1
    return (int(highest / step) + 1) * step


def curve(points: Sequence[float | None], columns: int, rows: int, top: float, ascii: bool = False) -> list[str]:
    """`rows` lines of `columns` characters; the newest point is at the right, None leaves a gap."""
    across, steps = points_across(columns, ascii), rows if ascii else 4 * rows
    shown = [None] * (across - len(points)) + list(points[-across:])
    heights = [None if point is None else _height(point, top, steps) for point in shown]
    return _ascii(heights, rows) if ascii else _braille(heights, columns, rows)


def _height(point: float, top: float, steps: int) -> int:
    return max(0, min(steps - 1, round(point / top * (steps - 1))))


def _ascii(heights: Sequence[int | None], rows: int) -> list[str]:
    return ["".join("*" if height == level else " " for height in heights) for level in reversed(range(rows))]


def _braille(heights: Sequence[int | None], columns: int, rows: int) -> list[str]:
    cells = [[_EMPTY] * columns for _ in range(rows)]
    before: int | None = None
    for x, height in enumerate(heights):
        if height is not None:
            low, high = sorted((height, height if before is None else before))
            # Up to the height of the point before, so that a step is a line and not two dots apart.
            for level in range(
                low + (before is not None and before < height), high + 1 - (before is not None and before > height)
            ):
                y = 4 * rows - 1 - level
                cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
        before = height
    return ["".join(map(chr, row)) for row in cells]
