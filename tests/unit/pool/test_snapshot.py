from __future__ import annotations

from dataclasses import fields

from agroal.pool.effects import CloseReason, RefuseReason
from agroal.pool.histogram import BOUNDS_LONG_US, BOUNDS_US, Histogram
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from agroal.pool.snapshot import PoolRow, SlotRow, Totals, WaiterRow
from agroal.pool.waiters import WaitReason
from tests.unit.pool.shell import BATCH, BOOKS, WEB, Shell

LIMIT = Limit("shop", (), "web", 3, 2, 1, "agroal_databases.conf:3")


def times(bounds: tuple[int, ...], *microseconds: int) -> Histogram:
    histogram = Histogram(bounds)
    for one in microseconds:
        histogram.add(one)
    return histogram


def test_a_pool_is_seen_with_its_limit_its_connections_and_its_queue() -> None:
    shell = Shell(PoolSettings(max_connections=10), [LIMIT])
    _, dirty = shell.leases(2, WEB)
    shell.now = 1.0
    shell.ask_all(2, WEB)
    shell.do(shell.pool.release(dirty.slot, dirty.lease, 1.0, clean=False))
    (row,) = shell.pool.snapshot(3.0).pools
    assert row == PoolRow(
        database="shop",
        user="web",
        limit="agroal_databases.conf:3",
        max=3,
        initial=2,
        min=1,
        active=1,
        idle=0,
        other=2,
        waiting=2,
        oldest_wait=2.0,
        leases=2,
        waits=3,  # the second was opened ahead, for initial_size
        wait_us=0,
        wait_histogram=(1, *[0] * len(BOUNDS_US)),
        timeouts=0,
        failures=0,
        error=None,
        connects=times(BOUNDS_US, 0, 0),
        connect_failures=0,
        lease_times=times(BOUNDS_LONG_US, 1_000_000),
    )


def test_a_pool_that_no_limit_matches_is_bounded_by_max_connections() -> None:
    shell = Shell(PoolSettings(max_connections=10))
    shell.lease(WEB)
    (row,) = shell.pool.snapshot(0.0).pools
    assert (row.limit, row.max, row.initial, row.min) == ("", 10, 0, 0)


def test_a_slot_is_seen_with_its_state_its_times_and_its_lease() -> None:
    shell = Shell()
    shell.release(shell.lease(BATCH))
    shell.now = 5.0
    shell.lease(BATCH)
    (row,) = shell.pool.snapshot(7.0).slots
    assert row == SlotRow(
        index=0, state=row.state, since=5.0, database="shop", user="batch", lease=2, born=0.0, age=7.0, leases=2
    )
    assert row.state == "in-use"


def test_who_waits_is_seen_in_order_with_its_place_and_the_reason() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    shell.lease(WEB)
    for key in (WEB, BOOKS, WEB):
        shell.now += 1.0
        shell.ask(key)
    reason = WaitReason.MAX_CONNECTIONS
    assert shell.pool.snapshot(9.0).waiters == (
        WaiterRow(2, "shop", "web", 1.0, 1, reason),
        WaiterRow(3, "books", "web", 2.0, 1, reason),
        WaiterRow(4, "shop", "web", 3.0, 2, reason),
    )


def test_what_only_a_secret_keeps_apart_is_one_pool() -> None:
    shell = Shell()
    shell.lease(PoolKey("shop", "web", "digest of one"))
    shell.lease(PoolKey("shop", "web", "digest of two"))
    shell.lease(PoolKey("shop", "web"), private=True)
    (row,) = shell.pool.snapshot(0.0).pools
    assert (row.active, row.leases) == (3, 3)
    assert "digest" not in repr(shell.pool.snapshot(0.0))


def test_a_closing_connection_is_still_its_pools() -> None:
    shell = Shell()
    held = shell.lease()
    shell.do(shell.pool.release(held.slot, held.lease, 0.0, clean=False))
    (row,) = shell.pool.snapshot(0.0).pools
    assert (row.active, row.idle, row.other) == (0, 0, 1)


def test_a_picture_does_not_change_afterwards() -> None:
    shell = Shell()
    before = shell.pool.snapshot(0.0)
    held = shell.lease()
    shell.do(shell.pool.release(held.slot, held.lease, 0.0, clean=False))
    shell.close()
    assert before.totals == Totals()
    assert before.slots == before.pools == before.waiters == ()


def test_a_copy_of_the_totals_has_all_of_them() -> None:
    totals = Totals(*range(1, 10))
    totals.refusals[RefuseReason.FLUSHED] = 10
    totals.closes[CloseReason.LOST] = 11
    copy = totals.copy()
    assert copy == totals
    for field in fields(Totals):
        assert getattr(copy, field.name)
    copy.closes[CloseReason.LOST] += 1
    assert totals.closes[CloseReason.LOST] == 11


def test_each_wait_is_counted_by_its_length_however_it_ends() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=30))
    held = shell.lease()
    served, gone, _ = shell.ask_all(3)
    shell.now = 0.0015
    shell.release(held)
    assert served in shell.grants
    shell.now = 3.0
    shell.pool.cancel(gone, 3.0)
    shell.wait(27.0)
    (row,) = shell.pool.snapshot(30.0).pools
    counts = {bound: count for bound, count in zip((*BOUNDS_US, None), row.wait_histogram, strict=True) if count}
    assert counts == {1_000: 1, 2_000: 1, 5_000_000: 1, 30_000_000: 1}
    assert sum(row.wait_histogram) == row.waits
