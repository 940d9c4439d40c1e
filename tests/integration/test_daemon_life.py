"""How a daemon ends: it waits for its clients or does not, and leaves nothing behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import errors

from tests.integration.by_hand import TRUSTING, Guest, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import refusal
from tests.integration.postgres import Database
from tests.integration.raw import RawClient
from tests.integration.starting import left_behind
from tests.integration.waiting import wait_until


@contextmanager
def ending(pool: Agroal) -> Iterator[None]:
    """What is done in the body ends the daemon, of which nothing is left then, neither here nor in PostgreSQL."""
    yield
    assert pool.wait() == 0
    assert left_behind(pool) == []
    assert pool.database.activity() == []


def test_a_daemon_without_clients_ends_at_the_first_signal(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    pool.connect().close()
    wait_until(lambda: sum(known.idle for known in pool.snapshot().pools) == 1, "a server is free")

    with ending(pool):
        pool.signal(signal.SIGTERM)


def test_a_graceful_end_waits_for_the_clients_and_takes_no_new_ones(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    with ending(pool), pool.connect() as client:
        pool.signal(signal.SIGTERM)
        wait_until(lambda: pool.snapshot().status == "graceful", "the end has begun")

        for host in (pool.host, str(pool.folder)):
            told = refusal(pool, database.scram, database.name, host)
            assert (told.severity, told.sqlstate, told.message) == ("FATAL", "57P03", "agroal is shutting down")
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_does_not_wait(agroal: Launch, database: Database, number: signal.Signals) -> None:
    """Whatever a client is doing, it is told."""
    login = database.scram
    pool = agroal(database, hba=TRUSTING, max_connections=2)
    idle, busy = Guest(pool, login).enter(), Guest(pool, login).enter()
    busy.say(query("SELECT pg_sleep(600)"))
    wait_until(lambda: "active" in [row.state for row in database.activity()], "a query runs")
    clients = [idle, busy, Guest(pool, login), RawClient(pool, b"\0\0")]
    wait_until(lambda: len(pool.snapshot().clients) == 4 and pool.snapshot().waiters, "all clients are there")
    with ending(pool):
        pool.signal(number)
        wait_until(lambda: pool.snapshot().status == "graceful", "the end has begun")
        pool.signal(number)

    for client in clients:
        with client:
            told = client.end()
        assert (told["S"], told["C"]) == ("FATAL", "57P01")
        assert told["M"] == "terminating connection due to administrator command"


def test_a_graceful_end_has_an_end(agroal: Launch, database: Database) -> None:
    pool = agroal(database, flush_timeout="100ms")
    with pool.connect() as client:
        with ending(pool):
            pool.signal(signal.SIGTERM)
        with pytest.raises(errors.AdminShutdown):
            client.execute("SELECT 1")


def test_agroal_cli_says_how_long_clients_are_waited_for(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    with pool.connect() as client:
        with ending(pool):
            result = pool.cli("shutdown", "gracefully", "-T", "100ms")
            assert (result.returncode, result.stderr) == (0, "")
        with pytest.raises(errors.AdminShutdown):
            client.execute("SELECT 1")


def test_agroal_cli_ends_it_at_once(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    with pool.connect() as client:
        with ending(pool):
            result = pool.cli("shutdown", "immediate")
            assert (result.returncode, result.stderr) == (0, "")
        with pytest.raises(errors.AdminShutdown):
            client.execute("SELECT 1")
    assert pool.cli("ping").returncode == 1
