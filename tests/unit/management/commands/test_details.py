from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from agroal.management.commands import details, status
from agroal.management.controls import Call, Role
from agroal.management.layout import width
from agroal.management.snapshot import Pool, Snapshot
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import CLIENT, POOL, SLOT, snapshot


def sections(picture: Snapshot) -> dict[str, list[str]]:
    """The lines of each section, by its title."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in list(details.text_details(picture))[len(list(status.text(status.summary(picture)))) :]:
        if line.startswith("  "):
            found[title].append(line[2:])
        elif line:
            title = line
            found[title] = []
    return found


def test_details_are_the_snapshot() -> None:
    assert asyncio.run(details.execute(Call(FakeControls(), Role.MONITOR))) == snapshot()


def test_details_begin_with_the_status() -> None:
    short = list(status.text(status.summary(snapshot())))
    assert list(details.text_details(snapshot()))[: len(short)] == short


def test_details_read() -> None:
    idle = replace(SLOT, id=1, state="free", application_name="", client="", server_pid=0, bytes_in=0, bytes_out=0)
    assert sections(snapshot(slots=(SLOT, idle))) == {
        "pools": [
            "database  user  limit                    max/initial/min  active  idle  other  waiting  longest   state",
            "shop      web   agroal_databases.conf:3  1/0/0                 1     0      0        1  250.0 ms  enabled",
        ],
        "slots": [
            "slot  state   for    database  user  application  client          server    pid  age    queries  trans"
            "  bytes",
            "   0  in-use  2.0 s  shop      web   psql         10.0.3.7:51422  pg-a    48213  1m00s       41     40"
            "  99 kB",
            "   1  free    2.0 s  shop      web   -            -               pg-a        -  1m00s       41     40"
            "  0 B",
        ],
        "clients": [
            "client  state    for       user  database  address         application  slot",
            "     7  active   2.0 s     web   shop      10.0.3.7:51422  psql            0",
            "     8  waiting  250.0 ms  web   shop      10.0.3.8:40110  -               -",
        ],
        "queue": [
            "client  database  user  position  for       because of",
            "     8  shop      web          1  250.0 ms  limit",
        ],
        "hand-overs": ["8123 servers proved clean, refused: 2 × batch_open"],
        "left behind by clients of the transaction pipeline": [
            "what    user  application  times",
            "listen  web   jobs             1",
        ],
    }


def test_details_of_usual_names_fit_120_columns() -> None:
    busy = snapshot(slots=(replace(SLOT, queries=1_234_567, transactions=987_654, bytes_out=10**12),))
    assert max(map(width, details.text_details(busy))) <= 120


@pytest.mark.parametrize(
    ("pool", "lines"),
    [
        (replace(POOL, enabled=False), ["disabled"]),
        (replace(POOL, paused=True), ["paused"]),
        (
            replace(POOL, failures=3, error="password authentication failed for user “web”"),
            ["failing", "shop/web: password authentication failed for user “web” (3 failed connects in a row)"],
        ),
        (replace(POOL, failures=1), ["failing", "shop/web: connects fail (1 failed connect in a row)"]),
        (replace(POOL, error="connection refused"), ["enabled", "shop/web: connection refused"]),
    ],
)
def test_what_is_wrong_with_a_pool_is_said(pool: Pool, lines: list[str]) -> None:
    row, *trouble = sections(snapshot(pools=(pool,)))["pools"][1:]
    assert [row.split()[-1], *trouble] == lines


def test_details_of_an_empty_daemon_are_heads() -> None:
    found = sections(snapshot(pools=(), slots=(), clients=(), waiters=(), verified=0, refused=(), pins=()))
    assert {title: len(lines) for title, lines in found.items()} == {"pools": 1, "slots": 1, "clients": 1}


def test_no_waiting_is_shown_as_nothing() -> None:
    calm = snapshot(pools=(replace(POOL, waiting=0, oldest_wait_us=0),), clients=(CLIENT,), waiters=())
    assert sections(calm)["pools"][1].endswith("0  -        enabled")


def test_a_snapshot_reads_as_its_document() -> None:
    document = json.loads("\n".join(details.text_snapshot(snapshot())))
    assert Snapshot.from_json(document) == snapshot()
