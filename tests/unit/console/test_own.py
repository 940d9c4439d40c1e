from __future__ import annotations

from dataclasses import replace

from agroal.console.own import ERRORS, PINS, PREPARED, WAITS
from agroal.management.snapshot import Count
from tests.unit.console.sitting import table, view
from tests.unit.management import sample


def test_who_waits_for_what() -> None:
    assert table(WAITS, view()) == [
        {"client": 8, "database": "shop", "user": "web", "wait_us": 250_000, "position": 1, "reason": "limit"}
    ]


def test_what_went_wrong() -> None:
    failing = replace(sample.POOL, failures=3, error="connection refused")
    down = replace(sample.SERVER, error="no route to host")
    rows = table(
        ERRORS,
        view(pools=(failing,), servers=(down,), errors=(Count("PoolIsFull", 2), Count("Cancelled", 0)), refused=()),
    )
    assert [(row["kind"], row["error"], row["count"]) for row in rows] == [
        ("login", "password authentication failed", 12),
        ("connect", "connection refused", 3),
        ("server", "no route to host", 1),
        ("client", "PoolIsFull", 2),
        ("close", "idle", 3),
    ]
    login, connect, server, *_ = rows
    assert (login["user"], login["addr"], login["last"]) == ("eve", "10.0.3.9", "2025-11-22 12:01:29 UTC")
    assert (connect["database"], connect["user"]) == ("shop", "web")
    assert server["addr"] == "127.0.0.1:5432"


def test_servers_that_were_not_clean_are_counted_by_reason() -> None:
    rows = table(ERRORS, view(authentication_failures=(), errors=(), closes=()))
    assert [(row["kind"], row["error"], row["count"]) for row in rows] == [("hand-over", "batch_open", 2)]


def test_what_clients_left_behind() -> None:
    assert table(PINS, view()) == [{"reason": "listen", "user": "web", "application_name": "jobs", "count": 1}]


def test_which_server_has_how_many_statements() -> None:
    bare = replace(sample.SLOT, id=1, prepared=0)
    [row] = table(PREPARED, view(slots=(sample.SLOT, bare)))
    assert (row["slot"], row["server"], row["remote_pid"], row["statements"]) == (0, "pg-a", 48213, 3)
