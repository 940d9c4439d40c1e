"""psycopg 3: libpq below, prepared statements and pipelines of its own above."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel, errors

from tests.integration.daemon import Agroal
from tests.integration.drivers.wandering import PID, goes_where_it_may, stays
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until


def pid(client: psycopg.Connection[Any]) -> int:
    [number] = client.execute(PID).fetchone() or [0]
    return int(number)


def test_transactions_wander_where_they_may(pool: Agroal, wanders: bool) -> None:
    """What all other tests here rest upon."""
    with pool.connect() as client:
        assert goes_where_it_may(pool, lambda: pid(client), wanders)


def test_transactions_stay_where_they_are(pool: Agroal) -> None:
    with pool.connect() as client, client.transaction():
        assert stays(lambda: pid(client))


# Prepared statements


def test_a_statement_is_prepared_at_once_and_used_long_after(pool: Agroal) -> None:
    with pool.connect(prepare_threshold=1) as client:
        for n in range(100):
            assert client.execute("SELECT %s::int + 1, 'first'", (n,)).fetchone() == (n + 1, "first")
            assert client.execute("SELECT %s::text, 'second'", (str(n),)).fetchone() == (str(n), "second")


def test_statements_that_are_too_many_are_given_up_and_come_back(pool: Agroal) -> None:
    with pool.connect(prepare_threshold=1) as client:
        client.prepared_max = 3
        for round_ in range(20):
            for n in range(6):
                assert client.execute(f"SELECT %s::int, {n}", (round_,)).fetchone() == (round_, n)


def test_statements_of_two_clients_have_the_same_names(pool: Agroal) -> None:
    with pool.connect(prepare_threshold=0) as one, pool.connect(prepare_threshold=0) as other:
        for n in range(50):
            assert one.execute("SELECT 'one', %s::int", (n,)).fetchone() == ("one", n)
            assert other.execute("SELECT 'other', %s::text, %s::int", ("t", n)).fetchone() == ("other", "t", n)


def test_a_prepared_statement_goes_on_when_its_table_changes(pool: Agroal) -> None:
    """PostgreSQL would refuse it: cached plan must not change result type."""
    with pool.connect(prepare_threshold=0) as client:
        client.execute("CREATE TABLE changing (n int)")
        client.execute("INSERT INTO changing VALUES (1)")
        assert client.execute("SELECT * FROM changing").fetchall() == [(1,)]
        client.execute("ALTER TABLE changing ADD t text DEFAULT 'new'")
        try:
            assert client.execute("SELECT * FROM changing").fetchall() == [(1, "new")]
        except errors.FeatureNotSupported:  # psycopg does not prepare it anew by itself
            client.execute("DEALLOCATE ALL")
            assert client.execute("SELECT * FROM changing", prepare=False).fetchall() == [(1, "new")]
        client.execute("DROP TABLE changing")


def test_deallocate_all_means_our_own(pool: Agroal) -> None:
    with pool.connect(prepare_threshold=0) as one, pool.connect(prepare_threshold=0) as other:
        for n in range(20):
            assert one.execute("SELECT %s::int", (n,)).fetchone() == (n,)
            assert other.execute("SELECT %s::int * 2", (n,)).fetchone() == (2 * n,)
            if n % 5 == 0:
                one.execute("DEALLOCATE ALL", prepare=False)
                one._prepared.clear()  # as it does itself after a ROLLBACK


# Pipelines and errors


def test_a_pipeline_gives_everybody_their_answer(pool: Agroal) -> None:
    with pool.connect() as client:
        for round_ in range(10):
            with client.pipeline() as pipeline:
                early = [client.execute("SELECT %s::int, %s::int", (round_, n)) for n in range(20)]
                pipeline.sync()
                late = [client.execute("SELECT %s::int, %s::int", (round_, n)) for n in range(20, 40)]
            assert [cursor.fetchone() for cursor in early + late] == [(round_, n) for n in range(40)]


def test_an_error_in_a_pipeline_takes_with_it_what_belongs_to_it(pool: Agroal) -> None:
    with pool.connect() as client, client.pipeline() as pipeline:
        client.execute("CREATE TABLE piped (t text)")
        client.execute("INSERT INTO piped VALUES ('before')")
        pipeline.sync()

        def fail() -> None:
            for sql in ("INSERT INTO piped VALUES ('undone')", "SELECT 1 / 0", "INSERT INTO piped VALUES ('never')"):
                client.execute(sql)
            pipeline.sync()

        with pytest.raises(errors.DivisionByZero):
            fail()
        with suppress(errors.PipelineAborted):  # which statement hears of the error depends on when it comes
            pipeline.sync()
        assert client.execute("SELECT t FROM piped").fetchall() == [("before",)]
        client.execute("DROP TABLE piped")


def test_many_rows_are_inserted_in_a_pipeline_and_give_their_numbers(pool: Agroal) -> None:
    with pool.connect() as client, client.transaction(force_rollback=True), client.cursor() as cursor:
        cursor.execute("CREATE TABLE numbered (n serial, t text)")
        cursor.executemany(
            "INSERT INTO numbered (t) VALUES (%s) RETURNING n, t", [(str(n),) for n in range(200)], returning=True
        )
        rows = [cursor.fetchone()]
        while cursor.nextset():
            rows.append(cursor.fetchone())
    assert rows == [(n + 1, str(n)) for n in range(200)]


def test_nested_transactions(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        client.execute("CREATE TABLE nested (n int)")
        with client.transaction():
            client.execute("INSERT INTO nested VALUES (1)")
            with pytest.raises(errors.UndefinedTable), client.transaction():
                client.execute("INSERT INTO nested SELECT * FROM nowhere")
            with client.transaction():
                client.execute("INSERT INTO nested VALUES (2)")
        assert client.execute("SELECT n FROM nested ORDER BY n").fetchall() == [(1,), (2,)]
        client.execute("DROP TABLE nested")


def test_isolation_levels_hold_for_each_transaction(pool: Agroal) -> None:
    with pool.connect(autocommit=False) as client:
        client.isolation_level = IsolationLevel.SERIALIZABLE
        client.read_only = True
        for _ in range(10):
            shown = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
            assert client.execute(shown).fetchone() == ("serializable", "on")
            client.commit()


# Cursors, COPY


def test_a_server_side_cursor_in_a_transaction(pool: Agroal) -> None:
    with pool.connect() as client, client.transaction(), client.cursor("pieces", scrollable=True) as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT * FROM generate_series(1, 95) AS n")
        assert [n for (n,) in cursor] == list(range(1, 96))
        cursor.scroll(5, mode="absolute")
        assert cursor.fetchone() == (6,)


def test_a_cursor_that_is_held_keeps_its_server(pool: Agroal) -> None:
    with pool.connect() as client, client.cursor("held", withhold=True) as cursor:
        cursor.itersize = 5
        cursor.execute("SELECT * FROM generate_series(1, 95) AS n")
        assert [n for (n,) in cursor] == list(range(1, 96))
        assert stays(lambda: pid(client))


@pytest.mark.parametrize("form", ["TEXT", "BINARY"])
def test_copies(pool: Agroal, form: str) -> None:
    rows = [(n, None if n % 3 else f"line\t{n}\n\\") for n in range(2000)]
    with pool.connect() as client, client.cursor() as cursor:
        cursor.execute(f"CREATE TABLE copied_{form} (n int4, t text)")
        with cursor.copy(f"COPY copied_{form} FROM STDIN (FORMAT {form})") as copy:
            copy.set_types(["int4", "text"])
            for row in rows:
                copy.write_row(row)
        with cursor.copy(f"COPY (SELECT * FROM copied_{form} ORDER BY n) TO STDOUT (FORMAT {form})") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows()) == rows
        cursor.execute(f"DROP TABLE copied_{form}")


def test_a_copy_that_is_broken_off_leaves_nothing(pool: Agroal) -> None:
    def break_off(client: psycopg.Connection[Any]) -> None:
        with client.cursor().copy("COPY broken_off FROM STDIN") as copy:
            copy.write_row([1])
            raise InterruptedError("second thoughts")

    with pool.connect() as client:
        client.execute("CREATE TABLE broken_off (n int)")
        with pytest.raises(InterruptedError):
            break_off(client)
        assert client.execute("SELECT count(*) FROM broken_off").fetchone() == (0,)
        client.execute("DROP TABLE broken_off")


# State that outlives a transaction


def test_settings_follow_their_client(pool: Agroal) -> None:
    with pool.connect(options="-c TimeZone=Asia/Tokyo") as one, pool.connect(application_name="other") as other:
        other.execute("SET DateStyle = 'German, DMY'")
        for _ in range(30):
            assert one.execute("SELECT current_setting('TimeZone')").fetchone() == ("Asia/Tokyo",)
            shown = other.execute("SELECT current_setting('application_name'), '2026-11-22'::date::text").fetchone()
            assert shown == ("other", "22.11.2026")


@pytest.mark.parametrize(
    ("make", "check", "expected"),
    [
        ("SET search_path = pg_catalog", "SHOW search_path", "pg_catalog"),
        ("SELECT set_config('my.own', 'mine', false)", "SHOW my.own", "mine"),
        ("CREATE TEMP TABLE mine AS SELECT 'mine' AS t", "SELECT t FROM mine", "mine"),
        ("PREPARE mine AS SELECT 'mine'", "EXECUTE mine", "mine"),
        (
            "SELECT pg_advisory_lock(7)",
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
            1,
        ),
        ("LISTEN mine", "SELECT pg_listening_channels()", "mine"),
    ],
)
def test_who_makes_what_outlives_a_transaction_keeps_its_server(
    pool: Agroal, make: str, check: str, expected: object
) -> None:
    with pool.connect() as client:
        client.execute(make)
        for _ in range(20):
            assert client.execute(check).fetchone() == (expected,)
        assert stays(lambda: pid(client))


def test_who_listens_hears(pool: Agroal, wanders: bool) -> None:
    with pool.connect() as listener, pool.connect() as speaker:
        listener.execute("LISTEN news")
        for n in range(10):
            speaker.execute("SELECT pg_notify('news', %s)", (str(n),))
        heard = [one.payload for one in listener.notifies(timeout=10, stop_after=10)]
        assert heard == [str(n) for n in range(10)]
        assert goes_where_it_may(pool, lambda: pid(speaker), wanders)


# Cancelling, and asyncio


@pytest.mark.parametrize("within", ["a transaction", "none"])
def test_cancels_and_goes_on(pool: Agroal, database: Database, within: str) -> None:
    with pool.connect() as client, ThreadPoolExecutor(1) as beside:
        if within == "a transaction":
            client.execute("BEGIN")
        waiting = beside.submit(client.execute, "SELECT pg_sleep(3601)")
        wait_until(lambda: any("3601" in one.query for one in database.activity()), "it sleeps")
        client.cancel_safe(timeout=10)
        with pytest.raises(errors.QueryCanceled, match="due to user request"):
            waiting.result(15)
        client.rollback()
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_many_asynchronous_clients_get_what_they_ask_for(pool: Agroal) -> None:
    async def ask(number: int) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(pool.dsn(), autocommit=True, prepare_threshold=1) as client:
            rows = []
            for n in range(20):
                async with client.transaction(), client.pipeline():
                    cursor = await client.execute("SELECT %s::int, %s::int", (number, n))
                    rows.append(await cursor.fetchone() or ())
            async with client.cursor("pieces", withhold=True) as pieces:
                await pieces.execute("SELECT %s::int, n FROM generate_series(1, 5) AS n", (number,))
                rows += [row async for row in pieces]
            return rows

    async def all_at_once() -> list[list[tuple[Any, ...]]]:
        return await asyncio.gather(*map(ask, range(12)))

    for number, rows in enumerate(asyncio.run(all_at_once())):
        assert rows == [(number, n) for n in [*range(20), *range(1, 6)]]
