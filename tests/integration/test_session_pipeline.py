"""What applications say to PostgreSQL all day, said through the pool: it arrives, and so does the answer."""

from __future__ import annotations

import asyncio
import struct

import asyncpg
import psycopg
import pytest
from psycopg import errors

from tests.integration.by_hand import TRUSTING, Guest, Refused, batch, function_call
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.memory import MIB, bounded
from tests.integration.postgres import Database
from tests.unit.wire.messages import SYNC

MANY = 1000


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=10, hba=TRUSTING)


# The simple protocol


def test_a_query_of_several_statements_gives_all_their_results(pool: Agroal) -> None:
    with pool.connect() as client:
        cursor = client.execute("SELECT 1; SELECT 'two', 2; SELECT 3 WHERE false")
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset()
        assert cursor.fetchall() == [("two", 2)]
        assert cursor.nextset()
        assert cursor.fetchall() == []
        assert not cursor.nextset()


@pytest.mark.parametrize("query", ["", ";", "-- nothing to do"])
def test_an_empty_query_is_answered(pool: Agroal, query: str) -> None:
    with pool.connect() as client:
        assert client.execute(query).statusmessage is None
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_an_error_between_statements_undoes_the_first_and_skips_the_last(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        client.execute("CREATE TABLE halves (n int)")
        with pytest.raises(errors.DivisionByZero):
            client.execute("INSERT INTO halves VALUES (1); SELECT 1 / 0; INSERT INTO halves VALUES (3)")
        assert client.execute("SELECT count(*) FROM halves").fetchone() == (0,)


def test_an_error_has_all_the_fields_that_postgresql_gives_it(pool: Agroal, database: Database) -> None:
    broken = "DO $$ BEGIN RAISE 'no %', 'luck' USING ERRCODE = 'AG001', DETAIL = 'd', HINT = 'h', TABLE = 't'; END $$"
    seen = []
    for connect in (pool.connect, lambda: database.postgres.connect(database.scram, database.name)):
        with connect() as client, pytest.raises(psycopg.Error) as caught:
            client.execute(broken)
        diagnosis = caught.value.diag
        seen.append({name: getattr(diagnosis, name) for name in dir(diagnosis) if not name.startswith("_")})

    assert seen[0] == seen[1]
    assert (seen[0]["sqlstate"], seen[0]["message_primary"], seen[0]["table_name"]) == ("AG001", "no luck", "t")


def test_a_savepoint_takes_back_what_failed_and_the_transaction_goes_on(pool: Agroal, database: Database) -> None:
    with pool.connect(autocommit=False) as client:
        client.execute("CREATE TABLE kept (n int)")
        client.execute("INSERT INTO kept VALUES (1)")
        with pytest.raises(errors.UndefinedTable), client.transaction():
            client.execute("INSERT INTO kept SELECT * FROM nowhere")
        client.execute("INSERT INTO kept VALUES (2)")

    assert database.query("SELECT n FROM kept ORDER BY n") == [(1,), (2,)]


def test_notices_come_through(pool: Agroal) -> None:
    heard: list[str | None] = []
    with pool.connect() as client:
        client.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        client.execute("DO $$ BEGIN FOR n IN 1..3 LOOP RAISE NOTICE 'step %', n; END LOOP; END $$")
    assert heard == ["step 1", "step 2", "step 3"]


# The extended protocol


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_bound_parameters_and_results_in_both_formats(pool: Agroal, binary: bool) -> None:
    with pool.connect() as client:
        row = client.execute("SELECT %b::int8, %t::text, %s::bytea", (1 << 40, "ä€", b"\0\1"), binary=binary).fetchone()
    assert row == (1 << 40, "ä€", b"\0\1")


def test_a_pipeline_of_psycopg(pool: Agroal) -> None:
    with pool.connect() as client, client.pipeline():
        cursors = [client.execute("SELECT %s::int", (n,)) for n in range(MANY)]
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(MANY)]


def test_an_error_in_a_batch_skips_up_to_its_sync(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as client:
        client.query("CREATE TABLE batched (n int)")
        client.say(
            batch("INSERT INTO batched VALUES (1)"), batch("SELECT 1 / 0"), batch("INSERT INTO batched VALUES (2)")
        )
        client.say(SYNC, batch("INSERT INTO batched VALUES (3)"), SYNC)
        with pytest.raises(Refused, match="division by zero"):
            client.answer()
        assert [kind for kind, _ in client.answer() + client.answer()] == ["Z", "1", "2", "C", "Z"]
        assert client.query("SELECT n FROM batched") == ["3"]


def test_prepared_statements_of_psycopg(pool: Agroal) -> None:
    with pool.connect(prepare_threshold=0) as client:
        for n in range(20):
            assert client.execute("SELECT %s::int + 1", (n,)).fetchone() == (n + 1,)
        prepared = client.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False).fetchone()
    assert prepared == (1,)


