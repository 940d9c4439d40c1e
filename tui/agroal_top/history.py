"""What was seen, for as long as charts and rates look back: six hours, in a few megabytes.

A Mark is what one snapshot counted, small. Marks are kept twice: one of every second for fifteen minutes, one of every
ten seconds for six hours. Totals are kept, not rates, so that a rate over any window is one subtraction, and a mark
that was skipped changes no rate.

Two marks may be subtracted when they are of one `run`. A run ends when the daemon does (then its `life` does, too) or
when its totals are cleared. Time is in seconds on a clock that does not go back, see Model.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = tuple[str, str]
"""A pool: database and user."""

T = TypeVar("T", bound="Countable")


@dataclass(frozen=True, slots=True)
class Countable:
    at: float
    run: int
    mono_us: int
    """The daemon's clock: what lies between two marks is measured on it."""
    life: int
    """Counts the daemons that were seen."""


@dataclass(frozen=True, slots=True)
class Mark(Countable):
    totals: array[int]
    gauges: array[int]
    """-1 stands for what is not known."""


@dataclass(frozen=True, slots=True)
class PoolsMark(Countable):
    totals: Mapping[Key, array[int]]
    gauges: Mapping[Key, tuple[int, int]]
    """Slots in use, and clients that wait."""


class Ring(Generic[T]):
    """The last mark of every `step` seconds, of the last `size` steps in which there was one.

    The first mark of a run stays, too, so that there is something to subtract from before a step is over.
    """

    def __init__(self, step: int, size: int) -> None:
        self.step = step
        self.span = step * size
        self._marks: deque[T] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._marks)

    def put(self, mark: T) -> None:
        marks = self._marks
        if (
            len(marks) > 1
            and marks[-2].run == marks[-1].run == mark.run
            and marks[-1].at // self.step == mark.at // self.step
        ):
            marks[-1] = mark
        else:
            marks.append(mark)

    def clear(self) -> None:
        self._marks.clear()

    def all(self) -> list[T]:
        return list(self._marks)

    def ends(self, window: float) -> tuple[T, T] | None:
        """The newest mark and the oldest of its run in the window before it. None while there is but one.

        When the window holds no other, it is the one before, if that is not older than two windows.
        """
        marks = reversed(self._marks)
        newest = next(marks, None)
        first = None
        for mark in marks:
            if newest is None or mark.run != newest.run:
                break
            age = newest.at - mark.at
            if age > window and (first is not None or age > 2 * window):
                break
            first = mark
        return None if newest is None or first is None else (first, newest)


class History:
    def __init__(self) -> None:
        self._fine: Ring[Mark] = Ring(1, 900)
        self._coarse: Ring[Mark] = Ring(10, 2160)
        # There may be hundreds of pools, and only one of them is looked at.
        self._pools_fine: Ring[PoolsMark] = Ring(1, 120)
        self._pools_coarse: Ring[PoolsMark] = Ring(60, 361)

    def put(self, mark: Mark, pools: PoolsMark) -> None:
        self._fine.put(mark)
        self._coarse.put(mark)
        self._pools_fine.put(pools)
        self._pools_coarse.put(pools)

    def clear(self) -> None:
        for ring in (self._fine, self._coarse, self._pools_fine, self._pools_coarse):
            ring.clear()

    def ends(self, window: float) -> tuple[Mark, Mark] | None:
        return self._ring(window).ends(window)

    def pool_ends(self, window: float) -> tuple[PoolsMark, PoolsMark] | None:
        return self._pools_ring(window).ends(window)

    def columns(self, window: float, count: int, interval: float) -> Iterator[Sequence[Mark]]:
        return columns(self._ring(window), window, count, interval)

    def pool_columns(self, window: float, count: int, interval: float) -> Iterator[Sequence[PoolsMark]]:
        return columns(self._pools_ring(window), window, count, interval)

    def _ring(self, window: float) -> Ring[Mark]:
        return self._fine if window <= self._fine.span else self._coarse

    def _pools_ring(self, window: float) -> Ring[PoolsMark]:
        return self._pools_fine if window <= self._pools_fine.span else self._pools_coarse


def columns(ring: Ring[T], window: float, count: int, interval: float) -> Iterator[Sequence[T]]:
    """The window in `count` equal parts: of each the marks in it, after the one before them to subtract from.

    A part that saw nothing because it is shorter than the time between two marks has the last two before it. A gap is
    empty: nothing was seen for three intervals, or another daemon began. The last part has the newest mark.
    """
    marks = ring.all()
    if not marks:
        yield from [()] * count
        return
    times = [mark.at for mark in marks]
    width = window / count
    patience = 3 * max(interval, ring.step)
    # Whole multiples of a width: parts keep their marks while time goes on, or peaks would flicker.
    last = -(-times[-1] // width)  # rounded up
    for part in range(count):
        begin = (last - count + part) * width
        before, end = (bisect_right(times, at) - 1 for at in (begin, begin + width))
        if before == end:
            before -= 1
            if end < 0 or begin + width - times[end] > patience:
                yield ()
                continue
        if before >= 0 and begin - times[before] > patience:
            before += 1
        found = marks[max(before, 0) : end + 1]
        yield () if any(mark.life != found[0].life for mark in found) else found
