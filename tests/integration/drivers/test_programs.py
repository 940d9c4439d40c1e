"""PostgreSQL's other programs through the pool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agroal.demo.report import Report
from tests.integration.daemon import Agroal
from tests.integration.drivers.programs import direct, psql, run, server_version
from tests.integration.observe import connections_watched
from tests.integration.postgres import Database

SHELF = r"""
CREATE SCHEMA stock;
CREATE TYPE stock.colour AS ENUM ('red', 'green');
CREATE TABLE stock.shelf (id serial PRIMARY KEY, name text UNIQUE, colour stock.colour, tags text[], data bytea,
    price numeric(10, 3), made timestamptz DEFAULT '2026-11-22 12:00:00.123456+09');
CREATE TABLE stock.thing (shelf int REFERENCES stock.shelf, n int, CHECK (n > 0));
CREATE INDEX ON stock.thing (n) WHERE n > 5;
CREATE VIEW stock.full AS SELECT name, count(*) FROM stock.shelf JOIN stock.thing ON id = shelf GROUP BY name;
CREATE FUNCTION stock.double(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
INSERT INTO stock.shelf (name, colour, tags, data, price)
    SELECT E'shelf\t' || n || E' \\. ä\n', (ARRAY['red', 'green'])[1 + n % 2]::stock.colour, ARRAY['a,b', NULL, '"'],
        decode(md5(n::text), 'hex'), n / 7.0 FROM generate_series(1, 300) AS n;
INSERT INTO stock.thing SELECT 1 + n % 300, n FROM generate_series(1, 1000) AS n;
"""
CONTENTS = (
    "SELECT t::text FROM stock.shelf AS t ORDER BY id",
    "SELECT t::text FROM stock.thing AS t ORDER BY n",
    "SELECT t::text FROM stock.full AS t ORDER BY name",
    "SELECT last_value::text FROM stock.shelf_id_seq",
)


@pytest.fixture(scope="module", autouse=True)
def _stock(database: Database) -> Iterator[None]:
    database.query(f'GRANT CREATE ON DATABASE "{database.name}" TO PUBLIC')
    psql(direct(database), SHELF)
    yield
    database.query("DROP SCHEMA stock CASCADE")


@pytest.fixture
def copy(database: Database) -> Iterator[Database]:
    """A second database of the same owner."""
    with database.postgres.new_database("restored") as second:
        second.query(f'GRANT CREATE ON DATABASE "{second.name}" TO PUBLIC')
        yield second


@pytest.mark.parametrize("form", ["custom", "directory by two jobs"])
def test_what_is_dumped_can_be_restored(
    pool: Agroal, database: Database, copy: Database, tmp_path: Path, form: str
) -> None:
    version, dump = server_version(pool), str(tmp_path / "dump")
    jobs = () if form == "custom" else ("-j", "2")
    target = pool.dsn(database=copy.name)
    how = ["-F", form[0], *jobs, "-n", "stock"]
    done = run("pg_dump", *how, "-f", dump, "-d", pool.dsn(), version=version)
    assert (done.returncode, done.stderr) == (0, "")
    done = run("pg_restore", *jobs, "--no-owner", "-d", target, dump, version=version)
    assert (done.returncode, done.stderr) == (0, "")

    assert contents(copy) == contents(database)
    assert schema(target, version) == schema(direct(database), version)


def contents(database: Database) -> list[list[str]]:
    return [[text for (text,) in database.query(sql)] for sql in CONTENTS]


def schema(where: str, version: int) -> str:
    done = run("pg_dump", "--schema-only", "--no-owner", "-n", "stock", "-d", where, version=version)
    assert done.returncode == 0, done.stderr
    return re.sub(r"\\(un)?restrict .*", "", done.stdout)  # a word that is another each time


def test_the_pool_is_ready(pool: Agroal) -> None:
    done = run("pg_isready", "-d", pool.dsn())
    assert (done.returncode, done.stdout) == (0, f"{pool.host}:{pool.port} - accepting connections\n")


@pytest.fixture(scope="module")
def tables(database: Database) -> None:
    """Those of pgbench."""
    done = run("pgbench", "-i", "-q", "-s", "1", direct(database))
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("connections", ["kept", "one for each transaction"])
@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pgbench_loses_no_transaction(pool: Agroal, database: Database, protocol: str, connections: str) -> None:
    again = () if connections == "kept" else ("-C",)
    clients, each = (4, 50) if connections == "kept" else (8, 5)
    load = ("-n", "-b", "tpcb-like", "-M", protocol, "-c", str(clients), "-j", str(clients), "-t", str(each))
    before = books(database)
    with connections_watched(database) as sight:
        done = run("pgbench", *load, *again, pool.dsn())
    assert done.returncode == 0, done.stderr
    report = Report.parse(done.stdout)
    assert (report.transactions, report.failed) == (clients * each, 0)
    assert sight.total <= pool.snapshot().max_connections
    *sums, transactions = (after - was for after, was in zip(books(database), before, strict=True))
    assert len(set(sums)) == 1
    assert transactions == clients * each


def books(database: Database) -> list[int]:
    """Four sums that change alike, and the number of transactions."""
    [sums] = database.query(
        "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),"
        " (SELECT sum(bbalance) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history),"
        " (SELECT count(*) FROM pgbench_history)"
    )
    return [int(value) for value in sums]
