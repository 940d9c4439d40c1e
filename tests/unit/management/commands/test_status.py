from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from agroal.management.commands import status
from agroal.management.controls import Call, Role
from agroal.management.snapshot import Snapshot
from tests.unit.management.fake import CLIENT, POOL, SERVER, SLOT, FakeControls, snapshot


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
    ]


def test_details_are_the_snapshot() -> None:
    assert asyncio.run(status.execute_details(Call(FakeControls(), Role.MONITOR))) == snapshot()


def test_details_read() -> None:
    idle = replace(SLOT, id=1, state="free", application_name="", client="", server_pid=0)
    assert list(status.text_details(snapshot(slots=(SLOT, idle))))[5:] == [
        "pools",
        "  database  user  limit                    max  initial  min  active  idle  other  waiting  oldest wait",
        "  shop      web   agroal_databases.conf:3    1        0    0       1     0      0        1  250.0 ms",
        "",
        "slots",
        "  slot  state   for    database  user  application  client          server    pid  age    queries",
        "     0  in-use  2.0 s  shop      web   psql         10.0.3.7:51422  pg-a    48213  1m00s       41",
        "     1  free    2.0 s  shop      web   -            -               pg-a        -  1m00s       41",
        "",
        "clients",
        "  client  state    for       user  database  address         application  slot",
        "       7  active   2.0 s     web   shop      10.0.3.7:51422  psql            0",
        "       8  waiting  250.0 ms  web   shop      10.0.3.8:40110  -               -",
    ]


def test_details_of_an_empty_daemon_are_heads() -> None:
    lines = list(status.text_details(snapshot(pools=(), slots=(), clients=(), waiters=())))
    assert [line for line in lines if not line.startswith(" ")][-5:] == ["pools", "", "slots", "", "clients"]


def test_no_waiting_is_shown_as_nothing() -> None:
    calm = snapshot(pools=(replace(POOL, waiting=0, oldest_wait_us=0),), clients=(CLIENT,), waiters=())
    lines = list(status.text_details(calm))
    assert next(line for line in lines if "agroal_databases.conf" in line).endswith("0  -")


def test_a_snapshot_reads_as_its_document() -> None:
    document = json.loads("\n".join(status.text_snapshot(snapshot())))
    assert Snapshot.from_json(document) == snapshot()
