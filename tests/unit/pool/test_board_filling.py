"""Connections that are opened ahead of clients: to `initial_size` at the start, to `min_size` ever after."""

from __future__ import annotations

import pytest

from agroal.errors import ServerUnavailable
from agroal.pool.effects import CloseReason, Connect
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from tests.unit.pool.shell import BATCH, BOOKS, STARTING, WEB, WRONG_PASSWORD, Shell

DOWN = ServerUnavailable("connection refused")


def limit(initial: int, least: int = 0, most: int = 10, user: str = "web", database: str = "shop") -> Limit:
    return Limit(database, (), user, most, initial, least)


def started(*limits: Limit, settings: PoolSettings | None = None) -> Shell:
    """After the first tick, which the pool wants at once where there is something to fill."""
    shell = Shell(settings or PoolSettings(), list(limits))
    assert shell.pool.next_deadline() == shell.now
    shell.wait(0)
    return shell


# -- the start


def test_at_the_start_as_many_are_opened_as_initial_size_says() -> None:
    shell = started(limit(3, 1))
    assert shell.connects == [Connect(0, WEB), Connect(1, WEB), Connect(2, WEB)]
    shell.connect_all()
    assert shell.states() == ["free", "free", "free"]
    assert shell.pool.next_deadline() is None


@pytest.mark.parametrize("several", [limit(3, user="all"), limit(3, database="all"), limit(0)])
def test_a_limit_for_several_pools_or_without_initial_size_is_not_filled(several: Limit) -> None:
    shell = Shell(limits=[several])
    shell.wait(1)
    assert shell.connects == []
    assert shell.pool.next_deadline() is None


def test_a_limit_that_an_earlier_line_hides_is_not_filled() -> None:
    shell = started(limit(1), limit(2))
    assert len(shell.connects) == 1


def test_half_of_the_connects_are_left_to_the_clients() -> None:
    shell = started(limit(8), settings=PoolSettings(connects_at_once=4))
    assert len(shell.connects) == 2
    shell.ask(BOOKS)
    assert shell.connects[-1].key == BOOKS
    shell.connect()  # two are under way, one of them a client's: that is half
    assert len(shell.connects) == 2
    shell.connect()
    assert [connect.key for connect in shell.connects] == [BOOKS, WEB]


def test_the_last_seats_go_to_those_who_wait() -> None:
    shell = Shell(PoolSettings(max_connections=3), [limit(3), limit(0, user="batch")])
    waiters = shell.ask_all(2, BATCH)
    shell.wait(0)
    assert [connect.key for connect in shell.connects] == [BATCH, BATCH, WEB]
    shell.connect_all()
    assert sorted(shell.grants) == waiters
    assert shell.states() == ["in-use", "in-use", "free"]


def test_max_connections_bounds_the_filling() -> None:
    shell = started(limit(3), limit(3, user="batch"), settings=PoolSettings(max_connections=4))
    shell.connect_all()
    assert shell.states() == ["free"] * 4


def test_a_connection_that_is_being_opened_ahead_serves_who_comes_meanwhile() -> None:
    shell = started(limit(1))
    waiter = shell.ask()
    assert len(shell.connects) == 1
    shell.connect()
    assert waiter in shell.grants


def test_no_connection_is_opened_ahead_with_a_clients_own_password() -> None:
    shell = started(limit(2))
    shell.connect_all()
    shell.lease(WEB._replace(secret="digest"))
    assert {connect.key.secret for connect in shell.connects} <= {""}


# -- ever after


def test_after_the_start_it_is_min_size_that_is_kept() -> None:
    shell = started(limit(3, 1))
    shell.connect_all()
    shell.do(shell.pool.closed(0, shell.now))
    shell.do(shell.pool.closed(1, shell.now))
    assert shell.connects == []
    shell.do(shell.pool.closed(2, shell.now))
    assert len(shell.connects) == 1


def test_until_initial_size_has_been_reached_once_it_is_the_goal() -> None:
    shell = started(limit(2, 1))
    shell.connect()
    shell.do(shell.pool.closed(0, shell.now))
    assert len(shell.connects) == 2


def test_idle_removal_ends_at_min_size_and_opens_nothing() -> None:
    shell = started(limit(3, 1), settings=PoolSettings(idle_timeout=60))
    shell.connect_all()
    shell.wait(60)
    assert sorted(shell.states()) == ["free", "idle-check", "idle-check"]
    while shell.closes:
        shell.close()
    assert shell.connects == []


def test_one_that_is_too_old_is_replaced() -> None:
    shell = started(limit(1, 1), settings=PoolSettings(max_connection_age=100))
    shell.connect()
    shell.wait(100)
    assert [close.reason for close in shell.closes] == [CloseReason.TOO_OLD]
    assert len(shell.connects) == 1


