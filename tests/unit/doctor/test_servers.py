from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agroal.config.choices import Pipeline, TlsMode
from agroal.doctor.check import Grade
from agroal.doctor.patient import Role
from agroal.doctor.servers import OLDEST
from tests.unit.doctor.patients import configuration, facts, patient, told


def test_a_server_that_cannot_be_reached() -> None:
    ((grade, text),) = told("reach", patient(seen={"unreachable": "Connection refused"}))
    assert grade is Grade.WRONG
    assert text == "the primary, primary at 127.0.0.1:5432: Connection refused"


@pytest.mark.parametrize(
    ("host", "tls", "version", "advice"),
    [
        ("10.0.0.1", TlsMode.PREFER, "", "not encrypted"),
        ("10.0.0.1", TlsMode.REQUIRE, "TLSv1.3", "nobody checks"),
        ("10.0.0.1", TlsMode.VERIFY_FULL, "TLSv1.3", ""),
        ("127.0.0.1", TlsMode.DISABLE, "", ""),
        ("/tmp", TlsMode.DISABLE, "", ""),
    ],
)
def test_connections_over_the_network_are_encrypted(host: str, tls: TlsMode, version: str, advice: str) -> None:
    found = told("encryption", patient(configuration(server={"host": host, "tls": tls}), seen={"tls": version}))
    assert [advice in text for _, text in found] == ([True] if advice else [])


@pytest.mark.parametrize(
    ("version", "grades"),
    [(90600, [Grade.WRONG]), (10_000 * OLDEST - 1, [Grade.ADVICE]), (10_000 * OLDEST, []), (180000, [])],
)
def test_releases(version: int, grades: list[Grade]) -> None:
    assert [grade for grade, _ in told("version", patient(seen={"facts": facts(version=version)}))] == grades


def test_a_standby_is_no_primary() -> None:
    assert told("primary", patient(seen={"facts": facts(standby=True)})) == [
        (Grade.WRONG, "primary is a standby: it only reads")
    ]


@pytest.mark.parametrize(
    ("wanted", "others", "changes", "expected"),
    [
        (97, 0, {}, []),
        (98, 0, {}, [Grade.WRONG]),
        (90, 8, {}, [Grade.ADVICE]),
        (90, 0, {"reserved_connections": "10"}, [Grade.WRONG]),
    ],
)
def test_room_for_all_connections(wanted: int, others: int, changes: dict[str, str], expected: list[Grade]) -> None:
    found = facts(connections=others, settings=changes)
    ill = patient(configuration(max_connections=wanted, limits=""), seen={"facts": found})
    assert [grade for grade, _ in told("capacity", ill)] == expected


def test_who_asks_for_secrets_needs_a_connection_too() -> None:
    ill = patient(configuration(max_connections=97, limits="", auth_query=True))
    assert [grade for grade, _ in told("capacity", ill)] == [Grade.WRONG]


def test_bounds_of_roles_and_databases() -> None:
    found = facts(roles={"web": Role("scram", limit=2)}, databases={"shop": 1})
    texts = [text for _, text in told("capacity", patient(seen={"facts": found}))]
    assert any("lets web have 2" in text for text in texts)
    assert any("lets shop have 1" in text for text in texts)


def test_databases_that_are_not_there() -> None:
    ((grade, text),) = told("databases", patient(seen={"facts": facts(databases={"postgres": -1})}))
    assert (grade, text) == (Grade.WRONG, "agroal_databases.conf:1: there is no database shop")


@pytest.mark.parametrize(
    ("limits", "settings", "expected"),
    [
        ("", {"blocking_timeout": 0.0}, "nobody waits"),
        ("shop web 10\n", {}, "take all 10 connections"),
        ("shop web 5\nall all 5\n", {}, ""),
        ("shop web 5\n", {}, ""),
    ],
)
def test_sizes(limits: str, settings: dict[str, float], expected: str) -> None:
    found = told("sizes", patient(configuration(limits=limits, **settings)))
    assert [expected in text for _, text in found] == ([True] if expected else [])


@pytest.mark.parametrize(
    ("closes", "ours", "wrong"),
    [("0", 0.0, False), ("60000", 0.0, True), ("60000", 60.0, True), ("60000", 30.0, False)],
)
def test_postgresql_does_not_close_first(closes: str, ours: float, wrong: bool) -> None:
    found = facts(settings={"idle_session_timeout": closes})
    ill = patient(configuration(idle_timeout=ours), seen={"facts": found})
    assert (Grade.WRONG in [grade for grade, _ in told("idle-timeouts", ill)]) is wrong


def test_transactions_that_are_forgotten() -> None:
    found = facts(settings={"idle_in_transaction_session_timeout": "0"})
    seen = {"facts": found}
    assert told("idle-timeouts", patient(seen=seen)) == []
    by_transaction = patient(configuration(limits="shop web 5 pipeline=transaction\n"), seen=seen)
    assert [grade for grade, _ in told("idle-timeouts", by_transaction)] == [Grade.ADVICE]


def test_a_reset_query_that_is_none() -> None:
    ill = patient(configuration(server_reset_query="DISCARD ALLES"), seen={"facts": facts(reset_error="syntax error")})
    assert told("reset-query", ill) == [(Grade.WRONG, "server_reset_query = DISCARD ALLES: syntax error")]


def test_without_a_reset_query_clients_meet_each_others_leavings() -> None:
    assert "meets the next one" in told("reset-query", patient(configuration(server_reset_query="")))[0][1]
    by_transaction = configuration(server_reset_query="", pipeline=Pipeline.TRANSACTION)
    assert told("reset-query", patient(by_transaction)) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"pipeline": Pipeline.TRANSACTION, "server_reset_query_always": True}, "forgets prepared statements"),
        ({"pipeline": Pipeline.TRANSACTION, "max_prepared_statements": 99_000}, "990000 prepared statements"),
        ({"pipeline": Pipeline.TRANSACTION}, ""),
        ({"server_reset_query_always": True}, ""),
    ],
)
def test_prepared_statements(settings: dict[str, Any], expected: str) -> None:
    found = told("statements", patient(configuration(**settings)))
    assert [expected in text for _, text in found] == ([True] if expected else [])


def test_what_is_not_the_primary_is_looked_at_as_well() -> None:
    one = patient()
    other = replace(one.servers[0], primary=False, unreachable="no", facts=None)
    both = replace(one, servers=(*one.servers, other))
    assert told("reach", both)[0][1].startswith("a server, primary at")
