"""`pause` and `resume`: clients are held, not refused, and their clocks stand still."""

from __future__ import annotations

import pytest

from agroal.config.choices import Validation
from agroal.errors import PoolIsFull
from agroal.pool.effects import Close, CloseReason, Notify, RefuseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.waiters import WaitReason
from tests.unit.pool.shell import BATCH, BOOKS, STARTING, WEB, WRONG_PASSWORD, Shell

ONE = PoolSettings(max_connections=1)


def pause(shell: Shell, database: str | None = "shop") -> None:
    shell.do(shell.pool.pause(database, shell.now))


def resume(shell: Shell, database: str | None = "shop") -> None:
    shell.do(shell.pool.resume(database, shell.now))


def reasons(shell: Shell) -> list[WaitReason]:
    return [row.reason for row in shell.pool.snapshot(shell.now).waiters]


# -- connections


def test_free_connections_are_closed_at_once() -> None:
    shell = Shell()
    shell.free(2)
    shell.free(1, BOOKS)
    pause(shell)
    assert [close.reason for close in shell.closes] == [CloseReason.PAUSED] * 2
    assert shell.states() == ["flush", "flush", "free"]
    assert shell.pool.there("shop") == {False: 2}
    shell.close()
    shell.close()
    assert shell.pool.there("shop").total() == 0


def test_leased_connections_go_on_and_are_closed_when_they_come_back() -> None:
    shell = Shell()
    grant = shell.lease()
    pause(shell)
    assert shell.states() == ["gracefully"]
    assert shell.pool.there("shop") == {True: 1}
    waiter = shell.ask()
    assert shell.release(grant) == [Close(grant.slot, CloseReason.PAUSED)]
    assert waiter not in shell.grants


def test_connections_under_way_are_closed_once_they_are_open_and_nobody_gets_them() -> None:
    shell = Shell()
    waiter = shell.ask()
    pause(shell)
    assert shell.states() == ["init"]
    shell.connect()
    assert shell.closes == [Close(0, CloseReason.PAUSED)]
    assert waiter not in shell.grants


def test_a_connection_under_validation_is_closed() -> None:
    shell = Shell(PoolSettings(validation=Validation.FOREGROUND))
    shell.ask()
    shell.connect()
    shell.release(shell.grants.pop(1))
    waiter = shell.ask()
    assert shell.states() == ["validation"]
    pause(shell)
    assert shell.states() == ["flush"]
    assert reasons(shell) == [WaitReason.PAUSED]
    assert waiter not in shell.refusals


def test_no_connection_to_a_paused_database_begins() -> None:
    shell = Shell(limits=[Limit("shop", (), "web", 3, 2, 1)])
    pause(shell)
    shell.wait(100.0)
    shell.ask()
    assert not shell.connects
    resume(shell)
    assert [connect.key for connect in shell.connects] == [WEB, WEB]


def test_a_client_that_is_logging_in_to_postgresql_by_itself_goes_on_with_it() -> None:
    shell = Shell()
    waiter = shell.ask(private=True)
    pause(shell)
    shell.connect()
    grant = shell.grants.pop(waiter)
    assert shell.pool.there("shop") == {True: 1}
    shell.release(grant)
    assert [close.reason for close in shell.closes] == [CloseReason.PASS_THROUGH]
    held = shell.ask(private=True)
    assert not shell.connects
    resume(shell)
    assert [connect.waiter for connect in shell.connects] == [held]


def test_while_something_is_to_be_closed_on_return_no_server_goes_from_hand_to_hand_unseen() -> None:
    shell = Shell()
    grant = shell.lease()
    assert shell.pool.stands_by
    pause(shell)
    assert not shell.pool.stands_by
    shell.release(grant)
    assert shell.pool.stands_by, "the others need not wait for the end of the pause"


# -- clients


def test_all_who_wait_are_held_and_those_who_come_as_well_and_the_others_are_not() -> None:
    shell = Shell()
    early = shell.ask()
    pause(shell)
    late, other = shell.ask(BATCH), shell.ask(BOOKS)
    shell.connect_all()
    assert list(shell.grants) == [other]
    assert reasons(shell) == [WaitReason.PAUSED, WaitReason.PAUSED]
    assert (shell.pool.held("shop"), shell.pool.held(None), shell.pool.held("books")) == (2, 2, 0)
    assert shell.pool.waiting("shop") == 2
    resume(shell)
    shell.connect_all()
    assert {early, late} <= set(shell.grants)
    assert shell.pool.held(None) == 0


