"""How long things took: counts in fixed buckets, so that a reader can subtract two pictures and take percentiles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

BOUNDS_US: Final = (
    *(1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000),
    *(1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000, 60_000_000),
)
"""The upper ends of the buckets, in microseconds, included. One bucket more is without end. For waits and connects."""
BOUNDS_FINE_US: Final = (50, 100, 200, 500, *BOUNDS_US)
"""For queries and transactions: what is answered from memory takes less than a millisecond."""
BOUNDS_LONG_US: Final = (
    *(1_000, 10_000, 100_000, 1_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000, 300_000_000),
    *(900_000_000, 3_600_000_000, 14_400_000_000, 43_200_000_000, 86_400_000_000),
)
"""For leases: a session may keep its server for a day."""


@dataclass(slots=True)
class Histogram:
    """How often something took up to each of the bounds, and longer than the last."""

    bounds: tuple[int, ...] = BOUNDS_US
    counts: list[int] = field(init=False)
    sum: int = 0
    """Microseconds, all together."""

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, microseconds: int) -> None:
        self.counts[bisect_left(self.bounds, microseconds)] += 1
        self.sum += microseconds

    def merge(self, counts: Sequence[int], together: int) -> None:
        """Add what was counted elsewhere, by the same bounds; `together` is their sum."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, counts, strict=True)]
        self.sum += together

    def copy(self) -> Histogram:
        same = Histogram(self.bounds, self.sum)
        same.counts = self.counts.copy()
        return same
