"""`clear statistics`: totals never go back, so what was counted before is subtracted from what is shown."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import chain

from agroal.management.snapshot import Count, Counters, Loop, Pin, Pool, Snapshot

POOL_HISTOGRAMS = ("wait_hist", "connect_hist", "lease_hist", "query_hist", "transaction_hist")
POOL_TOTALS = (
    *("leases", "waits", "wait_us", "timeouts", "connect_failures"),
    *("connect_us", "lease_us", "query_us", "transaction_us"),
    *("queries", "transactions", "bytes_in", "bytes_out"),
)


def since(cleared: Snapshot, now: Snapshot) -> Snapshot:
    """The picture of now, counting from the moment of the other."""
    before = {(pool.database, pool.user): pool for pool in cleared.pools}
    names = [field.name for field in fields(Counters)]
    counters = {name: getattr(now.counters, name) - getattr(cleared.counters, name) for name in names}
    return replace(
        now,
        counters=Counters(**counters),
        closes=_since(cleared.closes, now.closes),
        pools=tuple(_pool(before.get((pool.database, pool.user)), pool) for pool in now.pools),
        verified=now.verified - cleared.verified,
        refused=_since(cleared.refused, now.refused),
        pins=tuple(
            replace(pin, count=pin.count - gone) for pin in now.pins if (gone := _pinned(cleared.pins, pin)) < pin.count
        ),
        loop=Loop(
            _less(now.loop.lag_hist, cleared.loop.lag_hist), now.loop.tasks, now.loop.lag_us - cleared.loop.lag_us
        ),
        errors=_since(cleared.errors, now.errors),
    )


def _pool(before: Pool | None, now: Pool) -> Pool:
    if before is None:
        return now
    totals = {name: getattr(now, name) - getattr(before, name) for name in POOL_TOTALS}
    histograms = {name: _less(getattr(now, name), getattr(before, name)) for name in POOL_HISTOGRAMS}
    if min(*totals.values(), *chain(*histograms.values())) < 0:  # it has been forgotten meanwhile, and counts anew
        return now
    return replace(now, **totals, **histograms)  # type: ignore[arg-type]


def _less(now: tuple[int, ...], before: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(late - early for late, early in zip(now, before, strict=True))


def _since(before: tuple[Count, ...], now: tuple[Count, ...]) -> tuple[Count, ...]:
    known = {count.name: count.count for count in before}
    return tuple(Count(count.name, count.count - known.get(count.name, 0)) for count in now)


def _pinned(before: tuple[Pin, ...], now: Pin) -> int:
    """How often this had been counted by then."""
    return next((pin.count for pin in before if replace(pin, count=now.count) == now), 0)
