from __future__ import annotations

from dataclasses import replace

from agroal.metrics.servers import SERVERS
from tests.unit.management.sample import COUNTERS, SERVER, snapshot
from tests.unit.metrics.made import Labels, rows, seen

THREE = (
    SERVER,
    replace(SERVER, name="pg-b", role="standby", state="down", connections=0, error="no route", rtt_us=None),
    replace(SERVER, name="pg-c", role="unknown", state="unknown", connections=0, rtt_us=None),
)


def shown(name: str, primary: str = "pg-a") -> dict[Labels, object]:
    counters = replace(COUNTERS, connect_failures=6)
    return rows(SERVERS, name, seen(snapshot(servers=THREE, counters=counters), primary=primary))


def test_whether_it_is_up_is_not_guessed() -> None:
    assert shown("server_up") == {("pg-a",): 1, ("pg-b",): 0}
    assert shown("failed_servers") == {(): 1}


def test_what_is_known_of_each() -> None:
    assert shown("server_role") == {("pg-a", "primary"): 1, ("pg-b", "standby"): 1, ("pg-c", "unknown"): 1}
    assert shown("server_connections") == {("pg-a",): 1, ("pg-b",): 0, ("pg-c",): 0}
    assert shown("server_round_trip_seconds") == {("pg-a",): 0.00024}


def test_failed_connects_are_the_primarys() -> None:
    assert shown("server_error") == {("pg-a", "primary"): 6, ("pg-b", "failed"): 0, ("pg-c", "not_init"): 0}
    assert shown("server_error", primary="pg-b")["pg-b", "failed"] == 6
