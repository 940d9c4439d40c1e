"""What a metric is: declared once, with how it is read, and drawn from that in an answer and in docs/metrics.md.

A monotonic total has `_total` at the end of its name, as OpenMetrics wants it of counters. The totals that pgagroal has
without it keep their names, for the sake of its dashboards, and so their type is unknown; `rate()` does not mind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from agroal.metrics.seen import Seen


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    TOTAL = "total"
    """A counter by pgagroal's name."""
    HISTOGRAM = "histogram"


class Spread(NamedTuple):
    """A histogram: how many were up to each of the bounds, and beyond the last. All in microseconds."""

    bounds: tuple[int, ...]
    counts: tuple[int, ...]
    sum: int


Row = tuple[tuple[str, ...], float | Spread]
"""The values of the labels, and what is counted under them."""


@dataclass(frozen=True, slots=True)
class Family:
    """`name` has no prefix. `read` gives a row for each combination of labels that there is just now."""

    name: str
    kind: Kind
    doc: str
    read: Callable[[Seen], Iterable[Row]]
    labels: tuple[str, ...] = ()


def one(name: str, kind: Kind, doc: str, read: Callable[[Seen], float | Spread]) -> Family:
    """A metric without labels."""
    return Family(name, kind, doc, lambda seen: [((), read(seen))])
