"""The first things anybody does with a pool, on a real PostgreSQL."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database)


def test_psql_gets_an_answer_through_the_pool(pool: Agroal) -> None:
    result = pool.psql("-c", "SELECT 6 * 7")

    assert result.stdout == "42\n"
    assert result.stderr == ""


@pytest.mark.parametrize("kind", ["scram", "md5"])
def test_a_role_comes_through_however_postgresql_keeps_its_password(
    pool: Agroal, database: Database, kind: str
) -> None:
    login = getattr(database, kind)
    [(stored,)] = database.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", login.name)
    assert stored.lower().startswith(kind)

    with pool.connect(login) as client:
        assert client.execute("SELECT session_user, current_database()").fetchone() == (login.name, database.name)


def test_psycopg_runs_a_transaction_through_the_unix_socket(pool: Agroal, database: Database) -> None:
    with pool.connect(host=str(pool.folder)) as client, client.transaction():
        client.execute("CREATE TABLE steps (step int PRIMARY KEY)")
        client.cursor().executemany("INSERT INTO steps VALUES (%s)", [(n,) for n in range(100)])

    assert database.query("SELECT count(*) FROM steps") == [(100,)]


def test_asyncpg_gets_typed_rows_through_prepared_statements(pool: Agroal) -> None:
    async def numbers() -> list[int]:
        connection = await asyncpg.connect(pool.dsn())
        try:
            rows = await connection.fetch("SELECT n FROM generate_series($1::int, $2::int) AS n", 1, 500)
            return [row["n"] for row in rows]
        finally:
            await connection.close()

    assert asyncio.run(numbers()) == list(range(1, 501))


def test_a_connection_is_used_again_by_the_next_client(agroal: Launch, database: Database) -> None:
    login = database.role("alone")
    pool = agroal(database, max_connections=5)
    seen = set()
    for _ in range(10):
        with pool.connect(login) as client:
            seen.add(client.execute("SELECT pg_backend_pid()").fetchone())
        wait_until(lambda: pool.manage("status")["active"] == 0, "the server is back in the pool")

    [connection] = database.activity(login)
    assert seen == {(connection.pid,)}


def test_ping_and_status_tell_how_the_pool_is(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=7)
    with pool.connect():
        status = pool.manage("status")
        [server] = pool.manage("ping")["servers"]

    assert (status["status"], status["active"], status["total"], status["max_connections"]) == ("running", 1, 1, 7)
    assert server["alive"]
    assert pool.cli("status").stdout.startswith("agroal ")


def test_a_daemon_that_is_gone_is_told_from_one_that_answers(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    assert pool.cli("ping").returncode == 0

    assert pool.stop() == 0

    assert pool.cli("ping").returncode == 1
