"""COPY through the pool: the one case where both sides may send at will, and as much as they like."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from agroal.wire.codes import Backend
from agroal.wire.frontend import SYNC, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.memory import MIB, bounded
from tests.integration.postgres import Database
from tests.integration.raw import COPY_DONE, FLUSH, TRUSTING, RawClient, Refused, batch, copy_data, copy_fail

CHUNK = b"x" * 1023 + b"\n"
"""A line in text format: a row with one column."""


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=1, hba=TRUSTING)


@pytest.fixture
def table(database: Database) -> Iterator[str]:
    """A table with one text column, that everybody may use."""
    database.query("CREATE UNLOGGED TABLE lines (line text)")
    database.query("GRANT ALL ON lines TO PUBLIC")
    yield "lines"
    database.query("DROP TABLE lines")


def count(database: Database) -> int:
    [(found,)] = database.query("SELECT count(*) FROM lines")
    return int(found)


@pytest.mark.parametrize("how", ["text", "csv"])
def test_rows_go_in_and_come_out_again(pool: Agroal, table: str, how: str) -> None:
    rows = [("plain",), ("tab\tand\nline",), ('"quoted", ä€',), ("\\.",), (None,), ("",)]
    with pool.connect() as client, client.cursor() as cursor:
        if how == "csv":
            cursor.execute("CREATE TEMP TABLE copied (LIKE lines)")
            with cursor.copy("COPY copied FROM STDIN (FORMAT csv)") as copy:
                copy.write('"plain"\n"a ""quoted"" one"\n""\n\n')
            assert cursor.execute("SELECT line FROM copied").fetchall() == [("plain",), ('a "quoted" one',), ("",), (None,)]
            return
        with cursor.copy("COPY lines FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        with cursor.copy("COPY lines TO STDOUT") as copy:
            assert list(copy.rows()) == rows


