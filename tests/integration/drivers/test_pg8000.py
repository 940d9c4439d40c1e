"""pg8000: pure Python, which flushes where others sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pg8000.native
import pytest

from tests.integration.daemon import Agroal

Connection = pg8000.native.Connection


@pytest.fixture
def client(pool: Agroal) -> Iterator[Connection]:
    who = pool.database.scram
    where = {"host": pool.host, "port": pool.port, "database": pool.database.name}
    with closing(Connection(who.name, password=who.password, **where)) as client:
        yield client


def test_values_are_bound(client: Connection) -> None:
    for n in range(30):
        assert client.run("SELECT :n::int4, :t::text", n=n, t=str(n)) == [[n, str(n)]]


def test_statements_are_prepared(client: Connection) -> None:
    one, other = client.prepare("SELECT :n::int4, 'one'"), client.prepare("SELECT :n::int4, 'other'")
    for n in range(30):
        assert (one.run(n=n), other.run(n=n)) == ([[n, "one"]], [[n, "other"]])
    one.close()
    assert other.run(n=1) == [[1, "other"]]


def test_transactions(client: Connection) -> None:
    client.run("BEGIN")
    client.run("CREATE TABLE made_by_pg8000 (n int)")
    client.run("SAVEPOINT here")
    with pytest.raises(pg8000.native.DatabaseError):
        client.run("SELECT 1 / 0")
    client.run("ROLLBACK TO here")
    client.run("INSERT INTO made_by_pg8000 VALUES (:n)", n=7)
    assert client.run("SELECT n FROM made_by_pg8000") == [[7]]
    client.run("ROLLBACK")
    assert client.run("SELECT to_regclass('made_by_pg8000')") == [[None]]


def test_copies(client: Connection) -> None:
    client.run("CREATE TABLE copied8000 (n int, t text)")
    client.run("COPY copied8000 FROM STDIN CSV", stream=["1,one\n", "2,two\n"])
    out: list[bytes] = []

    class Sink:
        def write(self, data: bytes) -> None:
            out.append(bytes(data))

    client.run("COPY (SELECT * FROM copied8000 ORDER BY n) TO STDOUT CSV", stream=Sink())
    assert b"".join(out) == b"1,one\n2,two\n"
    client.run("DROP TABLE copied8000")
