"""What administrators will ask for is an event: once, when it begins, and not with every client that feels it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from tests.integration.by_hand import TRUSTING, Guest
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import refusal
from tests.integration.postgres import Database, Login
from tests.integration.waiting import wait_until


def events(pool: Agroal, kind: str) -> list[dict[str, Any]]:
    return [event for event in pool.manage("events")["events"] if event["kind"] == kind]


def test_a_limit_that_makes_clients_wait_is_named_once(agroal: Launch, database: Database) -> None:
    pool = agroal(database, limits=f"{database.name} all 1\n", max_connections=5, hba=TRUSTING)
    with ExitStack() as clients:
        holder = clients.enter_context(Guest(pool, database.scram)).enter()
        waiting = [clients.enter_context(Guest(pool, database.scram)).queue() for _ in range(3)]
        [event] = wait_until(lambda: events(pool, "limit-reached"), "it is noticed")
        assert event["level"] == "warn"
        assert "agroal_databases.conf:1" in event["text"]
        wait_until(lambda: event["text"] in pool.log, "it is in the log")
        holder.terminate()
        for client in waiting:
            client.enter().terminate()
    [event] = wait_until(lambda: events(pool, "limit-cleared"), "it is calm again")
    assert event["level"] == "info"
    assert len(events(pool, "limit-reached")) == 1


def test_logins_that_are_refused_by_the_dozen_are_one_event(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    for _ in range(12):
        assert refusal(pool, Login("eve", "guessed"), database.name).sqlstate == "28P01"
    [event] = wait_until(lambda: events(pool, "authentication-failures"), "it is noticed")
    assert "user=eve" in event["text"]
    [failure] = pool.snapshot().authentication_failures
    assert (failure.user, failure.database, failure.count) == ("eve", database.name, 12)
    assert pool.snapshot().counters.rejected == 12


def test_a_daemon_says_that_it_began_and_with_what_it_ends(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    [first] = events(pool, "started")
    assert (first["seq"], f"port {pool.port}" in first["text"]) == (1, True)
    with pool.connect():
        pool.manage("shutdown", "gracefully", "-T", "0")
        assert "waits for 1 client" in events(pool, "stopping")[0]["text"]
        pool.manage("shutdown", "cancel")
        assert events(pool, "stop-cancelled")
    numbers = [event["seq"] for event in pool.manage("events")["events"]]
    assert numbers == list(range(1, len(numbers) + 1))
