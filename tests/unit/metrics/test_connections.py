from __future__ import annotations

from dataclasses import replace

import pytest

from agroal.management.snapshot import Count, Pin
from agroal.metrics.connections import CONNECTIONS
from agroal.pipeline.evidence import Trace
from agroal.pipeline.ledger import Dirt
from agroal.pool.effects import CloseReason
from tests.unit.management.sample import COUNTERS, SLOT, snapshot
from tests.unit.metrics.made import Labels, rows, seen

CLOSES = tuple(Count(reason.name.lower(), 2**n) for n, reason in enumerate(CloseReason))
TIMES = {reason: 2**n for n, reason in enumerate(CloseReason)}
SLOTS = (
    SLOT,
    replace(SLOT, id=1, state="gracefully", tls="TLSv1.3"),
    replace(SLOT, id=2, state="free", application_name="", client=""),
    replace(SLOT, id=3, state="init", server="", application_name=""),
)


def shown(name: str, **changes: object) -> dict[Labels, object]:
    return rows(CONNECTIONS, name, seen(snapshot(**changes)))


def value(name: str, **changes: object) -> object:
    return shown(name, **changes)[()]


def test_how_many_there_are() -> None:
    assert value("active_connections", slots=SLOTS) == 2
    assert value("total_connections", slots=SLOTS) == 4
    assert value("max_connections", max_connections=70) == 70
    assert value("self_sockets", slots=SLOTS) == 3
    assert shown("server_tls", slots=SLOTS) == {("none",): 2, ("TLSv1.3",): 1}


def test_each_slot_with_who_has_it_in_pgagroals_words() -> None:
    assert shown("connection", slots=SLOTS) == {
        ("0", "web", "shop", "psql", "in_use"): 1,
        ("1", "web", "shop", "psql", "gracefully"): 1,
        ("2", "web", "shop", "", "free"): 0,
        ("3", "web", "shop", "", "init"): 0,
    }
    assert shown("connection_query_count", slots=SLOTS[:1]) == {("0", "web", "shop", "psql"): 41}


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("connection_invalid", {CloseReason.INVALID}),
        ("connection_idletimeout", {CloseReason.IDLE}),
        ("connection_max_connection_age", {CloseReason.TOO_OLD}),
        ("connection_flush", {CloseReason.FLUSHED}),
        (
            "connection_remove",
            {
                CloseReason.DIRTY,
                CloseReason.RESET_FAILED,
                CloseReason.SPOKE_WHILE_IDLE,
                CloseReason.PASS_THROUGH,
                CloseReason.ABANDONED,
            },
        ),
    ],
)
def test_why_they_end_in_pgagroals_words(name: str, reasons: set[CloseReason]) -> None:
    assert value(name, closes=CLOSES) == sum(TIMES[reason] for reason in reasons)


def test_why_they_end() -> None:
    assert shown("connection_closes_total", closes=CLOSES) == {
        (reason.name.lower(),): count for reason, count in TIMES.items()
    }


def test_hand_overs_that_were_proved_and_those_that_were_not_by_reason() -> None:
    refused = (Count("batch_open", 2), Count("lost", 3))
    assert value("handovers_verified_total", verified=50) == 50
    found = shown("handovers_refused_total", refused=refused)
    assert found == {(dirt.name.lower(),): {"BATCH_OPEN": 2, "LOST": 3}.get(dirt.name, 0) for dirt in Dirt}
    assert value("connection_return", verified=50, refused=refused) == 55


def test_pins_by_reason_whoever_it_was() -> None:
    pins = (Pin("listen", "web", "a", 2), Pin("listen", "eve", "b", 3), Pin("lock", "web", "a", 1))
    found = shown("pins_total", pins=pins)
    assert found == {(trace.name.lower(),): {"LISTEN": 5, "LOCK": 1}.get(trace.name, 0) for trace in Trace}


@pytest.mark.parametrize(
    ("name", "counter"),
    [
        ("connection_get", "leases"),
        ("connection_success", "connects"),
        ("connection_error", "connect_failures"),
        ("connection_timeout", "timeouts"),
        ("connection_kill", "disconnects"),
        ("validations_total", "validations"),
        ("declined_leases_total", "declined"),
    ],
)
def test_totals(name: str, counter: str) -> None:
    assert value(name, counters=replace(COUNTERS, **{counter: 4711})) == 4711