def test_who_was_held_goes_on_in_order_and_within_the_caps() -> None:
    shell = Shell(ONE)
    grant = shell.lease()
    first = shell.ask()
    pause(shell)
    second = shell.ask()
    shell.release(grant)
    shell.close()
    resume(shell)
    assert len(shell.connects) == 1
    shell.connect()
    assert list(shell.grants) == [first]
    shell.release(shell.grants.pop(first))
    assert list(shell.grants) == [second]


def test_as_many_connects_begin_at_once_as_at_any_time() -> None:
    shell = Shell(PoolSettings(max_connections=50, connects_at_once=4))
    pause(shell)
    shell.ask_all(10)
    resume(shell)
    assert len(shell.connects) == 2


def test_the_clock_of_who_is_held_stands_still() -> None:
    shell = Shell(ONE)
    shell.lease()
    waiter = shell.ask()
    shell.wait(20.0)
    pause(shell)
    shell.wait(1000.0)
    assert waiter not in shell.refusals
    resume(shell)
    shell.wait(9.9)
    assert waiter not in shell.refusals
    shell.wait(0.2)
    refusal = shell.refusals[waiter]
    assert refusal.reason is RefuseReason.POOL_IS_FULL
    assert isinstance(refusal.error, PoolIsFull)
    assert "waited 1030.1 s" in (refusal.error.detail or "")


def test_who_came_during_the_pause_has_all_its_time_after_it() -> None:
    shell = Shell(ONE)
    shell.lease(BOOKS)
    pause(shell)
    waiter = shell.ask()
    shell.wait(1000.0)
    resume(shell)
    shell.wait(29.9)
    assert waiter not in shell.refusals
    shell.wait(0.2)
    assert waiter in shell.refusals


def test_the_time_in_a_pause_counts_as_waiting_for_those_who_count() -> None:
    shell = Shell(ONE)
    pause(shell)
    shell.ask()
    shell.wait(100.0)
    [pool] = shell.pool.snapshot(shell.now).pools
    assert (pool.waiting, pool.oldest_wait) == (1, 100.0)
    resume(shell)
    shell.now += 1.0
    shell.connect()
    [pool] = shell.pool.snapshot(shell.now).pools
    assert pool.wait_us == 101_000_000


def test_who_did_not_wait_for_others_is_not_refused_for_a_pause() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=0.0))
    pause(shell)
    waiter = shell.ask()
    assert waiter not in shell.refusals
    resume(shell)
    shell.connect()
    assert waiter in shell.grants


def test_who_is_held_may_give_up() -> None:
    shell = Shell()
    pause(shell)
    waiter = shell.ask()
    shell.do(shell.pool.cancel(waiter, 0.0))
    assert shell.pool.waiting(None) == 0
    resume(shell)
    assert not shell.connects
    assert shell.pool.snapshot(0.0).totals.cancelled == 1


def test_who_is_held_is_told_why_it_waits_once() -> None:
    shell = Shell()
    shell.now = 3.0
    waiter = shell.ask()
    pause(shell)
    other = shell.ask()
    assert shell.pool.next_deadline() == 8.0
    shell.wait(5.0)
    assert shell.notices == [Notify(waiter, 1, None, paused=True), Notify(other, 2, None, paused=True)]
    resume(shell)
    shell.wait(100.0)
    assert len(shell.notices) == 2


def test_who_was_not_told_in_time_is_told_after_the_pause_like_anybody() -> None:
    shell = Shell(ONE)
    shell.lease(BOOKS)
    pause(shell)
    waiter = shell.ask()
    shell.wait(4.0)
    resume(shell)
    shell.wait(4.9)
    assert not shell.notices
    shell.wait(0.2)
    assert shell.notices == [Notify(waiter, 1, None)]


