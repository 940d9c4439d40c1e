from __future__ import annotations

import pytest

from agroal.importing.findings import Outcome
from tests.unit.importing.bringing import Bringer


def test_each_key_of_a_connection_string_is_told(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=10.0.0.5 connect_query='set x' timezone=UTC frobnicate=1")
    (query,) = brought.said("connect_query")
    assert query.outcome is Outcome.WITHOUT
    assert "ALTER DATABASE" in query.says
    assert brought.said("timezone")
    assert brought.human("frobnicate", "no such key")


def test_a_password_is_told_to_nobody(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=10.0.0.5 user=app password=hidden-secret\nbad = password='hidden-secret")
    assert not brought.said("hidden-secret")
    texts = [path.read_text() for path in brought.directory.iterdir()]
    assert not any("hidden-secret" in text for text in texts)


def test_without_a_host_the_server_is_where_pgbouncer_has_its_sockets(bring: Bringer) -> None:
    server = bring.bouncer("shop =").configuration.primary
    assert (server.host, server.port) == (str(bring.folder), 5432)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bad = host=@abstract", "abstract Unix sockets"),
        ("bad = host", "expected key=value"),
        ("all = host=10.0.0.5", "every database"),
        ("bad = host=10.0.0.5 dbname=all", "every database"),
        ("* = host=10.0.0.5 dbname=one", "every name for one database"),
    ],
)
def test_a_database_that_agroal_cannot_serve_is_left_out_and_told(bring: Bringer, line: str, why: str) -> None:
    brought = bring.bouncer(f"shop = host=10.0.0.5\n{line}")
    assert brought.human(why, "left out")
    assert {limit.database for limit in brought.configuration.limits} == {"shop"}


def test_of_several_hosts_the_first_is_used_and_the_others_are_told(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=10.0.0.5,10.0.0.6 load_balance_hosts=disable")
    assert brought.configuration.primary.host == "10.0.0.5"
    assert brought.human("10.0.0.6 are not")


@pytest.mark.parametrize(("key", "value"), [("port", "0"), ("port", "x"), ("pool_size", "-1"), ("pool_mode", "turbo")])
def test_a_value_that_is_none_is_left_out_and_told(bring: Bringer, key: str, value: str) -> None:
    brought = bring.bouncer(f"shop = host=10.0.0.5 {key}={value}")
    assert brought.human(f"{key}={value}", "expected")
    assert brought.configuration.primary.port == 5432


def test_settings_of_users_are_told(bring: Bringer) -> None:
    brought = bring.bouncer("shop = host=10.0.0.5", users="ann = query_timeout=3 pool_mode=session\nbob = nonsense")
    assert brought.said("user 'ann': query_timeout=3", "statement_timeout")
    assert brought.human("user 'bob'", "left out")
