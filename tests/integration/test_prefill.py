"""Connections that are there before their clients: as many at the start, as many ever after, and why one is not."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from psycopg import sql

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid, connections_watched
from tests.integration.postgres import Database, Login, OwnPostgres
from tests.integration.waiting import wait_until

AT_ONCE = 8
"""Connects of one pool that may be under way together."""


def line(login: Login, most: int, initial: int, least: int, database: str) -> str:
    return f"{database} {login.name} {most} {initial} {least}\n"


def pids(database: Database, login: Login) -> set[int]:
    return {one.pid for one in database.activity(login)}


def has(pool: Agroal, login: Login, number: int) -> bool:
    """Whether the pool has so many connections of this role, all of them free."""
    return [slot.state for slot in pool.snapshot().slots if slot.user == login.name] == ["free"] * number


def test_the_first_clients_find_their_servers_open(agroal: Launch, database: Database) -> None:
    login = database.role("first")
    pool = agroal(database, limits=line(login, 6, 4, 2, database.name))
    wait_until(lambda: has(pool, login, 4), "initial_size is there")
    before = pids(database, login)

    served = {backend_pid(pool.connect(login)) for _ in range(4)}

    assert served == before
    counters = pool.snapshot().counters
    assert (counters.connects, counters.waits) == (4, 0)


def test_a_server_is_not_stormed_to_fill_a_pool(agroal: Launch, pg: OwnPostgres) -> None:
    database, login = pg.database, pg.database.scram
    pool = agroal(database)
    with pg.paused():
        pool.write("agroal_databases.conf", line(login, 20, 20, 20, database.name))
        pool.manage("conf", "reload")
        opening = [slot.state for slot in pool.snapshot().slots]
        assert opening == ["init"] * AT_ONCE

    with connections_watched(database) as sight:
        wait_until(lambda: has(pool, login, 20), "all of them are there")
    assert sight.total <= 20


@pytest.fixture
def refilled(agroal: Launch, database: Database) -> tuple[Agroal, Login]:
    """A pool of two to four connections, of which four are there."""
    login = database.scram
    pool = agroal(database, limits=line(login, 4, 4, 2, database.name))
    wait_until(lambda: has(pool, login, 4), "initial_size is there")
    return pool, login


def test_killed_servers_are_replaced_up_to_min_size(refilled: tuple[Agroal, Login], database: Database) -> None:
    pool, login = refilled
    before = pids(database, login)
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", login.name)

    wait_until(lambda: has(pool, login, 2) and not before & pids(database, login), "there are two new ones")

    assert len(pids(database, login)) == 2


def test_flushed_servers_are_replaced_up_to_min_size(refilled: tuple[Agroal, Login], database: Database) -> None:
    pool, login = refilled
    before = pids(database, login)
    assert pool.manage("flush", "idle", database.name)["closed"] == 4

    wait_until(lambda: has(pool, login, 2) and not before & pids(database, login), "there are two new ones")

    assert len(pids(database, login)) == 2


def test_old_servers_are_replaced_up_to_min_size(refilled: tuple[Agroal, Login], database: Database) -> None:
    pool, login = refilled
    before = pids(database, login)
    pool.manage("conf", "set", "max_connection_age", "1s")

    wait_until(lambda: not before & pids(database, login), "all of them are gone")
    pool.manage("conf", "set", "max_connection_age", "0")

    wait_until(lambda: has(pool, login, 2), "there are two")


def test_of_idle_servers_min_size_stay(refilled: tuple[Agroal, Login], database: Database) -> None:
    pool, login = refilled
    before = pids(database, login)
    pool.manage("conf", "set", "idle_timeout", "300ms")
    wait_until(lambda: has(pool, login, 2), "those beyond min_size are gone")

    sweeps = 300_000 * 3
    kept = {slot.id: slot.since_us for slot in pool.snapshot().slots}
    wait_until(lambda: pool.snapshot().mono_us > max(kept.values()) + sweeps, "they would have been closed by now")

    assert {slot.id: slot.since_us for slot in pool.snapshot().slots} == kept
    assert pids(database, login) < before


def test_nobody_else_gets_room_below_min_size(agroal: Launch, database: Database) -> None:
    kept, guest = database.role("kept"), database.role("guest")
    limits = line(kept, 3, 3, 2, database.name)
    pool = agroal(database, limits=limits, max_connections=4, blocking_timeout="300ms", hba=TRUSTING)
    wait_until(lambda: has(pool, kept, 3), "initial_size is there")
    before = pids(database, kept)

    with ExitStack() as clients:
        for _ in range(2):  # an empty seat, and that of the one above min_size
            clients.enter_context(Guest(pool, guest)).enter()
        with pytest.raises(Refused, match="no connection became free") as caught, Guest(pool, guest) as third:
            third.enter()

        assert caught.value.sqlstate == "53300"
        assert pids(database, kept) < before
        assert len(pids(database, kept)) == 2


# Why one is not there


def details(pool: Agroal) -> str:
    return pool.command("status", "details").stdout


def test_a_database_that_is_not_there_is_named_in_log_and_status(agroal: Launch, database: Database) -> None:
    login, missing = database.role("astray"), f"{database.name}_missing"
    pool = agroal(database, limits=line(login, 3, 2, 1, missing))
    words = f'database "{missing}" does not exist'

    wait_until(lambda: f"no connection for user={login.name} database={missing}: {words}" in pool.log, "the log says")
    assert f"{missing}/{login.name}: {words}" in details(pool)
    [row] = [row for row in pool.snapshot().pools if row.user == login.name]
    assert (row.error, row.failures > 0, row.active, row.idle) == (words, True, 0, 0)


def test_a_role_that_may_not_log_in_is_named_and_filled_when_it_may(agroal: Launch, database: Database) -> None:
    login = database.role("locked_out")
    role = sql.Identifier(login.name)
    database.postgres.query(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
    pool = agroal(database, limits=line(login, 3, 2, 1, database.name))
    words = f'role "{login.name}" is not permitted to log in'
    wait_until(lambda: words in pool.log, "the log says")
    assert f"{database.name}/{login.name}: {words}" in details(pool)
    assert "failing" in details(pool)

    database.postgres.query(sql.SQL("ALTER ROLE {} LOGIN").format(role))

    wait_until(lambda: has(pool, login, 2), "initial_size is there, without help")
    assert words not in details(pool)
    kinds = [event["kind"] for event in pool.manage("events")["events"]]
    assert [kind for kind in kinds if kind.startswith("pool-")] == ["pool-failing", "pool-recovered"]


def test_a_disabled_database_is_not_filled(refilled: tuple[Agroal, Login], database: Database) -> None:
    pool, login = refilled
    pool.manage("disable", database.name)
    pool.manage("flush", "idle")
    wait_until(lambda: not pool.snapshot().slots, "they are closed")
    connects = pool.snapshot().counters.connects

    pool.manage("conf", "set", "idle_timeout", "1m")  # any occasion to fill it

    assert pool.snapshot().slots == ()
    pool.manage("enable", database.name)
    wait_until(lambda: has(pool, login, 2), "min_size is there again")
    assert pool.snapshot().counters.connects == connects + 2
