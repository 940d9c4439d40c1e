from __future__ import annotations

from dataclasses import replace

import pytest
from agroal_top.model import Model
from agroal_top.tables import SCREENS, WITH_RATES, Sight, Table, Value, screen, sight

from agroal.management.snapshot import Snapshot
from tests.unit.management import sample
from tests.unit.tui.made import ScriptedSource, made, pool, slot


def seen(*pictures: Snapshot) -> Sight:
    model = Model()
    for at, picture in enumerate(pictures):
        model.feed(picture, float(at))
    return Sight(model)


def table(name: str, screen_name: str, of: Sight) -> Table:
    [found] = [table for table in screen(screen_name, of) if table.name == name]
    return found


def row(of: Table, number: int = 0) -> dict[str, Value]:
    return dict(zip(of.columns, of.rows[number], strict=True))


def test_the_screens_are_those_of_the_dashboard() -> None:
    pages = ["overview", "pools", "slots", "clients", "servers", "waits", "traffic", "security", "log", "config"]
    assert list(SCREENS) == pages
    assert set(SCREENS) > WITH_RATES


@pytest.mark.parametrize("name", SCREENS)
def test_every_row_has_a_value_for_each_column(name: str) -> None:
    source = ScriptedSource()
    model = seen(made(1, slots=(slot(),)), made(2, slots=(slot(),))).model
    for found in screen(name, sight(name, model, source)):
        assert all(len(cells) == len(found.columns) for cells in found.rows)
        assert len(found.rows) > 0 or found.name == "waiting"


def test_a_pool_has_its_rates_when_there_are_two_snapshots() -> None:
    one = seen(made(1, pools=(pool(leases=10),)))
    assert row(table("pools", "pools", one))["leases_ps"] is None
    two = seen(made(1, pools=(pool(leases=10),)), made(3, pools=(pool(leases=20, hist=(0, 5, 0, 0)),)))
    found = row(table("pools", "pools", two))
    assert (found["database"], found["enabled"], found["leases_ps"], found["p95_us"]) == ("shop", True, 5.0, 9_550)


def test_times_are_shown_as_ages() -> None:
    old = slot(since_us=1_000_500_000, born_us=900_000_000)
    found = row(table("slots", "slots", seen(made(1, slots=(old,)))))
    assert (found["for_us"], found["age_us"]) == (500_000, 101_000_000)
    failure = replace(sample.FAILED_LOGIN, last_us=1_000_000_000)
    found = row(table("failures", "security", seen(made(1, authentication_failures=(failure,)))))
    assert found["ago_us"] == 1_000_000


def test_the_overview_is_one_row_of_figures_the_pools_and_the_alerts() -> None:
    of = seen(made(1, counters={"queries": 10}), made(2, counters={"queries": 30}))
    now, pools, alerts = screen("overview", of)
    assert (now.name, pools.name, alerts.name) == ("now", "pools", "alerts")
    found = row(now)
    assert (found["status"], found["uptime_us"], found["qps"], found["active"]) == ("running", 2_000_000, 20.0, 1)
    assert found["lag_us"] is None, "nothing was measured in between"
    assert row(alerts)["kind"] == "certificate"


def test_waits_are_counted_by_duration() -> None:
    of = seen(made(1), made(2, pools=(pool(hist=(1, 2, 0, 3)),)))
    assert table("waits", "waits", of).rows == [(1_000, 1), (10_000, 2), (100_000, 0), (None, 3)]
    assert (
        row(table("waiting", "waits", seen(made(1, waiters=(replace(sample.WAITER, since_us=1_000_000_000),)))))[
            "wait_us"
        ]
        == 1_000_000
    )


def test_traffic_is_empty_before_there_are_rates() -> None:
    assert table("traffic", "traffic", seen(made(1))).rows == []
    rows = table("traffic", "traffic", seen(made(1), made(3, counters={"transactions": 50}))).rows
    assert rows[0] == ("tps", 5.0)


def test_only_log_and_config_ask_the_source() -> None:
    source = ScriptedSource()
    model = Model()
    assert [line.text for line in sight("log", model, source).log] == ["a line"]
    assert [setting.key for setting in sight("config", model, source).settings] == ["port"]
    assert sight("pools", model, source) == Sight(model)
