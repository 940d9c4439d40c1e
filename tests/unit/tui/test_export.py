from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from agroal_top.export import FORMATS, exported
from agroal_top.model import Model
from agroal_top.tables import SCREENS, Sight, sight
from hypothesis import given
from hypothesis import strategies as st

from agroal.management.snapshot import Snapshot
from tests.unit.tui.made import ScriptedSource, made, pool, slot


def seen(*pictures: Snapshot) -> Sight:
    model = Model()
    for at, picture in enumerate(pictures):
        model.feed(picture, float(at))
    return Sight(model)


POOLS = seen(
    made(1, pools=(pool(leases=10), pool("billing", enabled=False))),
    made(3, pools=(pool(leases=2010, waiting=2, oldest_wait_us=4_100_000), pool("billing", enabled=False))),
)


def test_text_is_for_people() -> None:
    heads, first, second = exported("pools", POOLS, "text").splitlines()
    assert heads.split()[:9] == ["database", "user", "enabled", "active", "idle", "other", "waiting", "oldest", "wait"]
    assert first.split()[:2] == ["shop", "web"]
    assert "4.1 s" in first
    assert " 1,000 " in first
    assert " no " in second
    end = heads.index("oldest wait") + len("oldest wait")
    assert first[:end].endswith("4.1 s"), "what is compared stands to the right"


def test_the_overview_is_read_downwards() -> None:
    text = exported("overview", POOLS, "text")
    figures, pools, alerts = text.split("\n\n")
    assert "status           running" in figures
    assert "uptime           3.0 s" in figures
    assert "lag              -" in figures
    assert pools.startswith("database")
    assert "shop/web: 2 waiting, the first for 4.1 s" in alerts


def test_tables_without_rows_are_left_out_of_text() -> None:
    assert exported("slots", seen(made(1)), "text") == ""
    assert not exported("waits", seen(made(1), made(2)), "text").startswith("\n")


def test_csv_has_plain_values() -> None:
    first, second = csv.DictReader(StringIO(exported("pools", POOLS, "csv")))
    assert (first["oldest_wait_us"], first["leases_ps"], first["enabled"]) == ("4100000", "1000.0", "true")
    assert (second["enabled"], second["p95_us"], second["error"]) == ("false", "", "")


def test_csv_of_several_tables_has_an_empty_line_between_them() -> None:
    tables = exported("security", seen(made(1)), "csv").split("\n\n")
    assert [table.splitlines()[0].split(",")[0] for table in tables] == ["ago_us", "file"]


def test_json_says_of_whom_and_when() -> None:
    line = exported("pools", POOLS, "json")
    assert line.count("\n") == 1
    document = json.loads(line)
    assert document["screen"] == "pools"
    assert document["instance_id"] == "one"
    assert document["degraded"] is True
    assert document["pools"][0]["oldest_wait_us"] == 4_100_000
    assert "snapshot" not in document


def test_json_may_have_the_whole_snapshot() -> None:
    document = json.loads(exported("overview", POOLS, "json", whole=True))
    assert Snapshot.from_json(document["snapshot"]) == POOLS.model.latest
    assert [alert["kind"] for alert in document["alerts"]] == ["waiting", "certificate", "pending-restart"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_has_every_format(name: str, format: str) -> None:
    model = seen(made(1, slots=(slot(),)), made(2, slots=(slot(),))).model
    text = exported(name, sight(name, model, ScriptedSource()), format)
    assert text.endswith("\n")
    if format == "json":
        assert json.loads(text)["screen"] == name


@given(st.text(max_size=80))
def test_whatever_a_client_calls_itself_csv_gives_it_back(text: str) -> None:
    picture = Snapshot.from_json(made(1, slots=(slot(application_name=text),)).to_json())
    [row] = csv.DictReader(StringIO(exported("slots", seen(picture), "csv"), newline=""))
    assert row["application_name"] == picture.slots[0].application_name
    lines = exported("slots", seen(picture), "text").splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() or "\u200d" in line for line in lines)
