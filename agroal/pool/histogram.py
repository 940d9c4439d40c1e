"""How long things took: counts in fixed buckets, so that a reader can subtract two pictures and take percentiles."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

BOUNDS_US: Final = (
    *(1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000),
    *(1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000, 60_000_000),
)
"""The upper ends of the buckets, in microseconds, included. One bucket more is without end."""


@dataclass(slots=True)
class Histogram:
    """How often something took up to each of BOUNDS_US, and longer than the last."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_US) + 1))

    def add(self, microseconds: int) -> None:
        self.counts[bisect_left(BOUNDS_US, microseconds)] += 1
