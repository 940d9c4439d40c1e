from __future__ import annotations

from dataclasses import replace

import pytest

from agroal.management.snapshot import Count
from agroal.metrics.clients import CLIENTS, ERRORS
from agroal.reference.failures import told
from tests.unit.management.sample import CLIENT, COUNTERS, POOL, WAITER, WAITING_CLIENT, snapshot
from tests.unit.metrics.made import Labels, rows, seen

ENDED = (
    Count("AuthenticationFailed", 5),
    Count("NotPermitted", 4),
    Count("AuthenticationTimedOut", 3),
    Count("LookupFailed", 2),
    Count("PoolIsFull", 1),
)


def shown(name: str, **changes: object) -> dict[Labels, object]:
    return rows(CLIENTS, name, seen(snapshot(**changes)))


def value(name: str, **changes: object) -> object:
    return shown(name, **changes)[()]


def test_who_is_there_just_now() -> None:
    crowd = (CLIENT, CLIENT, WAITING_CLIENT, replace(WAITING_CLIENT, state="auth", tls=""))
    assert value("client_sockets", clients=crowd) == 4
    assert value("client_active", clients=crowd) == 2
    assert shown("client_states", clients=crowd) == {("active",): 2, ("waiting",): 1, ("auth",): 1}
    assert shown("client_tls", clients=crowd) == {("TLSv1.3",): 3, ("none",): 1}


def test_who_waits_and_for_what() -> None:
    queue = (WAITER, WAITER, replace(WAITER, reason="opening"))
    assert shown("waiting", waiters=queue) == {("limit",): 2, ("opening",): 1}
    assert value("client_wait", waiters=queue) == value("connection_awaiting", waiters=queue) == 3


@pytest.mark.parametrize("name", ["oldest_wait_seconds", "wait_time"])
def test_the_longest_wait_is_that_of_all_pools(name: str) -> None:
    pools = (replace(POOL, oldest_wait_us=100), replace(POOL, user="batch", oldest_wait_us=2_500_000))
    assert value(name, pools=pools) == 2.5
    assert value(name, pools=()) == 0


def test_how_authentications_end() -> None:
    counters = replace(COUNTERS, authenticated=90, tls_failures=7)
    assert shown("authentications_total", counters=counters, errors=ENDED) == {
        ("ok",): 90,
        ("bad_password",): 5,
        ("not_permitted",): 4,
        ("timed_out",): 3,
        ("lookup_failed",): 2,
    }
    assert value("auth_user_success", counters=counters) == 90
    assert value("auth_user_bad_password", errors=ENDED) == 5
    assert value("auth_user_error", counters=counters, errors=ENDED) == 4 + 3 + 2 + 7


def test_every_error_has_its_series_from_the_start() -> None:
    found = shown("client_errors_total", errors=(Count("PoolIsFull", 3),))
    assert found == {(error.__name__,): 3 if error.__name__ == "PoolIsFull" else 0 for error in told()}
    assert set(ERRORS) == {error.__name__ for error in told()}


@pytest.mark.parametrize(
    ("name", "counter"),
    [
        ("client_connections_total", "clients"),
        ("client_tls_failures_total", "tls_failures"),
        ("network_sent", "bytes_in"),
        ("network_received", "bytes_out"),
        ("query_count", "queries"),
        ("tx_count", "transactions"),
        ("waits_total", "waits"),
        ("wait_timeouts_total", "timeouts"),
        ("wait_cancels_total", "cancelled"),
    ],
)
def test_totals(name: str, counter: str) -> None:
    assert value(name, counters=replace(COUNTERS, **{counter: 4711})) == 4711
