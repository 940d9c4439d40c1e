"""`reconfigure`: other settings and limits, and nobody loses anything but what is one too many."""

from __future__ import annotations

import pytest

from agroal.errors import IllegalTransition
from agroal.pool.effects import Close, CloseReason, Connect
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.shell import BATCH, BOOKS, WEB, Shell


def web(most: int, initial: int = 0, least: int = 0) -> Limit:
    return Limit("shop", (), "web", most, initial, least)


def reload(shell: Shell, *limits: Limit, **changes: float) -> None:
    settings = PoolSettings(shell.settings.max_connections, **changes)  # type: ignore[arg-type]
    shell.do(shell.pool.reconfigure(settings, limits, shell.now))


# -- a limit is lowered


def test_free_connections_beyond_a_lowered_limit_are_closed_at_once_the_longest_free_first() -> None:
    shell = Shell(limits=[web(5)])
    for grant in reversed(shell.leases(4)):
        shell.now += 1.0
        shell.release(grant)
    reload(shell, web(2))
    assert shell.closes == [Close(3, CloseReason.LIMIT_LOWERED), Close(2, CloseReason.LIMIT_LOWERED)]
    assert shell.states() == ["free", "free", "remove", "remove"]


def test_leased_connections_beyond_a_lowered_limit_are_closed_when_they_come_back() -> None:
    shell = Shell(limits=[web(5)])
    grants = shell.leases(3)
    reload(shell, web(1))
    assert shell.closes == []
    waiter = shell.ask()
    for grant in grants[:2]:
        shell.release(grant)
    assert [close.reason for close in shell.closes] == [CloseReason.LIMIT_LOWERED] * 2
    shell.release(grants[2])
    assert waiter in shell.grants


def test_a_connection_that_is_being_opened_beyond_a_lowered_limit_is_closed_when_nobody_waits_for_it() -> None:
    shell = Shell(limits=[web(5)])
    waiters = shell.ask_all(3)
    reload(shell, web(1))
    for waiter in waiters:
        shell.pool.cancel(waiter, 0.0)
    shell.connect_all()
    assert [close.reason for close in shell.closes] == [CloseReason.LIMIT_LOWERED] * 2
    assert shell.states() == ["remove", "remove", "free"]


def test_no_connect_begins_while_a_lowered_limit_is_exceeded() -> None:
    shell = Shell(limits=[web(3)])
    one, other, _ = shell.leases(3)
    reload(shell, web(1))
    shell.ask()
    shell.release(one)
    shell.release(other)
    shell.close()
    shell.close()
    assert shell.connects == []


# -- a limit is raised, or comes, or goes


def test_a_raised_limit_serves_those_who_wait_at_once() -> None:
    shell = Shell(limits=[web(1)])
    shell.lease()
    waiters = shell.ask_all(3)
    reload(shell, web(3))
    assert len(shell.connects) == 2
    shell.connect_all()
    assert list(shell.grants) == waiters[:2]


def test_a_line_that_goes_leaves_its_connections_to_the_next_best() -> None:
    everybody = Limit("all", (), "all", 2)
    shell = Shell(limits=[web(3), everybody])
    shell.free(1)
    held = shell.leases(3)
    reload(shell, everybody)
    assert shell.release(held[0]) == [Close(held[0].slot, CloseReason.LIMIT_LOWERED)]
    assert {(row.max, row.active) for row in shell.pool.snapshot(0.0).pools} == {(2, 2)}


def test_a_line_that_comes_bounds_what_is_there_already() -> None:
    shell = Shell()
    shell.leases(2)
    reload(shell, web(2))
    shell.ask()
    assert shell.connects == []
    shell.ask(BATCH)
    assert shell.connects == [Connect(2, BATCH)]


def test_a_line_of_the_same_names_that_was_filled_is_not_filled_again() -> None:
    shell = Shell(limits=[web(5, 2, 1)])
    shell.wait(0)
    shell.connect_all()
    shell.do(shell.pool.closed(0, 0.0))
    reload(shell, web(6, 4, 1))
    assert shell.connects == []


def test_a_raised_min_size_is_filled() -> None:
    shell = Shell(limits=[web(5, 1, 1)])
    shell.wait(0)
    shell.connect_all()
    reload(shell, web(5, 3, 3))
    shell.connect_all()
    assert shell.states() == ["free"] * 3


