"""psycopg2: libpq, simple queries, and a transaction around everything unless it is told otherwise."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from psycopg2 import errors
from psycopg2.extensions import ISOLATION_LEVEL_SERIALIZABLE, TRANSACTION_STATUS_IDLE

from tests.integration.daemon import Agroal
from tests.integration.drivers.wandering import PID, goes_where_it_may, stays

Connection = Any


@pytest.fixture
def client(pool: Agroal) -> Iterator[Connection]:
    with closing(psycopg2.connect(pool.dsn())) as client:
        yield client


def ask(client: Connection, sql: str, values: object = None) -> list[tuple[Any, ...]]:
    with client.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall()) if cursor.description else []


def pid(client: Connection) -> int:
    [(number,)] = ask(client, PID)
    return int(number)


def test_a_transaction_is_around_everything(pool: Agroal, client: Connection, wanders: bool) -> None:
    assert stays(lambda: pid(client))
    client.commit()

    def next_pid() -> int:
        with client:
            return pid(client)

    assert goes_where_it_may(pool, next_pid, wanders)


def test_without_a_transaction(pool: Agroal, client: Connection, wanders: bool) -> None:
    client.autocommit = True
    assert goes_where_it_may(pool, lambda: pid(client), wanders)
    assert client.get_transaction_status() == TRANSACTION_STATUS_IDLE


def test_named_cursors(client: Connection) -> None:
    with client, client.cursor("pieces") as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT n, %s FROM generate_series(1, 55) AS n", ("mine",))
        assert list(cursor) == [(n, "mine") for n in range(1, 56)]


def test_a_named_cursor_that_is_held(client: Connection) -> None:
    with client.cursor("held", withhold=True) as cursor:
        cursor.execute("SELECT n FROM generate_series(1, 9) AS n")
        client.commit()
        for n in range(1, 10):
            assert cursor.fetchone() == (n,)
            client.commit()


def test_copies(client: Connection) -> None:
    with client, client.cursor() as cursor:
        cursor.execute("CREATE TABLE copied2 (n int, t text)")
        cursor.copy_expert("COPY copied2 FROM STDIN CSV", StringIO("".join(f'{n},"a ""{n}"""\n' for n in range(500))))
        out = StringIO()
        cursor.copy_expert("COPY (SELECT * FROM copied2 ORDER BY n) TO STDOUT", out)
        cursor.execute("DROP TABLE copied2")
    assert out.getvalue() == "".join(f'{n}\ta "{n}"\n' for n in range(500))


def test_many_values_at_once(client: Connection) -> None:
    with client, client.cursor() as cursor:
        cursor.execute("CREATE TABLE valued (n int, t text)")
        rows = [(n, str(n)) for n in range(250)]
        psycopg2.extras.execute_values(cursor, "INSERT INTO valued VALUES %s", rows)
        psycopg2.extras.execute_batch(cursor, "UPDATE valued SET t = %s WHERE n = %s", [("x", n) for n, _ in rows])
        cursor.execute("SELECT count(*), min(t), max(t) FROM valued")
        assert cursor.fetchone() == (250, "x", "x")
        client.rollback()
        cursor.execute("SELECT to_regclass('valued')")
        assert cursor.fetchone() == (None,)


def test_an_error_ends_the_transaction_and_no_more(client: Connection) -> None:
    for n in range(10):
        with pytest.raises(errors.DivisionByZero):
            ask(client, "SELECT 1 / 0")
        with pytest.raises(errors.InFailedSqlTransaction):
            ask(client, "SELECT 1")
        client.rollback()
        assert ask(client, "SELECT %s", (n,)) == [(n,)]
        client.commit()


def test_a_session_that_reads_only_and_is_serializable(client: Connection) -> None:
    client.set_session(isolation_level=ISOLATION_LEVEL_SERIALIZABLE, readonly=True, autocommit=False)
    for _ in range(10):
        assert ask(client, "SHOW transaction_isolation") == [("serializable",)]
        with pytest.raises(errors.ReadOnlySqlTransaction):
            ask(client, "CREATE TABLE never (n int)")
        client.rollback()


def test_a_session_without_transactions_that_reads_only(pool: Agroal) -> None:
    """Set for the session: it is remembered, and nobody else reads only."""
    with closing(psycopg2.connect(pool.dsn())) as reader, closing(psycopg2.connect(pool.dsn())) as other:
        other.autocommit = True
        reader.set_session(readonly=True, autocommit=True)
        for _ in range(20):
            assert ask(reader, "SHOW transaction_read_only") == [("on",)]
            assert ask(other, "SHOW transaction_read_only") == [("off",)]


def test_who_listens_hears(pool: Agroal, client: Connection) -> None:
    client.autocommit = True
    ask(client, "LISTEN gossip")
    with closing(psycopg2.connect(pool.dsn())) as speaker, speaker:
        ask(speaker, "NOTIFY gossip, 'hello'")
    while not client.notifies:
        assert select.select([client], [], [], 10)[0], "nothing was heard"
        client.poll()
    assert [one.payload for one in client.notifies] == ["hello"]
    assert stays(lambda: pid(client))


def test_large_objects(client: Connection) -> None:
    with client:
        large = client.lobject(mode="wb")
        content = bytes(range(256)) * 1000
        assert large.write(content) == len(content)
        large.seek(256)
        large.close()
    with client:
        again = client.lobject(large.oid, "rb")
        assert again.read() == content
        again.unlink()


def test_client_encodings(client: Connection) -> None:
    client.set_client_encoding("LATIN1")
    for _ in range(20):
        assert ask(client, "SELECT 'ä', current_setting('client_encoding')") == [("ä", "LATIN1")]
        client.commit()
