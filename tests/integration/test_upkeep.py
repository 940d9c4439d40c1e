"""Servers that wait for a client: which of them are closed, and which are not what they seem."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

VALIDATION_TIMEOUT = 5.0
"""Seconds that agroal gives a server to answer when it is validated."""


@contextmanager
def stopped(pool: Agroal) -> Iterator[None]:
    """agroal does nothing within."""
    pool.signal(signal.SIGSTOP)
    yield
    pool.signal(signal.SIGCONT)


@contextmanager
def frozen(database: Database, pid: int) -> Iterator[None]:
    """This server does not answer within; its connection stays."""
    send = "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null && kill -{} {}'"
    database.query(send.format("STOP", pid))
    try:
        yield
    finally:
        database.query(send.format("CONT", pid))


def closes(pool: Agroal) -> dict[str, int]:
    """How many servers were closed, for each reason that there was."""
    return {reason.name: reason.count for reason in pool.snapshot().closes if reason.count}


def one_free_server(pool: Agroal) -> int:
    """Its process."""
    with pool.connect() as client:
        pid = backend_pid(client)
    wait_until(lambda: [slot.state for slot in pool.snapshot().slots] == ["free"], "it has come back")
    return pid


def gets_another(pool: Agroal, pid: int) -> bool:
    with pool.connect() as client:
        return backend_pid(client) != pid


def test_a_server_that_postgresql_ends_is_noticed_at_once(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    pid = one_free_server(pool)

    database.query("SELECT pg_terminate_backend(%s)", pid)

    wait_until(lambda: not pool.snapshot().slots, "its slot is empty, though nobody asked for it", 2)
    assert closes(pool) == {"lost": 1}
    assert gets_another(pool, pid)


def test_a_server_that_speaks_unasked_is_not_used_again(agroal: Launch, database: Database) -> None:
    pool = agroal(database, server_reset_query='""')
    with pool.connect() as client:
        client.execute("LISTEN news")
        pid = backend_pid(client)
    wait_until(lambda: [slot.state for slot in pool.snapshot().slots] == ["free"], "it has come back")

    database.query("NOTIFY news")

    wait_until(lambda: not database.activity(database.scram), "it is closed, though nobody asked for it", 2)
    wait_until(lambda: closes(pool) == {"spoke_while_idle": 1}, "it is counted")
    assert gets_another(pool, pid)


def test_a_server_that_speaks_unasked_counts_until_it_is_gone(agroal: Launch, database: Database) -> None:
    pool = agroal(database, server_reset_query='""', limits=f"{database.name} all 1\n", blocking_timeout="1s")
    with pool.connect() as client:
        client.execute("LISTEN news")
        pid = backend_pid(client)
    wait_until(lambda: [slot.state for slot in pool.snapshot().slots] == ["free"], "it has come back")
    with ExitStack() as stack:
        with stopped(pool):
            database.query("NOTIFY news")
            stack.enter_context(frozen(database, pid))
        wait_until(lambda: [slot.state for slot in pool.snapshot().slots] != ["free"], "it is noticed")
        with suppress(psycopg.OperationalError):
            pool.connect()
        assert len(database.activity(database.scram)) == 1


def test_a_server_is_closed_when_nobody_used_it_and_not_while_it_is_used(agroal: Launch, database: Database) -> None:
    pool = agroal(database, idle_timeout="500ms")
    with pool.connect() as busy:
        pid = backend_pid(busy)
        pool.connect().close()
        wait_until(lambda: closes(pool) == {"idle": 1}, "the other one is closed")
        assert backend_pid(busy) == pid
    began = time.monotonic()
    wait_until(lambda: closes(pool) == {"idle": 2}, "it is closed when it has been idle, too")
    assert time.monotonic() - began > 0.4


def test_servers_of_one_age_do_not_go_together(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connection_age="3s")
    clients = [pool.connect() for _ in range(10)]
    for client in clients:
        client.close()
    wait_until(lambda: 0 < len(pool.snapshot().slots) < 10, "some have gone, and some have not")
    wait_until(lambda: closes(pool) == {"too_old": 10}, "all have gone")


# Validation


def test_each_client_gets_a_server_that_has_just_answered(agroal: Launch, database: Database) -> None:
    pool = agroal(database, validation="foreground")
    pid = one_free_server(pool)
    for asked in range(1, 4):
        assert one_free_server(pool) == pid
        assert pool.snapshot().counters.validations == asked


def test_a_client_gets_another_server_where_one_does_not_answer(agroal: Launch, database: Database) -> None:
    pool = agroal(database, validation="foreground")
    pid = one_free_server(pool)
    with frozen(database, pid):
        began = time.monotonic()
        assert gets_another(pool, pid)
        assert time.monotonic() - began < VALIDATION_TIMEOUT + 2
    wait_until(lambda: closes(pool) == {"invalid": 1}, "it is counted")
    wait_until(lambda: "does not work any more: no answer in time" in pool.log, "it is in the log")


def test_without_validation_a_client_finds_out_by_itself(agroal: Launch, database: Database) -> None:
    """What the test before would be worth without validation."""
    pool = agroal(database, connect_timeout="500ms")
    pid = one_free_server(pool)
    with frozen(database, pid), pytest.raises(psycopg.OperationalError, match="lost while it was being prepared"):
        pool.connect(application_name="someone")
    assert pool.snapshot().counters.validations == 0


def test_servers_are_asked_while_nobody_uses_them(agroal: Launch, database: Database) -> None:
    pool = agroal(database, validation="background", background_interval="5s")
    pids = [backend_pid(client) for client in [pool.connect() for _ in range(3)]]
    pool.come_to_rest()
    with frozen(database, pids[0]):
        wait_until(lambda: pool.snapshot().counters.validations == 3, "each has been asked", 10)
        wait_until(lambda: "does not work any more" in pool.log, "the one that does not answer is given up", 10)
        with pool.connect() as client, pool.connect() as other:
            assert {backend_pid(client), backend_pid(other)} == set(pids[1:])
    wait_until(lambda: closes(pool) == {"invalid": 1}, "it is counted")
