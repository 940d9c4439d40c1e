from __future__ import annotations

from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import Slot, SlotState
from tests.unit.pool.shell import BATCH, BOOKS, WEB, Shell


def test_every_move_is_observed_with_where_it_came_from_and_how_long_it_was_there() -> None:
    shell = Shell()
    seen: list[tuple[int, str, str, float]] = []

    def observer(slot: Slot, was: SlotState, seconds: float) -> None:
        seen.append((slot.index, str(was), str(slot.state), seconds))

    shell.pool.observe(observer)
    waiter = shell.ask()
    shell.now = 1.0
    shell.connect()
    shell.now = 3.0
    shell.release(shell.grants[waiter])
    shell.pool.observe(None)
    shell.lease()
    assert seen == [(0, "not-init", "init", 0.0), (0, "init", "in-use", 1.0), (0, "in-use", "free", 2.0)]


def test_a_database_is_known_once_somebody_has_asked_for_it() -> None:
    shell = Shell()
    assert not shell.pool.knows("shop")
    shell.ask(WEB)
    assert shell.pool.knows("shop")
    assert not shell.pool.knows("books")


def test_no_cap_is_exhausted_that_nobody_waits_for() -> None:
    shell = Shell(PoolSettings(max_connections=1), [Limit("shop", (), "web", 1)])
    shell.lease()
    assert shell.pool.exhausted() == set()


def test_the_limit_that_keeps_somebody_waiting_is_named() -> None:
    shell = Shell(limits=[Limit("shop", (), "web", 1, origin="agroal_databases.conf:3"), Limit("shop", (), "batch", 1)])
    shell.lease(WEB)
    shell.ask(WEB)
    shell.lease(BATCH)
    assert shell.pool.exhausted() == {"the limit shop/web (agroal_databases.conf:3) of 1 connections"}


def test_max_connections_is_named_where_it_keeps_somebody_waiting() -> None:
    shell = Shell(PoolSettings(max_connections=1), [Limit("shop", (), "web", 5)])
    shell.lease(WEB)
    shell.ask(BOOKS)
    assert shell.pool.exhausted() == {"max_connections, all 1 of them"}


def test_max_connections_is_not_named_where_only_a_limit_keeps_somebody_waiting() -> None:
    shell = Shell(PoolSettings(max_connections=1), [Limit("shop", (), "web", 1)])
    shell.lease(WEB)
    shell.ask(WEB)
    assert shell.pool.exhausted() == {"the limit shop/web of 1 connections"}
