"""pgbench through the pool: not one transaction fails, and PostgreSQL sees no more connections than it should."""

from __future__ import annotations

import subprocess

import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import connections_watched
from tests.integration.postgres import Database
from tests.integration.programs import client_program

SERVERS = 4
PROTOCOLS = ["simple", "extended", "prepared"]


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    """With pgbench's tables behind it; that they are made through it is a test in itself."""
    pool = module_agroal(database, max_connections=SERVERS, blocking_timeout=60)
    command = [client_program("pgbench"), "-i", "-q", "-s", "1", pool.dsn()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return pool


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("script", ["select-only", "tpcb-like"])
def test_no_transaction_fails(pool: Agroal, database: Database, script: str, protocol: str) -> None:
    clients, each = SERVERS, 100
    with connections_watched(database) as sight:
        report = pool.pgbench("-b", script, "-M", protocol, "-c", str(clients), "-t", str(each))
    assert (report.transactions, report.failed) == (clients * each, 0)
    assert sight.total <= SERVERS


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("script", ["select-only", "tpcb-like"])
def test_more_clients_than_servers_take_turns(pool: Agroal, database: Database, script: str, protocol: str) -> None:
    clients, each = 3 * SERVERS, 10  # with a thread for each, for pgbench's threads connect one client at a time
    with connections_watched(database) as sight:
        report = pool.pgbench(
            "-C", "-b", script, "-M", protocol, "-c", str(clients), "-j", str(clients), "-t", str(each)
        )
    assert (report.transactions, report.failed) == (clients * each, 0)
    assert sight.total <= SERVERS
    assert pool.snapshot().counters.timeouts == 0


def test_the_books_balance(pool: Agroal, database: Database) -> None:
    def books() -> list[int]:
        [sums] = database.query(
            "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),"
            " (SELECT sum(bbalance) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history),"
            " (SELECT count(*) FROM pgbench_history)"
        )
        return [int(value) for value in sums]

    before = books()
    pool.pgbench("-M", "extended", "-c", str(SERVERS), "-t", "100")
    accounts, tellers, branches, history, transactions = (
        after - was for after, was in zip(books(), before, strict=True)
    )
    assert accounts == tellers == branches == history
    assert transactions == SERVERS * 100


def test_few_connections_serve_many_clients(pool: Agroal, database: Database) -> None:
    began = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    [(before,)] = database.query(began)
    report = pool.pgbench("-S", "-C", "-c", "2", "-t", "50")
    [(after,)] = database.query(began)
    assert report.transactions == 100
    assert after - before <= SERVERS + 2  # and those that asked
