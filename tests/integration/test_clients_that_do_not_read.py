"""A client that takes its answers slowly, or not at all, costs nobody anything but itself."""

from __future__ import annotations

import select
from collections.abc import Callable

import pytest

from tests.integration.by_hand import TRUSTING, Guest, batch, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.memory import bounded
from tests.integration.postgres import Database
from tests.integration.raw import TIMEOUT
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import READY, SYNC, message

PARSED, BOUND, SELECTED = message("1"), message("2"), message("C", b"SELECT 1\0")
GIGABYTE = "SELECT repeat('x', 1000000) FROM generate_series(1, 1000)"


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=2, hba=TRUSTING)


def wait_until_its_server_waits(database: Database) -> None:
    """PostgreSQL has sent what the sockets between it and the client hold, and can't send more."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'ClientWrite'"
    wait_until(lambda: database.query(waiting), "PostgreSQL waits for its client to read")


@pytest.mark.parametrize("source", [GIGABYTE, f"COPY ({GIGABYTE}) TO STDOUT"], ids=["rows", "copy"])
@pytest.mark.parametrize("go", [Guest.terminate, Guest.hang_up, Guest.break_off], ids=lambda go: go.__name__)
def test_a_client_that_never_reads_takes_no_memory_and_holds_up_nobody(
    pool: Agroal, database: Database, source: str, go: Callable[[Guest], None]
) -> None:
    client = Guest(pool, database.scram).enter()
    [pid] = client.query("SELECT pg_backend_pid()")
    with bounded(pool.pid):
        client.say(query(source))
        wait_until_its_server_waits(database)
        with pool.connect() as other:
            assert other.execute("SELECT count(*) FROM generate_series(1, 10000)").fetchone() == (10000,)
        go(client)
        wait_until(lambda: pid not in [str(one.pid) for one in database.activity()], "its server is gone")


def test_a_client_that_reads_late_gets_everything(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as client, bounded(pool.pid):
        client.say(query("SELECT repeat('x', 1000000) FROM generate_series(1, 30)"))
        wait_until_its_server_waits(database)
        rows = [body for kind, body in client.answer() if kind == "D"]
    assert [len(row) for row in rows] == [1_000_006] * 30


def test_a_client_that_reads_only_when_it_cannot_write_is_not_stuck(pool: Agroal, database: Database) -> None:
    """So drivers send a large pipeline: both directions are full then, and neither may wait for the other."""
    count, length = 20_000, 2_000
    unsent = memoryview((batch(f"SELECT repeat('x', {length}) -- {'y' * length}") + SYNC) * count)
    expected = count * sum(map(len, (PARSED, BOUND, message("D", bytes(6 + length)), SELECTED, READY)))
    received = 0
    with Guest(pool, database.scram).enter() as client, bounded(pool.pid):
        connection = client.unblocked()
        while received < expected:
            readable, writable, _ = select.select([connection], [connection] if unsent else [], [], TIMEOUT)
            if writable:
                unsent = unsent[connection.send(unsent) :]
            elif readable:
                received += len(connection.recv(65_536))
            else:
                raise AssertionError(f"stuck with {len(unsent)} bytes to send and {expected - received} to receive")
    assert received == expected
