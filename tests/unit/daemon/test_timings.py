from __future__ import annotations

from agroal.daemon.timings import Timings
from agroal.pool.histogram import BOUNDS_FINE_US
from agroal.pool.slot import PoolKey


def test_what_is_fed_is_seen_whatever_secret_is_in_the_key() -> None:
    timings = Timings()
    timings.of(PoolKey("shop", "web", "one")).query.add(70)
    timings.of(PoolKey("shop", "web", "two")).query.add(30)
    seen = timings.seen("shop", "web")
    assert (seen.query.counts[:3], seen.query.sum, seen.query.bounds) == ([1, 1, 0], 100, BOUNDS_FINE_US)
    assert sum(seen.transaction.counts) == 0


def test_who_feeds_keeps_the_same_for_ever() -> None:
    timings = Timings()
    assert timings.of(PoolKey("shop", "web")) is timings.of(PoolKey("shop", "web"))
    assert timings.of(PoolKey("shop", "web")) is not timings.of(PoolKey("shop", "batch"))


def test_to_look_makes_none() -> None:
    timings = Timings()
    timings.seen("shop", "eve").query.add(5)
    assert sum(timings.seen("shop", "eve").query.counts) == 0
