"""The core, event by event, from the connection's side: one of a client's own, given back, lost."""

from __future__ import annotations

import pytest

from agroal.errors import IllegalTransition
from agroal.pool.effects import Close, CloseReason, Connect
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.shell import BATCH, WEB, Shell

# -- a connection of one's own


def test_who_logs_in_by_itself_gets_a_new_connection_even_beside_a_free_one() -> None:
    shell = Shell()
    shell.free(1)
    waiter = shell.ask(private=True)
    assert shell.connects == [Connect(1, WEB, waiter)]
    shell.connect()
    assert shell.grants[waiter].slot == 1


def test_a_connection_of_ones_own_is_closed_when_it_comes_back() -> None:
    shell = Shell()
    held = shell.lease(private=True)
    assert shell.release(held) == [Close(0, CloseReason.PASS_THROUGH)]


def test_a_connect_of_ones_own_that_fails_concerns_nobody_else() -> None:
    shell = Shell()
    alone = shell.ask(private=True)
    other = shell.ask()
    shell.fail()
    assert list(shell.refusals) == [alone]
    shell.connect()
    assert list(shell.grants) == [other]
    assert shell.pool.next_deadline() is None


def test_who_leaves_while_its_own_connection_is_opened_has_it_closed_once_it_is_open() -> None:
    shell = Shell()
    waiter = shell.ask(private=True)
    assert shell.pool.cancel(waiter, 0.0) == []
    shell.connect()
    assert shell.grants == {}
    assert shell.closes == [Close(0, CloseReason.ABANDONED)]


def test_who_leaves_while_its_own_connection_is_opened_need_not_hear_that_it_failed() -> None:
    shell = Shell()
    shell.pool.cancel(shell.ask(private=True), 0.0)
    shell.fail()
    assert shell.refusals == {}
    assert shell.states() == []


def test_a_connect_of_ones_own_is_not_ended_by_the_blocking_timeout() -> None:
    shell = Shell(PoolSettings(blocking_timeout=1))
    waiter = shell.ask(private=True)
    shell.wait(60)
    shell.connect()
    assert list(shell.grants) == [waiter]


def test_clients_that_have_yet_to_log_in_take_half_of_the_connects_together() -> None:
    shell = Shell(PoolSettings(connects_at_once=4))
    for number in range(5):
        shell.ask(PoolKey("shop", f"stranger{number}"), private=True)
    assert len(shell.connects) == 2
    shell.ask(WEB)
    assert shell.connects[-1].key == WEB
    shell.connect()
    assert shell.connects[-1].key == PoolKey("shop", "stranger2")


# -- to give a connection back


def test_a_connection_that_is_not_clean_is_closed_for_the_reason_given() -> None:
    shell = Shell()
    one, other = shell.leases(2)
    assert shell.pool.release(one.slot, one.lease, 0.0, clean=False) == [Close(0, CloseReason.DIRTY)]
    reason = CloseReason.RESET_FAILED
    assert shell.pool.release(other.slot, other.lease, 0.0, clean=False, reason=reason) == [Close(1, reason)]
    assert shell.states() == ["remove", "remove"]


def test_the_first_in_the_queue_has_another_opened_when_a_connection_is_not_clean() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    waiter = shell.ask()
    shell.do(shell.pool.release(held.slot, held.lease, 0.0, clean=False))
    shell.close()
    shell.connect()
    assert list(shell.grants) == [waiter]


def test_a_lease_is_given_back_once() -> None:
    shell = Shell()
    held = shell.lease()
    shell.release(held)
    with pytest.raises(IllegalTransition, match="slot 0: lease 1 is over"):
        shell.pool.release(held.slot, held.lease, 0.0)
    again = shell.lease()
    with pytest.raises(IllegalTransition, match=f"it has lease {again.lease}"):
        shell.pool.decline(held.slot, held.lease, 0.0)
    assert shell.states() == ["in-use"]


def test_a_lease_ends_with_its_connection() -> None:
    shell = Shell()
    held = shell.lease()
    assert shell.pool.closed(held.slot, 0.0) == []
    with pytest.raises(IllegalTransition):
        shell.pool.release(held.slot, held.lease, 0.0)


# -- servers


def test_a_free_connection_that_is_lost_leaves_an_empty_slot() -> None:
    shell = Shell()
    shell.free(1)
    assert shell.pool.closed(0, 0.0, CloseReason.SPOKE_WHILE_IDLE) == []
    assert shell.states() == []
    assert shell.pool.snapshot(0.0).totals.closes == {CloseReason.SPOKE_WHILE_IDLE: 1}


def test_the_seat_of_a_lost_connection_goes_to_who_waits() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    shell.ask(BATCH)
    assert shell.pool.closed(held.slot, 0.0) == [Connect(0, BATCH)]


def test_why_a_connection_ended_is_what_the_pool_wanted_not_what_the_shell_saw() -> None:
    shell = Shell()
    held = shell.lease()
    shell.do(shell.pool.release(held.slot, held.lease, 0.0, clean=False))
    shell.close()
    assert shell.pool.snapshot(0.0).totals.closes == {CloseReason.DIRTY: 1}


def test_news_of_a_connect_that_is_not_under_way_are_our_bug() -> None:
    shell = Shell()
    shell.free(1)
    for slot in (0, 1):
        with pytest.raises(IllegalTransition, match="no connect is under way"):
            shell.pool.connected(slot, 0.0)
    with pytest.raises(IllegalTransition):
        shell.pool.closed(1, 0.0)


def test_a_connect_under_way_ends_only_by_its_outcome() -> None:
    shell = Shell()
    shell.ask()
    with pytest.raises(IllegalTransition, match="only connected or connect_failed"):
        shell.pool.closed(0, 0.0)


def test_it_describes_itself_in_a_line() -> None:
    shell = Shell(PoolSettings(max_connections=3), [Limit("all", (), "all", 1)])
    shell.lease()
    shell.ask()
    assert repr(shell.pool) == "<Pool 1 of 3 slots, 1 leased, 1 waiting>"
    assert shell.pool.leased == 1