def test_those_of_other_databases_keep_their_order_beside_those_who_were_held() -> None:
    shell = Shell(PoolSettings(max_connections=1, blocking_timeout=10.0))
    shell.lease(BOOKS)
    held = shell.ask()
    pause(shell)
    shell.wait(5.0)
    waiting = shell.ask(BOOKS)
    shell.wait(2.0)
    resume(shell)  # it came first, and has waited for less of its time
    assert [row.waiter for row in shell.pool.snapshot(shell.now).waiters] == [held, waiting]
    shell.wait(8.0)
    assert list(shell.refusals) == [waiting]
    shell.wait(2.0)
    assert list(shell.refusals) == [waiting, held]


def test_however_many_are_held_none_is_forgotten() -> None:
    shell = Shell(PoolSettings(max_connections=500, connects_at_once=500))
    pause(shell)
    for number in range(300):
        shell.ask(WEB._replace(secret=str(number)))
    resume(shell)
    assert shell.pool.held(None) == 0
    assert len(shell.connects) == 300


# -- a server that fails


def test_a_server_that_failed_before_the_pause_is_left_alone_during_it_and_tried_at_once_after_it() -> None:
    shell = Shell(PoolSettings(max_connections=2, retry_first=10.0, retry_cap=60.0))
    shell.lease()
    shell.ask()
    shell.fail()
    pause(shell)
    shell.wait(29.0)
    assert not shell.connects
    resume(shell)
    assert len(shell.connects) == 1


@pytest.mark.parametrize("error", [STARTING, WRONG_PASSWORD])
def test_a_connect_that_fails_during_the_pause_or_after_it_refuses_nobody(error: Exception) -> None:
    shell = Shell(ONE)
    waiter = shell.ask()
    pause(shell)
    resume(shell)
    assert shell.states() == ["init"], "there is no room for another"
    shell.fail(error)  # type: ignore[arg-type]
    assert waiter not in shell.refusals
    shell.connect()
    assert waiter in shell.grants


# -- and everything else


def test_to_pause_twice_is_to_pause_once_and_what_is_said_of_all_replaces_what_was_said_of_each() -> None:
    shell = Shell()
    pause(shell)
    waiter = shell.ask()
    shell.wait(1.0)
    pause(shell)
    pause(shell, None)
    other = shell.ask(BOOKS)
    resume(shell, "books")
    shell.connect_all()
    assert list(shell.grants) == [other]
    assert not shell.pool.passage.is_open("stock")
    resume(shell, None)
    resume(shell, None)
    shell.connect_all()
    assert waiter in shell.grants


def test_a_pause_survives_a_reload() -> None:
    shell = Shell()
    pause(shell)
    waiter = shell.ask()
    shell.do(shell.pool.reconfigure(PoolSettings(blocking_timeout=1.0), [Limit("shop", (), "all", 1)], 0.0))
    shell.wait(60.0)
    assert not shell.connects
    resume(shell)
    shell.connect()
    assert waiter in shell.grants


def test_a_database_may_be_paused_before_anybody_knows_it() -> None:
    shell = Shell()
    assert not shell.pool.knows("shop")
    pause(shell)
    assert shell.pool.knows("shop")


def test_a_flush_of_a_paused_database_closes_what_is_still_leased() -> None:
    shell = Shell()
    shell.lease()
    pause(shell)
    waiter = shell.ask()
    shell.do(shell.pool.flush(FlushMode.ALL, "shop", 0.0))
    assert shell.closes == [Close(0, CloseReason.FLUSHED)]
    assert waiter not in shell.refusals


# -- reconnect


def test_a_replacement_closes_what_is_free_or_under_way_now_and_the_rest_when_it_comes_back() -> None:
    shell = Shell()
    free, leased = shell.leases(2)
    shell.release(free)
    shell.lease(BATCH)
    waiter = shell.ask(BATCH)
    shell.do(shell.pool.flush(FlushMode.REPLACE, "shop", 0.0))
    assert shell.states() == ["flush", "gracefully", "gracefully", "init", "init"]
    assert shell.pool.leaving("shop") == {True: 2, False: 2}
    shell.connect_all()
    assert waiter in shell.grants
    assert [close.reason for close in shell.closes] == [CloseReason.REPLACED] * 2
    shell.release(leased)
    assert len(shell.closes) == 3
