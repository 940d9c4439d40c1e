"""COPY through the pool: both sides may send at will, and as much as they like."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from psycopg.pq import TransactionStatus

from tests.integration.by_hand import COPY_DONE, FLUSH, TRUSTING, Guest, Refused, batch, copy_data, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.memory import MIB, bounded
from tests.integration.postgres import Database
from tests.unit.wire.messages import SYNC, message

SIZE = 64 * MIB
VALUE = b"x" * 1023
TEXT = VALUE + b"\n"
BINARY = struct.pack("!Hi", 1, len(VALUE)) + VALUE
BINARY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_TRAILER = struct.pack("!h", -1)


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=1, hba=TRUSTING)


@pytest.fixture
def numbers(database: Database) -> Iterator[str]:
    """A table with a column of numbers, for everybody."""
    database.query("CREATE TABLE numbers (n int)")
    database.query("GRANT ALL ON numbers TO PUBLIC")
    yield "numbers"
    database.query("DROP TABLE numbers")


@pytest.mark.parametrize("rows", [0, 5000])
@pytest.mark.parametrize("form", ["text", "csv", "binary"])
def test_what_comes_out_goes_in_again(pool: Agroal, form: str, rows: int) -> None:
    filled = f"SELECT n, nullif(repeat(E'ä\\t\\n\\\\.\"', n % 7), '') AS t FROM generate_series(1, {rows}) AS n"
    with pool.connect() as client, client.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE source AS {filled}")
        cursor.execute("CREATE TEMP TABLE target (LIKE source)")
        with cursor.copy(f"COPY source TO STDOUT (FORMAT {form})") as out:
            content = b"".join(out)
        with cursor.copy(f"COPY target FROM STDIN (FORMAT {form})") as into:
            into.write(content)
        assert cursor.execute("TABLE source EXCEPT TABLE target").fetchall() == []
        assert cursor.execute("SELECT count(*) FROM target").fetchone() == (rows,)


@pytest.mark.parametrize("form", ["text", "binary"])
def test_much_goes_in_without_being_collected(pool: Agroal, form: str) -> None:
    row, count = (TEXT, SIZE // len(TEXT)) if form == "text" else (BINARY, SIZE // len(BINARY))
    block = row * 64
    with pool.connect() as client, client.cursor() as cursor, bounded(pool.pid):
        cursor.execute("CREATE TEMP TABLE much (t text)")
        with cursor.copy(f"COPY much FROM STDIN (FORMAT {form}) WHERE t IS NULL") as copy:
            copy.write(BINARY_HEADER if form == "binary" else b"")
            for _ in range(count // 64):
                copy.write(block)
            copy.write(BINARY_TRAILER if form == "binary" else b"\\N\n")
        assert cursor.rowcount == (0 if form == "binary" else 1)


@pytest.mark.parametrize("form", ["text", "binary"])
def test_much_comes_out_without_being_collected(pool: Agroal, form: str) -> None:
    rows = SIZE // len(TEXT)
    source = f"SELECT repeat('x', {len(VALUE)}) FROM generate_series(1, {rows})"
    command = f"COPY ({source}) TO STDOUT (FORMAT {form})"
    with pool.connect() as client, bounded(pool.pid), client.cursor().copy(command) as copy:
        received = sum(len(block) for block in copy)
    frame = len(BINARY_HEADER + BINARY_TRAILER) if form == "binary" else 0
    assert received == rows * len(BINARY if form == "binary" else TEXT) + frame


def test_a_client_that_gives_up_a_copy_has_copied_nothing(pool: Agroal, database: Database, numbers: str) -> None:
    with Guest(pool, database.scram).enter() as client:
        client.say(query("COPY numbers FROM STDIN"), copy_data(b"1\n2\n"), message("f", b"second thoughts\0"))
        with pytest.raises(Refused, match="COPY from stdin failed: second thoughts"):
            client.answer()
        client.answer()
        assert client.query("SELECT count(*) FROM numbers") == ["0"]


def test_what_a_client_still_sends_after_its_copy_failed_is_ignored(
    pool: Agroal, database: Database, numbers: str
) -> None:
    with Guest(pool, database.scram).enter() as client:
        client.say(query("COPY numbers FROM STDIN") + copy_data(b"1\nnot a number\n"))
        with pytest.raises(Refused, match="invalid input syntax"):
            client.answer()
        client.say(copy_data(b"2\n") + COPY_DONE)  # as one that had not heard of it yet
        client.answer()
        assert client.query("SELECT count(*) FROM numbers") == ["0"]


def test_flush_and_sync_mean_nothing_in_the_middle_of_a_copy(pool: Agroal, database: Database, numbers: str) -> None:
    with Guest(pool, database.scram).enter() as client:
        client.say(query("COPY numbers FROM STDIN"))
        client.answer("G")
        client.say(copy_data(b"1\n") + FLUSH + SYNC + copy_data(b"2\n") + COPY_DONE)
        client.answer()
        assert client.query("SELECT sum(n) FROM numbers") == ["3"]
    with pool.connect() as client_after_it:
        assert client_after_it.execute("SELECT sum(n) FROM numbers").fetchone() == (3,)


@pytest.mark.parametrize("sync", [FLUSH, SYNC], ids=["with one Sync", "with two, as libpq does it"])
def test_a_copy_by_the_extended_protocol(pool: Agroal, database: Database, numbers: str, sync: bytes) -> None:
    with Guest(pool, database.scram).enter() as client:
        client.say(batch("COPY numbers FROM STDIN") + sync)
        client.answer("G")
        client.say(copy_data(b"1\n2\n") + COPY_DONE + SYNC)
        client.answer()
        client.say(batch("COPY numbers TO STDOUT") + SYNC)
        answer = client.answer()
    assert [body for kind, body in answer if kind == "d"] == [b"1\n", b"2\n"]


def test_a_copy_within_a_transaction_is_undone_with_it(pool: Agroal, database: Database, numbers: str) -> None:
    with pool.connect(autocommit=False) as client, client.cursor() as cursor:
        with cursor.copy("COPY numbers FROM STDIN") as copy:
            copy.write_row([1])
        assert client.info.transaction_status is TransactionStatus.INTRANS
        assert cursor.execute("SELECT count(*) FROM numbers").fetchone() == (1,)
        client.rollback()
        assert cursor.execute("SELECT count(*) FROM numbers").fetchone() == (0,)


def test_psql_copies_from_a_file_and_to_one(pool: Agroal, database: Database, numbers: str, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_text("1\n2\n\\.\n")
    result = pool.psql("-c", f"\\copy numbers FROM '{before}'", "-c", f"\\copy numbers TO '{after}'")
    assert (result.returncode, result.stderr) == (0, "")
    assert after.read_text() == "1\n2\n"


def test_asyncpg_copies_records(pool: Agroal, database: Database, numbers: str) -> None:
    async def copy() -> str:
        client = await asyncpg.connect(pool.dsn())
        try:
            return await client.copy_records_to_table("numbers", records=[(n,) for n in range(5000)])
        finally:
            await client.close()

    assert asyncio.run(copy()) == "COPY 5000"
    assert database.query("SELECT count(*), sum(n) FROM numbers") == [(5000, 5000 * 4999 // 2)]