def test_the_place_of_one_that_is_being_closed_is_not_taken_where_the_limit_is_full() -> None:
    shell = started(limit(1, 1, most=1))
    shell.connect()
    shell.do(shell.pool.flush(FlushMode.IDLE, None, shell.now))
    assert shell.connects == []
    shell.close()
    assert len(shell.connects) == 1


def test_after_a_flush_the_gap_is_filled() -> None:
    shell = started(limit(2, 2))
    shell.connect_all()
    shell.do(shell.pool.flush(FlushMode.ALL, None, shell.now))
    shell.close()
    shell.close()
    shell.connect_all()
    assert shell.states() == ["free", "free"]


# -- a shut database


def test_a_shut_database_is_not_filled_and_is_once_it_is_open_again() -> None:
    shell = Shell(limits=[limit(2, 1), limit(1, database="books")])
    shell.do(shell.pool.switch("shop", False, shell.now))
    assert [connect.key for connect in shell.connects] == [BOOKS]
    shell.connect_all()
    shell.wait(60)
    assert shell.connects == []
    shell.do(shell.pool.switch("shop", True, shell.now))
    assert [connect.key for connect in shell.connects] == [WEB, WEB]


def test_who_waits_for_a_shut_database_is_still_served() -> None:
    shell = Shell(limits=[limit(1)])
    waiter = shell.ask()
    shell.do(shell.pool.switch(None, False, shell.now))
    shell.connect()
    assert waiter in shell.grants


# -- a server in trouble


def test_the_pauses_grow_longer_than_for_those_who_wait() -> None:
    shell = started(limit(1), settings=PoolSettings(retry_first=0.25, retry_cap=1.0, refill_cap=8.0))
    pauses = []
    for _ in range(8):
        shell.fail(DOWN)
        deadline = shell.pool.next_deadline()
        assert deadline is not None
        assert shell.connects == []
        pauses.append(deadline - shell.now)
        shell.wait(pauses[-1])
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_a_client_need_not_wait_until_the_pause_of_the_filling_is_over() -> None:
    shell = started(limit(1), settings=PoolSettings(retry_first=0.25, retry_cap=0.25, refill_cap=30))
    for _ in range(6):
        shell.fail()
        shell.wait((shell.pool.next_deadline() or 0) - shell.now)
    shell.fail()
    shell.wait(0.25)
    waiter = shell.ask()
    assert len(shell.connects) == 1
    shell.connect()
    assert waiter in shell.grants


def test_a_clients_success_ends_the_pause() -> None:
    shell = started(limit(3), settings=PoolSettings(refill_cap=30))
    for _ in range(3):
        shell.fail()
    assert shell.connects == []
    shell.wait(0.25)
    shell.fail()
    shell.wait(0.4)
    assert shell.connects == []
    shell.ask()
    shell.wait(0.1)
    assert len(shell.connects) == 1
    shell.connect()
    assert len(shell.connects) == 2  # with the client's that makes three


def test_a_server_that_failed_is_tried_with_one_connect() -> None:
    shell = started(limit(4))
    for _ in range(4):
        shell.fail()
    shell.wait(0.25)
    assert len(shell.connects) == 1
    shell.connect()
    assert len(shell.connects) == 3


def test_a_pool_that_cannot_be_filled_holds_up_no_other() -> None:
    shell = started(limit(2), limit(2, user="batch"))
    while shell.connects[0].key == WEB:
        shell.fail(WRONG_PASSWORD)
    shell.connect_all()
    assert {(row.user, row.idle, row.failures, row.error) for row in shell.pool.snapshot(0.0).pools} == {
        ("web", 0, 1, WRONG_PASSWORD),
        ("batch", 2, 0, None),
    }


def test_the_snapshot_says_why_a_pool_could_not_be_filled_until_it_is() -> None:
    shell = started(limit(1))
    shell.fail(STARTING)
    (row,) = shell.pool.snapshot(shell.now).pools
    assert (row.failures, row.error) == (1, STARTING)
    shell.wait(0.25)
    shell.connect()
    (row,) = shell.pool.snapshot(shell.now).pools
    assert (row.failures, row.error) == (0, None)


def test_the_pause_is_remembered_though_many_strangers_come_and_go() -> None:
    shell = started(limit(1), settings=PoolSettings(retry_first=8, retry_cap=1, refill_cap=8))
    shell.fail()
    shell.now = 2.0  # the pause of clients is over
    for number in range(1000):
        shell.pool.cancel(shell.ask(WEB._replace(secret=str(number))), shell.now)
        while shell.connects:
            assert shell.connects[0].key.secret
            shell.fail()
    shell.wait(1.0)
    assert shell.connects == []
