"""Cancel requests: they reach whom they are meant for, and nobody else."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.integration.by_hand import TRUSTING, Guest, Refused, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database
from tests.integration.programs import client_program
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import SYNC

Canceller = Callable[[psycopg.Connection[Any]], object]

FOR_EVER = "SELECT pg_sleep(3600)"
CANCELLED = "canceling statement due to user request"


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, max_connections=10, hba=TRUSTING)


@pytest.fixture(scope="module")
def single(module_agroal: Launch, database: Database) -> Agroal:
    """A pool of one connection."""
    return module_agroal(database, max_connections=1, hba=TRUSTING)


def wait_for_sleepers(database: Database, number: int = 1) -> None:
    def sleeping() -> bool:
        return sum(FOR_EVER in one.query and one.state == "active" for one in database.activity()) == number

    wait_until(sleeping, f"{number} queries run for ever")


def test_psql_is_interrupted_by_its_user(pool: Agroal, database: Database) -> None:
    command = [client_program("psql"), "-X", "-d", pool.dsn(), "-c", FOR_EVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as psql:
        wait_for_sleepers(database)
        psql.send_signal(signal.SIGINT)
        _, said = psql.communicate(timeout=15)
    assert CANCELLED in said


@pytest.mark.parametrize("cancel", [psycopg.Connection.cancel, psycopg.Connection.cancel_safe])
def test_psycopg_cancels_and_goes_on(
    pool: Agroal, database: Database, cancel: Callable[[psycopg.Connection[Any]], object]
) -> None:
    with pool.connect() as client, ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(client.execute, FOR_EVER)
        wait_for_sleepers(database)
        cancel(client)
        with pytest.raises(errors.QueryCanceled, match=CANCELLED):
            waiting.result(15)
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_cancel_without_a_query_does_nothing(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as client:
        client.cancel()
        assert client.query("SELECT 1") == ["1"]


@pytest.mark.parametrize("change", ["number", "secret", "length"])
def test_a_cancel_with_a_wrong_key_is_ignored(pool: Agroal, database: Database, change: str) -> None:
    with Guest(pool, database.scram).enter() as client:
        wrong = {
            "number": bytes(4) + client.key[4:],
            "secret": client.key[:4] + bytes(4),
            "length": client.key + bytes(24),
        }[change]
        client.say(query(FOR_EVER))
        wait_for_sleepers(database)
        client.cancel(wrong)
        wait_for_sleepers(database)

        client.cancel()
        with pytest.raises(Refused, match=CANCELLED):
            client.answer()


def test_the_key_of_a_client_that_has_left_is_worth_nothing(single: Agroal, database: Database) -> None:
    with Guest(single, database.scram).enter() as gone:
        pass
    with Guest(single, database.scram).enter() as client:
        client.say(query("SELECT pg_sleep(0.2)"))
        gone.cancel()
        client.answer()


def test_many_cancel_at_once_each_their_own(pool: Agroal, database: Database) -> None:
    with ExitStack() as connections:
        clients = [connections.enter_context(Guest(pool, database.scram)).enter() for _ in range(10)]
        for client in clients:
            client.say(query(FOR_EVER))
        wait_for_sleepers(database, 10)

        for client in clients[::2]:
            connections.enter_context(client.begin_to_cancel())
        for client in clients[::2]:
            with pytest.raises(Refused, match=CANCELLED):
                client.answer()
        wait_for_sleepers(database, 5)


def test_a_cancel_of_a_client_that_waits_takes_it_out_of_the_queue(single: Agroal, database: Database) -> None:
    with Guest(single, database.scram).enter() as holder, Guest(single, database.scram).queue() as waiting:
        assert len(single.snapshot().waiters) == 1

        waiting.cancel()

        with pytest.raises(Refused, match=CANCELLED) as caught:
            waiting.answer()
        assert caught.value.sqlstate == "57014"
        assert single.snapshot().waiters == ()
        assert holder.query("SELECT 1") == ["1"]


def test_a_cancel_never_hits_the_next_owner_of_the_server(single: Agroal, database: Database) -> None:
    with ExitStack() as connections:
        owner = connections.enter_context(Guest(single, database.scram)).enter()
        for _ in range(20):
            following = connections.enter_context(Guest(single, database.scram)).queue()
            for _ in range(10):  # the last of them is still on its way when the first has done its work
                connections.enter_context(owner.begin_to_cancel())
            owner.terminate()
            owner = following.enter()
            assert owner.query("SELECT pg_sleep(0.02)") == [""]


def test_a_cancel_that_comes_late_does_not_hit_the_clients_next_query(single: Agroal, database: Database) -> None:
    with Guest(single, database.scram).enter() as client:
        for _ in range(20):
            client.cancel()
            client.say(SYNC)  # by now the signal has been sent: the server takes note of it here, without a query
            client.answer()
            assert client.query("SELECT pg_sleep(0.005)") == [""]


def test_a_query_ends_with_an_agroal_that_does_not_wait_for_it(agroal: Launch, database: Database) -> None:
    login = database.role("impatient")
    pool = agroal(database, hba=TRUSTING)
    with Guest(pool, login).enter() as client:
        client.say(query(FOR_EVER))
        wait_for_sleepers(database)
        pool.signal(signal.SIGTERM)
        wait_until(lambda: pool.snapshot().status == "graceful", "the end has begun")
        pool.signal(signal.SIGTERM)
        assert client.end()["C"] == "57P01"
    assert pool.wait(5) == 0
    assert not database.activity(login)
