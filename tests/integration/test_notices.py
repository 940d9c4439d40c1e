"""Who waits for long is told so, once: where it stands, and what PostgreSQL said if that is why."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator
from contextlib import ExitStack

import asyncpg
import psycopg
import pytest
from psycopg import pq, sql

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database
from tests.integration.raw import Message, fields
from tests.integration.waiting import wait_until


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=1, wait_notice_timeout="200ms", hba=TRUSTING)


@pytest.fixture
def holder(pool: Agroal, database: Database) -> Iterator[Guest]:
    """Has the only connection."""
    with Guest(pool, database.scram).enter() as client:
        yield client


def notices(heard: list[Message]) -> list[dict[str, str]]:
    return [fields(body) for kind, body in heard if kind == "N"]


def words(database: Database, position: int) -> str:
    user = database.scram.name
    return f'waiting for a connection of user "{user}" to database "{database.name}", position {position}'


def test_each_is_told_its_own_position_and_once(pool: Agroal, database: Database, holder: Guest) -> None:
    with ExitStack() as clients:
        waiting = [clients.enter_context(Guest(pool, database.scram)).queue() for _ in range(5)]
        for position, client in enumerate(waiting, 1):
            [notice] = notices(client.hear_until("N"))
            assert (notice["S"], notice["C"], notice["M"]) == ("NOTICE", "00000", words(database, position))
            assert "D" not in notice
        holder.terminate()
        for client in waiting:
            assert notices(client.answer()) == []
            assert client.query("SELECT 6 * 7") == ["42"]
            client.terminate()


def test_the_position_is_the_one_in_the_queue_by_then(pool: Agroal, database: Database, holder: Guest) -> None:
    with Guest(pool, database.scram).queue() as first, Guest(pool, database.scram).queue() as second:
        first.cancel()
        assert first.end()["C"] == "57014"
        [notice] = notices(second.hear_until("N"))
        assert notice["M"] == words(database, 1)


def test_libpq_hears_it_while_it_connects(pool: Agroal, database: Database, holder: Guest) -> None:
    heard: list[str] = []
    connection = pq.PGconn.connect_start(pool.dsn().encode())
    connection.notice_handler = lambda result: heard.append(primary(result))
    status = pq.PollingStatus.WRITING
    try:
        while not heard:
            status = step(connection, status)
        assert heard == [words(database, 1)]
        holder.terminate()
        while connection.status != pq.ConnStatus.OK:
            status = step(connection, status)
    finally:
        connection.finish()
    assert len(heard) == 1


def primary(result: pq.abc.PGresult) -> str:
    return (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode()


def step(connection: pq.abc.PGconn, status: pq.PollingStatus) -> pq.PollingStatus:
    """Wait as long as libpq wants to, and let it go on."""
    reading, writing = ([connection.socket], []) if status == pq.PollingStatus.READING else ([], [connection.socket])
    assert any(select.select(reading, writing, [], 10)), "nothing comes"
    following = connection.connect_poll()
    assert following != pq.PollingStatus.FAILED, connection.error_message
    return pq.PollingStatus(following)


def test_asyncpg_is_not_confused_by_it(pool: Agroal, database: Database, holder: Guest) -> None:
    async def connect() -> object:
        coming = asyncio.create_task(asyncpg.connect(pool.dsn(), ssl=False, timeout=10))
        told = asyncio.to_thread(
            wait_until, lambda: pool.snapshot().waiters and wait(pool) > 400_000, "it has been told, and waits on"
        )
        await told
        holder.terminate()
        client = await coming
        try:
            return await client.fetchval("SELECT 6 * 7")
        finally:
            await client.close()

    assert asyncio.run(connect()) == 42


def wait(pool: Agroal) -> int:
    """For how long the first in the queue has waited, in microseconds."""
    return max(known.oldest_wait_us for known in pool.snapshot().pools)


def test_what_postgresql_said_is_told_where_that_is_why(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=5, wait_notice_timeout="300ms", hba=TRUSTING)
    login = database.role("only_one")
    database.postgres.query(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(sql.Identifier(login.name)))
    pool.write_users({known.name: known.password for known in database.logins})
    pool.manage("conf", "reload")
    with Guest(pool, login).enter(), Guest(pool, login).queue() as waiting:
        [notice] = notices(waiting.hear_until("N"))
        assert notice["D"] == f'The last connect failed: too many connections for role "{login.name}"'


def test_who_waits_for_less_or_is_not_to_be_told_hears_nothing(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1, wait_notice_timeout=0, blocking_timeout="500ms", hba=TRUSTING)
    with Guest(pool, database.scram).enter(), Guest(pool, database.scram).queue() as waiting:
        heard = waiting.hear_out()
    assert notices(heard) == []
    assert heard[-1][0] == "E"


def test_who_waits_in_vain_hears_everything_through_libpq(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1, blocking_timeout="300ms")
    with pool.connect(), pytest.raises(psycopg.OperationalError) as caught:
        pool.connect()
    told = str(caught.value)
    assert f'FATAL:  no connection became free for database "{database.name}" and user "{database.scram.name}"' in told
    assert "DETAIL:  max_connections is reached: 1 of 1 connections. This client waited 0.3 s." in told
    assert "HINT:  Raise max_connections" in told


def test_who_is_cancelled_while_it_waits_leaves_the_queue_to_others(
    pool: Agroal, database: Database, holder: Guest
) -> None:
    with Guest(pool, database.scram).queue() as first, Guest(pool, database.scram).queue() as second:
        first.hear_until("N")
        first.cancel()
        with pytest.raises(Refused, match="canceling statement due to user request") as caught:
            first.answer()
        assert caught.value.sqlstate == "57014"
        holder.terminate()
        assert second.enter().query("SELECT 6 * 7") == ["42"]
    assert pool.snapshot().counters.cancelled > 0
