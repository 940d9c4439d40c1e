"""asyncpg: a protocol implementation of its own, which prepares everything and describes with Flush."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TypeVar

import asyncpg
import pytest

from tests.integration.daemon import Agroal
from tests.integration.drivers.wandering import PID, goes_where_it_may_awaited, stays_awaited, taken

Connection = asyncpg.Connection
T = TypeVar("T")


def talk(pool: Agroal, what: Callable[[Connection], Awaitable[T]], **options: object) -> T:
    """Do it with a connection."""

    async def whole() -> T:
        client = await asyncpg.connect(pool.dsn(), **options)
        try:
            return await what(client)
        finally:
            await client.close()

    return asyncio.run(whole())


def test_its_cache_of_prepared_statements(pool: Agroal, wanders: bool) -> None:
    async def ask(client: Connection) -> None:
        for n in range(50):
            assert await client.fetchval("SELECT $1::int + 1", n) == n + 1
            assert await client.fetchrow("SELECT $1::text, $2::jsonb", str(n), str(n)) == (str(n), str(n))
        assert await goes_where_it_may_awaited(pool, lambda: client.fetchval(PID), wanders)

    talk(pool, ask)


def test_types_that_it_has_to_look_up(pool: Agroal, wanders: bool) -> None:
    """For the look-up it sets `jit` for the session, and sets it back."""

    async def ask(client: Connection) -> None:
        for n in range(20):
            assert await client.fetchval("SELECT $1::int[]", [n, None]) == [n, None]
        assert await goes_where_it_may_awaited(pool, lambda: client.fetchval(PID), wanders)

    talk(pool, ask)


def test_a_cache_that_is_too_small(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        for round_ in range(20):
            for n in range(5):
                assert await client.fetchval(f"SELECT $1::int * {n}", round_) == round_ * n

    talk(pool, ask, statement_cache_size=2)


def test_without_a_cache(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        for n in range(30):
            assert await client.fetchval("SELECT $1::int", n) == n

    talk(pool, ask, statement_cache_size=0)


def test_a_statement_that_is_kept(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        statement = await client.prepare("SELECT $1::int AS n, $2::text AS t")
        assert [column.name for column in statement.get_attributes()] == ["n", "t"]
        for n in range(50):
            assert await statement.fetchrow(n, "x") == (n, "x")
        await statement.executemany([(n, "y") for n in range(50)])

    talk(pool, ask)


def test_the_table_of_a_cached_statement_changes(pool: Agroal, wanders: bool, request: pytest.FixtureRequest) -> None:
    """One server refuses such a statement, and asyncpg prepares it anew. Another has never seen the old table."""
    if wanders:
        reason = "the same text on another server has other columns than the client was told"
        request.applymarker(pytest.mark.xfail(reason=reason, raises=asyncpg.ProtocolError, strict=True))
    sql = "SELECT pg_backend_pid(), * FROM altered"

    async def ask(client: Connection) -> None:
        await client.execute("DROP TABLE IF EXISTS altered; CREATE TABLE altered (n int)")
        await client.execute("INSERT INTO altered VALUES (1)")
        [(server, n)] = await client.fetch(sql)
        assert n == 1
        await client.execute("ALTER TABLE altered ADD t text DEFAULT 'new'")
        with taken(pool, server) if wanders else nullcontext():
            assert [tuple(row)[1:] for row in await client.fetch(sql)] == [(1, "new")]
        await client.execute("DROP TABLE altered")

    talk(pool, ask)


def test_types_of_our_own_are_looked_up(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        await client.execute("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (m mood, n int)")
        for _ in range(10):
            assert tuple(await client.fetchval("SELECT ($1::pair)", ("happy", 7))) == ("happy", 7)
        await client.execute("DROP TYPE pair; DROP TYPE mood")

    talk(pool, ask)


def test_cursors(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        async with client.transaction():
            cursor = client.cursor("SELECT n FROM generate_series(1, 57) AS n", prefetch=10)
            assert [row["n"] async for row in cursor] == list(range(1, 58))
        async with client.transaction():
            cursor = await client.cursor("SELECT n FROM generate_series(1, 20) AS n")
            assert [row["n"] for row in await cursor.fetch(5)] == [1, 2, 3, 4, 5]
            assert await cursor.forward(10) == 10
            assert await cursor.fetchrow() == (16,)

    talk(pool, ask)


def test_copies(pool: Agroal) -> None:
    records = [(n, f"a\t{n}") for n in range(3000)]

    async def ask(client: Connection) -> None:
        await client.execute("CREATE TABLE copied_by_asyncpg (n int, t text)")
        assert await client.copy_records_to_table("copied_by_asyncpg", records=records) == "COPY 3000"
        out = bytearray()

        async def keep(data: bytes) -> None:
            out.extend(data)

        sql = "SELECT n, t FROM copied_by_asyncpg WHERE n < $1 ORDER BY n"
        assert await client.copy_from_query(sql, 2, output=keep) == "COPY 2"
        assert out == b"0\ta\\t0\n1\ta\\t1\n"
        await client.execute("DROP TABLE copied_by_asyncpg")

    talk(pool, ask)


def test_who_listens_hears_and_keeps_its_server(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()

        def hear(*news: str) -> None:
            heard.put_nowait(news[-1])

        await client.add_listener("news", hear)
        assert await stays_awaited(lambda: client.fetchval(PID))
        speaker = await asyncpg.connect(pool.dsn())
        for n in range(20):
            await speaker.execute("SELECT pg_notify('news', $1)", str(n))
        await speaker.close()
        assert [await asyncio.wait_for(heard.get(), 10) for _ in range(20)] == [str(n) for n in range(20)]
        await client.remove_listener("news", hear)

    talk(pool, ask)


def test_a_query_that_takes_too_long_is_cancelled(pool: Agroal) -> None:
    async def ask(client: Connection) -> None:
        for n in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await client.execute("SELECT pg_sleep(3600)", timeout=0.05)
            assert await client.fetchval("SELECT $1::int", n) == n

    talk(pool, ask)


@pytest.mark.parametrize("isolation", ["serializable", "repeatable_read", "read_committed"])
def test_isolation(pool: Agroal, isolation: str) -> None:
    async def ask(client: Connection) -> None:
        for _ in range(10):
            async with client.transaction(isolation=isolation, readonly=True):
                assert await client.fetchval("SHOW transaction_isolation") == isolation.replace("_", " ")
                with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                    async with client.transaction():  # a savepoint
                        await client.execute("CREATE TABLE never (n int)")
                assert await client.fetchval("SHOW transaction_read_only") == "on"

    talk(pool, ask)


def test_its_pool_cleans_up_after_each_use(pool: Agroal) -> None:
    async def ask() -> None:
        async with asyncpg.create_pool(pool.dsn(), min_size=1, max_size=2) as clients:
            for n in range(10):
                async with clients.acquire() as client:
                    assert await client.fetchval("SELECT coalesce(current_setting('my.own', true), '')") == ""
                    await client.execute(f"SET my.own = 'mine{n}'; SELECT pg_advisory_lock({n})")
                    assert await client.fetchval("SHOW my.own") == f"mine{n}"
            async with clients.acquire() as client:
                assert (
                    await client.fetchval(
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                    )
                    == 0
                )

    asyncio.run(ask())


def test_many_clients_get_what_they_ask_for(pool: Agroal) -> None:
    async def ask(number: int) -> None:
        client = await asyncpg.connect(pool.dsn())
        for n in range(30):
            row = await client.fetchrow("SELECT $1::int AS who, $2::int AS n", number, n)
            assert tuple(row) == (number, n)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await client.fetchval("SELECT $1::int / 0", n)
        await client.close()

    async def all_at_once() -> None:
        await asyncio.gather(*map(ask, range(12)))

    asyncio.run(all_at_once())
