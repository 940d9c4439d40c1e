from __future__ import annotations

from dataclasses import replace

import pytest

from agroal.console.pools import POOLS, client_state, server_state
from tests.unit.console.sitting import table, view
from tests.unit.management import sample


def test_a_pool_counts_its_clients_and_servers() -> None:
    [row] = table(POOLS, view())
    assert (row["database"], row["user"], row["pool_mode"]) == ("shop", "web", "transaction")
    assert (row["cl_active"], row["cl_waiting"]) == (1, 1)
    assert (row["sv_active"], row["sv_idle"], row["sv_tested"], row["sv_login"]) == (1, 0, 0, 0)
    assert (row["maxwait"], row["maxwait_us"]) == (0, 250_000)


def test_clients_of_an_alias_are_clients_of_the_pool() -> None:
    idle = replace(sample.CLIENT, id=9, state="idle", database="store", slot=None)
    [row] = table(POOLS, view(clients=(sample.CLIENT, idle)))
    assert row["cl_active"] == 2


def test_the_longest_wait_is_split_into_seconds_and_the_rest() -> None:
    [row] = table(POOLS, view(pools=(replace(sample.POOL, oldest_wait_us=62_000_007),)))
    assert (row["maxwait"], row["maxwait_us"]) == (62, 7)


@pytest.mark.parametrize(
    ("state", "client", "word"),
    [
        ("init", "", "new"),
        ("free", "", "idle"),
        ("in-use", "10.0.3.7:1", "active"),
        ("gracefully", "10.0.3.7:1", "active"),
        ("in-use", "", "tested"),
        ("validation", "", "tested"),
        ("flush", "", "tested"),
        ("idle-check", "", "tested"),
    ],
)
def test_a_server_is_what_pgbouncer_would_call_it(state: str, client: str, word: str) -> None:
    assert server_state(replace(sample.SLOT, state=state, client=client)) == word


@pytest.mark.parametrize(
    ("state", "word"),
    [("auth", "login"), ("waiting", "waiting"), ("active", "active"), ("idle", "idle"), ("closing", "idle")],
)
def test_a_client_is_what_pgbouncer_would_call_it(state: str, word: str) -> None:
    assert client_state(replace(sample.CLIENT, state=state)) == word
