"""One snapshot and the one before it."""

from __future__ import annotations

from array import array

from agroal.management.snapshot import Snapshot
from agroal_top.rates import COUNTERS, differences

GAUGES = ("active", "idle", "other", "waiting", "clients", "oldest_wait_us", "lag_us")


def rewound(before: Snapshot, snapshot: Snapshot) -> bool:
    """The snapshot is of an earlier time than the one before it."""
    if snapshot.instance_id == before.instance_id:
        return snapshot.mono_us < before.mono_us
    return snapshot.wall < before.wall


def cleared(before: Snapshot, snapshot: Snapshot) -> bool:
    """Of the same daemon, and yet its totals can't be subtracted."""
    counters, earlier = snapshot.counters, before.counters
    return snapshot.bounds_us != before.bounds_us or any(
        getattr(counters, name) < getattr(earlier, name) for name in COUNTERS
    )


def gauges(before: Snapshot | None, snapshot: Snapshot) -> array[int]:
    """In the order of GAUGES; -1 stands for what is not known."""
    pools = snapshot.pools
    occupied = [sum(getattr(pool, name) for pool in pools) for name in ("active", "idle", "other")]
    longest = max((pool.oldest_wait_us for pool in pools), default=0)
    return array("q", [*occupied, len(snapshot.waiters), len(snapshot.clients), longest, _lag(before, snapshot)])


def _lag(before: Snapshot | None, snapshot: Snapshot) -> int:
    """The worst that was seen since the snapshot before: the upper end of its bucket, for the last its lower end."""
    if before is None:
        return -1
    grown = differences(before.loop.lag_hist, snapshot.loop.lag_hist)
    last = len(snapshot.bounds_us) - 1
    return max((snapshot.bounds_us[min(at, last)] for at, count in enumerate(grown) if count > 0), default=-1)
