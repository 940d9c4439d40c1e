from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agroal.management.commands import status
from agroal.management.controls import Call, Role
from agroal.management.snapshot import ConfigurationState, Database
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import POOL, SERVER, SLOT, snapshot

SETTLED = ConfigurationState(None, ())


def test_status_adds_up_what_the_snapshot_holds() -> None:
    picture = snapshot(
        pools=(replace(POOL, active=3, idle=2), replace(POOL, user="batch", active=1, idle=4, oldest_wait_us=7)),
        slots=(SLOT,) * 11,
    )
    answer = asyncio.run(status.execute(Call(FakeControls(picture=picture), Role.MONITOR)))
    assert answer == status.Status(
        version="0.1.0",
        status="running",
        uptime_us=90_500_000,
        active=4,
        idle=6,
        total=11,
        max_connections=100,
        clients=2,
        waiting=1,
        oldest_wait_us=250_000,
        servers=(SERVER,),
        databases=(Database("billing", False),),
        pending_restart=("max_connections",),
    )


def test_status_of_a_pool_that_nobody_has_used() -> None:
    empty = snapshot(pools=(), slots=(), waiters=(), clients=())
    assert list(status.text(status.summary(empty)))[1:3] == [
        "connections  0 active, 0 idle, 0 of 100",
        "clients      0",
    ]


def test_status_reads() -> None:
    down = replace(SERVER, name="pg-b", role="standby", state="down", connections=0, error="connection refused")
    assert list(status.text(status.summary(snapshot(servers=(SERVER, down))))) == [
        "agroal       0.1.0, running, up 1m30s",
        "connections  1 active, 0 idle, 1 of 100",
        "clients      2, 1 waiting, the longest for 250.0 ms",
        "server       pg-a, 127.0.0.1:5432, primary, up, 1 connection",
        "server       pg-b, 127.0.0.1:5432, standby, down (connection refused), 0 connections",
        "disabled     billing",
        "restart      needed for max_connections",
    ]


@pytest.mark.parametrize(
    ("databases", "line"),
    [
        ((Database("shop", False), Database("billing", False)), "disabled     shop, billing"),
        ((Database("all", False), Database("shop", True)), "disabled     all, but not shop"),
        ((Database("shop", True, True), Database("billing", True)), "paused       shop"),
        ((Database("all", True, True), Database("billing", True)), "paused       all, but not billing"),
        ((Database("all", True, True),), "paused       all"),
    ],
)
def test_disabled_and_paused_databases_are_named(databases: tuple[Database, ...], line: str) -> None:
    assert list(status.text(status.summary(snapshot(databases=databases, configuration=SETTLED))))[-1] == line


def test_what_is_disabled_and_paused_is_named_twice() -> None:
    databases = (Database("all", False, False), Database("shop", False, True), Database("billing", True, False))
    lines = list(status.text(status.summary(snapshot(databases=databases, configuration=SETTLED))))
    assert lines[-2:] == ["disabled     all, but not billing", "paused       shop"]


def test_when_all_is_as_usual_there_is_no_line_about_it() -> None:
    calm = snapshot(databases=(Database("shop", True),), configuration=SETTLED)
    assert len(list(status.text(status.summary(calm)))) == 4