def test_a_server_side_cursor_fetches_in_pieces(pool: Agroal) -> None:
    with pool.connect(autocommit=False) as client, client.cursor("pieces") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT * FROM generate_series(1, %s)", (MANY,))
        assert sum(n for (n,) in cursor) == MANY * (MANY + 1) // 2


def test_asyncpg_prepares_pipelines_and_streams(pool: Agroal, database: Database) -> None:
    async def talk() -> None:
        client = await asyncpg.connect(pool.dsn())
        try:
            await client.execute("CREATE TABLE streamed (n int PRIMARY KEY, t text)")
            await client.executemany("INSERT INTO streamed VALUES ($1, $2)", [(n, str(n)) for n in range(MANY)])
            statement = await client.prepare("SELECT t FROM streamed WHERE n = $1")
            assert [await statement.fetchval(n) for n in range(10)] == [str(n) for n in range(10)]
            async with client.transaction():
                rows = client.cursor("SELECT n FROM streamed ORDER BY n", prefetch=10)  # suspends its portal
                assert [row["n"] async for row in rows] == list(range(MANY))
            with pytest.raises(asyncpg.UniqueViolationError):
                await client.executemany("INSERT INTO streamed VALUES ($1, '')", [(MANY,), (MANY + 1,), (0,)])
        finally:
            await client.close()

    asyncio.run(talk())
    assert database.query("SELECT count(*) FROM streamed") == [(MANY,)]


# LISTEN and NOTIFY


def test_a_listener_hears_a_notification_while_it_is_idle(pool: Agroal) -> None:
    with pool.connect() as listener, pool.connect() as speaker:
        listener.execute("LISTEN news")
        speaker.execute("NOTIFY news, 'hello'")
        [heard] = listener.notifies(timeout=10, stop_after=1)
    assert (heard.channel, heard.payload) == ("news", "hello")


def test_who_left_does_not_listen_any_more(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1)
    with pool.connect() as listener:
        listener.execute("LISTEN gossip")
    with pool.connect() as client:
        database.query("NOTIFY gossip, 'for nobody'")
        client.execute("NOTIFY gossip, 'for nobody'")
        assert client.execute("SELECT pg_listening_channels()").fetchall() == []
        assert list(client.notifies(timeout=0)) == []


# Great things


def test_a_row_of_forty_megabytes_streams(pool: Agroal) -> None:
    with pool.connect() as client, bounded(pool.pid):
        [value] = client.execute("SELECT repeat('x', 40 << 20)").fetchone() or [""]
    assert len(value) == 40 * MIB


def test_a_parameter_of_fifty_megabytes_streams(pool: Agroal) -> None:
    with pool.connect() as client, bounded(pool.pid):
        answer = client.execute("SELECT length(%b::bytea)", (bytes(50 * MIB),)).fetchone()
    assert answer == (50 * MIB,)


def test_as_many_parameters_as_a_bind_can_have(pool: Agroal) -> None:
    most = 65_535
    with pool.connect() as client:
        values = ",".join(["(%s::int)"] * most)
        rows = client.execute(f"SELECT count(*), sum(n) FROM (VALUES {values}) AS v(n)", range(most)).fetchone()
    assert rows == (most, most * (most - 1) // 2)


def test_large_objects_by_function_calls(pool: Agroal, database: Database) -> None:
    oids = "SELECT 'lo_from_bytea'::regproc::oid::int, 'lo_get(oid)'::regprocedure::oid::int"
    [(lo_from_bytea, lo_get)] = database.query(oids)
    content = bytes(range(256)) * 4096  # a MiB: the call is longer than the daemon's buffer
    with Guest(pool, database.scram).enter() as client:
        client.say(function_call(lo_from_bytea, struct.pack("!I", 0), content))
        [(_, oid), _] = client.answer()
        client.say(function_call(lo_get, oid[4:]))
        [(kind, result), _] = client.answer()
    assert (kind, result[4:]) == ("V", content)
