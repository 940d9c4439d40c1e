from __future__ import annotations

import pytest

from agroal.errors import ServerLost
from agroal.pool.effects import Close, CloseReason, RefuseReason
from agroal.pool.flushing import Fate, FlushMode
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.shell import BATCH, BOOKS, WEB, Shell


@pytest.mark.parametrize(
    ("mode", "states"),
    [
        (FlushMode.IDLE, ["flush", "in-use", "init"]),
        (FlushMode.GRACEFULLY, ["flush", "gracefully", "init"]),
        (FlushMode.ALL, ["flush", "flush", "init", "init"]),  # the doomed one, and the one that its waiter needs now
    ],
)
def test_each_mode_closes_what_it_says(mode: FlushMode, states: list[str]) -> None:
    shell = Shell()
    free, _ = shell.leases(2)
    shell.release(free)
    shell.ask(BATCH)
    shell.do(shell.pool.flush(mode, None, 0.0))
    assert shell.states() == states


def test_a_connection_that_is_flushed_gracefully_is_closed_when_it_comes_back() -> None:
    shell = Shell()
    held = shell.lease()
    assert shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0) == []
    assert shell.release(held) == [Close(0, CloseReason.FLUSHED)]


def test_a_flushed_connection_that_comes_back_dirty_is_counted_as_dirty() -> None:
    shell = Shell()
    held = shell.lease()
    shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0)
    assert shell.pool.release(held.slot, held.lease, 0.0, clean=False) == [Close(0, CloseReason.DIRTY)]


def test_a_flushed_connection_is_not_handed_to_who_waits() -> None:
    shell = Shell(PoolSettings(max_connections=1))
    held = shell.lease()
    waiter = shell.ask()
    shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0)
    shell.release(held)
    assert waiter not in shell.grants
    shell.close()
    shell.connect()
    assert waiter in shell.grants


def test_flush_all_after_gracefully_does_not_wait_any_longer() -> None:
    shell = Shell()
    shell.lease()
    shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0)
    assert shell.pool.flush(FlushMode.ALL, None, 0.0) == [Close(0, CloseReason.FLUSHED)]
    assert shell.pool.flush(FlushMode.ALL, None, 0.0) == []


def test_a_client_whose_connection_was_flushed_may_give_it_back_before_it_is_gone() -> None:
    shell = Shell()
    held = shell.lease()
    shell.do(shell.pool.flush(FlushMode.ALL, None, 0.0))
    assert shell.release(held) == []
    shell.close()
    assert shell.states() == []


def test_a_connection_that_was_being_opened_is_closed_by_flush_all_once_it_is_open() -> None:
    shell = Shell()
    waiter = shell.ask()
    shell.do(shell.pool.flush(FlushMode.ALL, None, 0.0))
    assert len(shell.connects) == 2  # the waiter needs another
    shell.connect()
    assert shell.closes == [Close(0, CloseReason.FLUSHED)]
    shell.connect()
    assert shell.grants[waiter].slot == 1


def test_who_logs_in_by_itself_while_all_is_flushed_is_refused() -> None:
    shell = Shell()
    waiter = shell.ask(private=True)
    shell.do(shell.pool.flush(FlushMode.ALL, None, 0.0))
    assert shell.refusals[waiter].reason is RefuseReason.FLUSHED
    assert isinstance(shell.refusals[waiter].error, ServerLost)
    shell.connect()
    assert shell.closes == [Close(0, CloseReason.FLUSHED)]


@pytest.mark.parametrize("mode", [FlushMode.IDLE, FlushMode.GRACEFULLY, FlushMode.ALL])
def test_one_database_may_be_flushed_and_the_others_left_alone(mode: FlushMode) -> None:
    shell = Shell()
    for key in (WEB, BOOKS, PoolKey("shop", "web", "digest")):
        shell.free(1, key)
    shell.do(shell.pool.flush(mode, "shop", 0.0))
    assert shell.states() == ["flush", "free", "flush"]


def test_the_reason_may_be_another_than_a_flush() -> None:
    shell = Shell()
    shell.free(1)
    leased = shell.lease(BATCH)
    reason = CloseReason.SHUTTING_DOWN
    assert shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0, reason) == [Close(0, reason)]
    assert shell.release(leased) == [Close(1, reason)]


def test_what_is_being_closed_already_is_closed_once() -> None:
    shell = Shell()
    shell.free(1)
    shell.pool.flush(FlushMode.IDLE, None, 0.0)
    for mode in FlushMode:
        assert shell.pool.flush(mode, None, 0.0) == []


# -- stragglers


def test_stragglers_are_those_that_were_to_be_closed_when_they_come_back() -> None:
    shell = Shell()
    free, straggler = shell.leases(2)
    shell.release(free)
    shell.do(shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0))
    in_use = shell.lease()
    shell.ask(BATCH)
    shell.closes.clear()
    shell.do(shell.pool.flush(FlushMode.STRAGGLERS, None, 0.0))
    assert shell.closes == [Close(straggler.slot, CloseReason.FLUSHED)]
    assert shell.release(straggler) == []
    shell.release(in_use)
    assert "free" in shell.states()


def test_a_straggler_that_came_back_in_time_is_closed_once() -> None:
    shell = Shell()
    held = shell.lease()
    shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0)
    shell.release(held)
    assert shell.pool.flush(FlushMode.STRAGGLERS, None, 0.0) == []


# -- what it would do


@pytest.mark.parametrize(
    ("mode", "fates"),
    [
        (FlushMode.IDLE, {Fate.CLOSED: 2}),
        (FlushMode.GRACEFULLY, {Fate.CLOSED: 2, Fate.MARKED: 1}),
        (FlushMode.STRAGGLERS, {Fate.KILLED: 1}),
        (FlushMode.ALL, {Fate.CLOSED: 2, Fate.KILLED: 2, Fate.ABANDONED: 1}),
    ],
)
def test_a_forecast_is_what_the_flush_then_does(mode: FlushMode, fates: dict[Fate, int]) -> None:
    shell = Shell()
    shell.lease()
    shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0)
    for grant in shell.leases(3)[:2]:
        shell.release(grant)
    shell.pool.cancel(shell.ask(BATCH), 0.0)
    before = shell.pool.snapshot(0.0)
    assert sorted(shell.states()) == ["free", "free", "gracefully", "in-use", "init"]
    assert shell.pool.forecast(mode, None) == fates
    assert shell.pool.snapshot(0.0) == before
    shell.do(shell.pool.flush(mode, None, 0.0))
    assert len(shell.closes) == fates.get(Fate.CLOSED, 0) + fates.get(Fate.KILLED, 0)
    assert shell.pool.forecast(mode, None) == {}


def test_a_forecast_and_a_flush_reach_one_database_and_one_user() -> None:
    shell = Shell()
    for key in (WEB, BATCH, BOOKS):
        shell.free(1, key)
    assert shell.pool.forecast(FlushMode.ALL, "shop") == {Fate.CLOSED: 2}
    assert shell.pool.forecast(FlushMode.ALL, "shop", "batch") == {Fate.CLOSED: 1}
    assert shell.pool.forecast(FlushMode.ALL, None, "web") == {Fate.CLOSED: 2}
    shell.do(shell.pool.flush(FlushMode.ALL, "shop", 0.0, user="batch"))
    assert shell.states() == ["free", "flush", "free"]