def test_a_new_line_is_filled_to_its_initial_size() -> None:
    shell = Shell()
    reload(shell, web(5, 2))
    assert shell.connects == [Connect(0, WEB), Connect(1, WEB)]


def test_another_alias_moves_a_pool_to_another_limit() -> None:
    shop, everybody = Limit("shop", (), "web", 1), Limit("all", (), "web", 5)
    shell = Shell(limits=[shop, everybody])
    store = PoolKey("store", "web")
    shell.leases(2, store)
    reload(shell, Limit("shop", ("store",), "web", 1), everybody)
    assert [row.max for row in shell.pool.snapshot(0.0).pools] == [1]
    shell.ask(store)
    assert shell.connects == []


# -- what survives


def test_a_reload_of_the_same_changes_nothing() -> None:
    limits = [web(3, 2, 1), Limit("all", (), "all", 5)]
    shell = Shell(limits=limits)
    shell.wait(0)
    shell.connect_all()
    shell.lease()
    shell.lease(BOOKS)
    before = shell.pool.snapshot(0.0)
    assert shell.pool.reconfigure(shell.settings, limits, 0.0) == []
    assert shell.pool.snapshot(0.0) == before


def test_who_waits_keeps_its_place() -> None:
    shell = Shell(limits=[web(1)])
    held = shell.lease()
    waiters = shell.ask_all(3)
    reload(shell, Limit("all", (), "all", 1))
    order = []
    grant = held
    for waiter in waiters:
        shell.release(grant)
        grant = shell.grants.pop(waiter)
        order.append(grant.waiter)
    assert order == waiters


def test_the_totals_survive_and_name_the_new_limit() -> None:
    shell = Shell(limits=[web(1)])
    shell.free(1)
    reload(shell, Limit("all", (), "web", 7, origin="agroal_databases.conf:9"))
    (row,) = shell.pool.snapshot(0.0).pools
    assert (row.leases, row.max, row.limit) == (1, 7, "agroal_databases.conf:9")
    assert shell.pool.snapshot(0.0).totals.leases == 1


def test_a_pool_that_was_forgotten_meanwhile_names_the_new_limit_when_it_is_back() -> None:
    key = WEB._replace(secret="digest")
    shell = Shell(limits=[web(1)])
    shell.release(shell.lease(key))
    shell.do(shell.pool.closed(0, 0.0))
    for number in range(1000):
        shell.pool.cancel(shell.ask(PoolKey("books", str(number)), private=True), 0.0)
        while shell.connects:
            shell.fail()
    reload(shell, web(7))
    shell.lease(key)
    row = next(row for row in shell.pool.snapshot(0.0).pools if row.user == "web")
    assert (row.max, row.leases) == (7, 2)


# -- settings


def test_a_shorter_patience_ends_the_wait_of_those_who_wait_already() -> None:
    shell = Shell(limits=[web(1)])
    shell.lease()
    waiter = shell.ask()
    shell.now = 5.0
    reload(shell, web(1), blocking_timeout=3.0)
    assert (shell.pool.next_deadline() or 9.0) <= shell.now
    shell.wait(0)
    assert waiter in shell.refusals


def test_a_shorter_idle_timeout_holds_for_what_is_idle_already() -> None:
    shell = Shell()
    shell.free(1)
    shell.now = 50.0
    reload(shell, idle_timeout=20.0)
    shell.wait(0)
    assert shell.closes == [Close(0, CloseReason.IDLE)]


def test_another_age_holds_from_the_connections_birth() -> None:
    shell = Shell()
    shell.free(1)
    shell.now = 50.0
    reload(shell, max_connection_age=60.0)
    shell.wait(9.9)
    assert shell.closes == []
    shell.wait(0.1)
    assert shell.closes == [Close(0, CloseReason.TOO_OLD)]


def test_the_number_of_slots_can_not_change() -> None:
    shell = Shell(PoolSettings(max_connections=5))
    with pytest.raises(IllegalTransition, match="max_connections"):
        shell.pool.reconfigure(PoolSettings(max_connections=6), [], 0.0)
