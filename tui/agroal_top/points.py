"""From the marks of a part of the window to the point of a curve; None is a gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agroal_top.history import Countable, Key, Mark, PoolsMark, T
from agroal_top.rates import COUNTERS, differences, percentile


@dataclass(frozen=True, slots=True)
class PoolSeries:
    """The curves of one pool."""

    qps: list[float | None]
    active: list[float | None]
    waiting: list[float | None]


def seconds_between(first: Countable, last: Countable) -> float:
    """On the daemon's clock."""
    return max(last.mono_us - first.mono_us, 1) / 1e6


def rate_of(place: int) -> Callable[[Sequence[Mark]], float | None]:
    """Of the total at that place."""

    def of(marks: Sequence[Mark]) -> float | None:
        ends = _comparable(marks)
        return ends and (ends[1].totals[place] - ends[0].totals[place]) / seconds_between(*ends)

    return of


def peak_of(place: int) -> Callable[[Sequence[Mark]], float | None]:
    """The greatest value of a gauge; the first mark is of the time before."""

    def of(marks: Sequence[Mark]) -> float | None:
        known = [mark.gauges[place] for mark in marks[1:] or marks if mark.gauges[place] >= 0]
        return max(known, default=None)

    return of


def percentile_of(quantile: float, bounds: Sequence[int]) -> Callable[[Sequence[Mark]], float | None]:
    """Of the waits that ended in the part."""

    def of(marks: Sequence[Mark]) -> float | None:
        ends = _comparable(marks)
        if ends is None:
            return None
        return percentile(bounds, differences(*(mark.totals[len(COUNTERS) :] for mark in ends)), quantile)

    return of


def pool_rate(marks: Sequence[PoolsMark], pool: Key, place: int) -> float | None:
    """None when the pool was not there, or was made anew."""
    ends = _comparable(marks) if marks else None
    if ends is None:
        return None
    first, last = (mark.totals.get(pool) for mark in ends)
    if first is None or last is None or last[place] < first[place]:
        return None
    return (last[place] - first[place]) / seconds_between(*ends)


def pool_peak(marks: Sequence[PoolsMark], pool: Key, place: int) -> float | None:
    known = [mark.gauges[pool][place] for mark in marks[1:] or marks if pool in mark.gauges]
    return max(known, default=None)


def _comparable(marks: Sequence[T]) -> tuple[T, T] | None:
    """The ends of the newest run among them; None when it has but one mark."""
    first = next(mark for mark in marks if mark.run == marks[-1].run)
    return None if first is marks[-1] else (first, marks[-1])
