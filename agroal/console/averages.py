"""Totals of each database, and how fast they grow.

The daemon keeps no averages. So that PgBouncer's `avg_…` columns can be answered, the console remembers what it has
seen: totals of a minute ago, or of the time when somebody last looked, if that is longer ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

from agroal.management.snapshot import Snapshot

PERIOD_US: Final = 60_000_000
"""PgBouncer's `stats_period`."""
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one database, or of all, since the daemon started; or what was added to them."""

    assignments: int = 0
    transactions: int = 0
    queries: int = 0
    received: int = 0
    sent: int = 0
    transaction_us: int = 0
    query_us: int = 0
    wait_us: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    def since(self, before: Totals) -> Totals:
        """What was added. What has gone back was cleared, and counts from there."""
        pairs = zip(astuple(self), astuple(before), strict=True)
        return Totals(*(now - then if now >= then else now for now, then in pairs))

    def per_second(self, count: int, microseconds: int) -> int:
        return count * _SECOND // microseconds if microseconds > 0 else 0


NONE: Final = Totals()


def totals(snapshot: Snapshot) -> dict[str, Totals]:
    """By database."""
    found: dict[str, Totals] = {}
    for pool in snapshot.pools:
        mine = Totals(
            assignments=pool.leases,
            transactions=pool.transactions,
            queries=pool.queries,
            received=pool.bytes_in,
            sent=pool.bytes_out,
            transaction_us=pool.transaction_us,
            query_us=pool.query_us,
            wait_us=pool.wait_us,
        )
        found[pool.database] = found.get(pool.database, NONE) + mine
    return found


@dataclass(frozen=True, slots=True)
class Rates:
    """What was added in this many microseconds, by database."""

    microseconds: int
    gained: Mapping[str, Totals]


@dataclass(frozen=True, slots=True)
class _Sample:
    mono_us: int
    totals: Mapping[str, Totals]


class Averages:
    """What all consoles of one daemon have seen."""

    def __init__(self) -> None:
        self._older: _Sample | None = None
        self._newer: _Sample | None = None

    def rates(self, snapshot: Snapshot) -> Rates:
        """How fast the totals grow, and remember them."""
        now = _Sample(snapshot.mono_us, totals(snapshot))
        if self._newer is None or now.mono_us - self._newer.mono_us >= PERIOD_US:
            self._older, self._newer = self._newer, now
        before = self._older or _Sample(snapshot.started_us, {})
        gained = {name: mine.since(before.totals.get(name, NONE)) for name, mine in now.totals.items()}
        return Rates(now.mono_us - before.mono_us, gained)
