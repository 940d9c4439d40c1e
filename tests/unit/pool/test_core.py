"""The core, event by event. What must hold through any sequence of events is in test_world.py."""

from __future__ import annotations

import pytest

from agroal.errors import IllegalTransition
from agroal.pool.effects import Connect, Grant, RefuseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.shell import BATCH, BOOKS, WEB, Shell

# -- to get a connection


def test_the_first_client_has_a_connection_opened_and_gets_it() -> None:
    shell = Shell()
    waiter = shell.ask(WEB)
    assert shell.connects == [Connect(0, WEB)]
    shell.connect()
    assert shell.grants == {waiter: Grant(waiter, 0, 1)}


def test_a_free_connection_is_granted_at_once() -> None:
    shell = Shell()
    shell.free(1)
    waiter = shell.ask()
    assert shell.grants[waiter] == Grant(waiter, 0, 2)
    assert shell.connects == []


def test_the_last_one_back_is_the_first_to_go() -> None:
    shell = Shell()
    first, second, third = shell.leases(3)
    for grant in (second, third, first):
        shell.release(grant)
    assert [shell.lease().slot for _ in range(3)] == [first.slot, third.slot, second.slot]


def test_who_has_waited_elsewhere_is_enrolled_with_others_and_what_it_means_is_seen_once_for_all() -> None:
    shell = Shell(PoolSettings(max_connections=3), now=5.0)
    shell.free(1)
    grant = shell.pool.enroll(11, WEB, 4.0, 5.0)
    assert grant == Grant(11, 0, 2)
    assert [shell.pool.enroll(waiter, WEB, since, 5.0) for waiter, since in ((12, 3.0), (13, 4.5))] == [None, None]
    assert [row.since for row in shell.pool.snapshot(5.0).waiters] == [3.0, 4.5]
    assert shell.connects == []
    shell.do(shell.pool.settle(5.0))
    assert [connect.slot for connect in shell.connects] == [1, 2]


@pytest.mark.parametrize("other", [BATCH, BOOKS, PoolKey("shop", "web", "another password")])
def test_a_free_connection_of_another_key_is_no_use(other: PoolKey) -> None:
    shell = Shell()
    shell.free(1, WEB)
    shell.ask(other)
    assert shell.connects == [Connect(1, other)]


def test_every_waiter_has_a_connect_of_its_own_but_no_more() -> None:
    shell = Shell()
    shell.ask_all(3)
    assert [connect.slot for connect in shell.connects] == [0, 1, 2]


def test_a_connection_that_comes_back_in_the_meantime_is_taken_and_the_new_one_kept() -> None:
    shell = Shell()
    held = shell.lease()
    waiter = shell.ask()
    shell.release(held)
    assert shell.grants[waiter].slot == held.slot
    shell.connect()
    assert shell.states() == ["in-use", "free"]


def test_a_number_can_not_wait_twice() -> None:
    shell = Shell()
    shell.pool.acquire(7, WEB, 0.0)
    shell.pool.acquire(8, WEB, 0.0, private=True)
    for waiter in (7, 8):
        with pytest.raises(IllegalTransition, match=f"waiter {waiter} waits already"):
            shell.pool.acquire(waiter, BATCH, 0.0)


# -- the queue


def test_a_connection_that_comes_back_goes_straight_to_the_first_in_the_queue() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    first, second = shell.ask_all(2)
    assert shell.release(held) == [Grant(first, 0, 2)]
    assert second not in shell.grants


def test_a_waiter_that_gave_up_is_never_granted() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    first, second = shell.ask_all(2)
    assert shell.pool.cancel(first, 0.0) == []
    shell.release(held)
    assert list(shell.grants) == [second]


def test_to_give_up_twice_or_too_late_or_as_a_stranger_does_nothing() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    waiter = shell.ask()
    shell.pool.cancel(waiter, 0.0)
    for number in (waiter, held.waiter, 999):
        assert shell.pool.cancel(number, 0.0) == []
    assert shell.pool.snapshot(0.0).totals.cancelled == 1


def test_a_grant_that_nobody_was_there_to_take_goes_to_the_next() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    first, second = shell.ask_all(2)
    shell.release(held)
    gone = shell.grants[first]
    assert shell.pool.decline(gone.slot, gone.lease, 0.0) == [Grant(second, 0, 3)]
    assert shell.pool.snapshot(0.0).totals.declined == 1


def test_a_waiter_is_refused_when_its_time_is_up_and_not_before() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=30, wait_notice_timeout=0))
    shell.lease()
    shell.now = 5.0
    waiter = shell.ask()
    assert shell.pool.next_deadline() == 35.0
    shell.wait(29.9)
    assert shell.refusals == {}
    shell.wait(0.1)
    assert shell.refusals[waiter].reason is RefuseReason.POOL_IS_FULL
    assert shell.pool.next_deadline() is None


def test_when_all_waiters_have_left_a_connection_that_comes_back_is_free() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=1))
    held = shell.lease()
    shell.ask_all(2)
    shell.wait(1.0)
    shell.release(held)
    assert shell.states() == ["free"]
    assert len(shell.refusals) == 2


def test_without_a_blocking_timeout_nobody_waits_for_somebody_elses_connection() -> None:
    shell = Shell(PoolSettings(max_connections=2, blocking_timeout=0))
    first, second, third = shell.ask_all(3)
    assert list(shell.refusals) == [third]
    shell.connect_all()
    assert list(shell.grants) == [first, second]


def test_without_a_blocking_timeout_a_free_connection_of_another_pool_still_makes_room() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=0))
    shell.free(1, WEB)
    waiter = shell.ask(BATCH)
    late = shell.ask(BATCH)
    assert list(shell.refusals) == [late]
    shell.close()
    shell.connect_all()
    assert list(shell.grants) == [waiter]


# -- caps


def test_a_limit_counts_connections_being_opened() -> None:
    shell = Shell(limits=[Limit("shop", (), "web", 2)])
    shell.ask_all(3)
    assert len(shell.connects) == 2


def test_a_limit_counts_connections_being_closed() -> None:
    shell = Shell(limits=[Limit("shop", (), "web", 1)])
    held = shell.lease()
    shell.do(shell.pool.release(held.slot, held.lease, 0.0, clean=False))
    shell.ask()
    assert shell.connects == []
    shell.close()
    assert shell.connects == [Connect(0, WEB)]


def test_a_limit_for_all_users_is_one_cap() -> None:
    shell = Shell(limits=[Limit("shop", (), "all", 2)])
    shell.ask(WEB)
    shell.ask(BATCH)
    shell.ask(WEB)
    shell.ask(BOOKS)
    assert [connect.key for connect in shell.connects] == [WEB, BATCH, BOOKS]


def test_max_connections_bounds_what_no_limit_matches() -> None:
    shell = Shell(PoolSettings(max_connections=3))
    shell.ask_all(2, WEB)
    shell.ask_all(2, BOOKS)
    assert len(shell.connects) == 3


def test_a_burst_opens_a_bounded_number_of_connections_at_once() -> None:
    shell = Shell(PoolSettings(connects_at_once=4))
    for number in range(10):
        shell.ask(PoolKey("shop", f"user{number}"))
    assert len(shell.connects) == 4
    shell.connect()
    assert len(shell.connects) == 4


def test_a_pool_whose_log_in_is_slow_leaves_half_of_the_connects_to_the_others() -> None:
    shell = Shell(PoolSettings(connects_at_once=4))
    shell.ask_all(10, WEB)
    assert len(shell.connects) == 2
    shell.ask(BATCH)
    assert shell.connects[-1].key == BATCH
