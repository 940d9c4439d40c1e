from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
from agroal_top.model import EVENTS_KEPT, SERIES, Model
from hypothesis import given
from hypothesis import strategies as st

from agroal.management.snapshot import Snapshot
from tests.unit.management import sample
from tests.unit.tui.made import event, made, pool, slot


def fed(*snapshots: Snapshot, window: float = 60.0) -> Model:
    model = Model(window=window)
    for number, snapshot in enumerate(snapshots):
        model.feed(snapshot, 500.0 + number)
    return model


def queries(seconds: float, count: int, **more: object) -> Snapshot:
    return made(seconds, counters={"queries": count}, **more)  # type: ignore[arg-type]


# Rates


def test_before_two_snapshots_there_are_no_rates() -> None:
    for model in (Model(), fed(queries(1, 100))):
        assert model.rates() is None
        assert model.pool_rates("shop", "web") is None
        assert model.slot_rates(0) is None
        assert model.percentiles() == (None, None, None)
    assert Model().gauges["active"] is None
    assert Model().series("qps", 3) == [None] * 3


def test_a_rate_is_taken_over_the_window_on_the_daemons_clock() -> None:
    model = fed(*(queries(at, at * at) for at in range(100)), window=10)
    rates = model.rates()
    assert rates
    assert rates.qps == (99**2 - 89**2) / 10


def test_a_late_snapshot_changes_no_rate() -> None:
    model = Model()
    for at, arrived in ((1, 1.0), (2, 9.0), (4, 9.1)):
        model.feed(queries(at, at * 50), arrived)
    assert model.rates().qps == 50.0  # type: ignore[union-attr]


def test_totals_that_were_cleared_make_no_negative_rate() -> None:
    model = fed(queries(1, 1000), queries(2, 1100), queries(3, 5))
    assert model.rates() is None, "it begins anew"
    assert model.restarts == 0
    model.feed(queries(4, 25), 504)
    assert model.rates().qps == 20.0  # type: ignore[union-attr]
    assert model.series("qps", 60)[-3:] == [100.0, None, 20.0]
    assert model.series("active", 60)[-3:] == [1, 1, 1], "what is true now has no gap"


def test_a_restart_is_noticed_and_leaves_a_gap() -> None:
    model = fed(
        queries(100, 1000), queries(101, 1100), queries(0, 7, instance="two", started=1103),
        queries(1, 17, instance="two", started=1103),
    )  # fmt: skip
    assert model.restarts == 1
    assert model.instance_id == "two"
    assert model.rates().qps == 10.0  # type: ignore[union-attr]
    assert model.series("qps", 60)[-4:] == [100.0, 100.0, None, 10.0]
    assert model.series("active", 60)[-4:] == [1, 1, None, 1]


def test_a_clock_that_begins_anew_with_the_computer_goes_on_in_the_charts() -> None:
    model = fed(queries(900, 10), queries(901, 20))
    reborn = [replace(queries(at, at * 5, instance="two", started=3), wall="2027") for at in (1, 2)]
    model.feed(reborn[0], 511)
    model.feed(reborn[1], 512)
    assert model.rates().qps == 5.0  # type: ignore[union-attr]
    chart = model.series("qps", 60)
    assert chart[-1] == 5.0
    assert chart[-12] == 10.0
    assert chart[-8:-1] == [None] * 7


def test_a_recording_that_is_rewound_begins_anew() -> None:
    model = fed(queries(10, 100), queries(11, 200))
    model.feed_events([event(1)])
    model.feed(queries(5, 50), 502)
    assert (model.rates(), model.restarts, list(model.events)) == (None, 0, [])
    model.feed(queries(6, 53), 503)
    assert model.rates().qps == 3.0  # type: ignore[union-attr]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1000), st.integers(1, 5)), min_size=2, max_size=40))
def test_no_rate_is_ever_negative(history: list[tuple[bool, int, int]]) -> None:
    """Whatever is cleared or restarted in between."""
    model, at, total, life = Model(), 0.0, 0, 0
    for restarted, grown, seconds in history:
        at += seconds
        life += restarted
        total = grown if restarted else (total + grown if grown % 7 else 0)
        hist = (total, 0, 0, total // 2)
        picture = made(0, counters={"queries": total}, instance=str(life), started=at, pools=(pool(hist=hist),))
        model.feed(replace(picture, started_us=0), at)
        rates = model.rates()
        assert rates is None or rates.qps >= 0
        assert all(value is None or value >= 0 for name in ("qps", "p95") for value in model.series(name, 30))
        assert all(value is None or value >= 0 for value in (*model.percentiles(), *model.percentiles(("shop", "web"))))
        assert all(count >= 0 for count in (*model.waits(), *model.waits(("shop", "web"))))


@given(st.lists(st.integers(0, 500), min_size=3, max_size=60))
def test_a_chart_adds_up_to_what_was_counted(growth: list[int]) -> None:
    totals = list(accumulate(growth))
    model = fed(*(queries(at, total) for at, total in enumerate(totals)))
    chart = model.series("qps", 60)[-len(growth) + 1 :]
    assert sum(value for value in chart if value is not None) == pytest.approx(totals[-1] - totals[0])


def test_snapshots_less_than_a_second_apart_have_rates_at_once() -> None:
    model = fed(queries(1.1, 0), queries(1.3, 20))
    assert model.rates().qps == pytest.approx(100)  # type: ignore[union-attr]
    for step in range(1, 40):
        model.feed(queries(1.3 + step / 5, 20 + 20 * step), 502 + step / 5)
    assert model.rates().qps == pytest.approx(100)  # type: ignore[union-attr]
    assert model.series("qps", 60)[-8:] == pytest.approx([100] * 8)


# Pools and slots


def test_a_pool_has_its_own_rates() -> None:
    model = fed(
        made(1, pools=(pool(leases=10, waits=2, wait_us=50), pool("b", leases=5))),
        made(3, pools=(pool(leases=30, waits=4, wait_us=1050), pool("b", leases=5))),
    )
    rates = model.pool_rates("shop", "web")
    assert rates
    assert (rates.leases, rates.waits, rates.wait_us) == (10.0, 1.0, 500.0)
    assert model.pool_rates("b", "web").leases == 0.0  # type: ignore[union-attr]
    assert model.pool_rates("no", "body") is None


def test_what_the_slots_of_a_pool_do_is_what_the_pool_does() -> None:
    model = fed(
        made(1, slots=(slot(0, queries=1000, transactions=100), slot(1, queries=50))),
        made(2, slots=(slot(0, queries=1010, transactions=105), slot(1, queries=4, born_us=7))),
        made(3, slots=(slot(0, queries=1020, transactions=110), slot(2, queries=6))),
    )
    rates = model.pool_rates("shop", "web")
    assert rates
    assert rates.qps == (10 + 4 + 10 + 6) / 2, "a connection that is new began at 0, one that was there did not"
    assert model.slot_rates(0).qps == 10.0  # type: ignore[union-attr]
    assert model.slot_rates(2) is None, "it was not there before"


def test_a_pool_that_comes_back_does_not_count_backwards() -> None:
    many, few = pool(hist=(0, 9, 0, 0), leases=90), pool(hist=(0, 2, 0, 0), leases=2)
    model = fed(made(1, pools=(many,)), made(2, pools=()), made(3, pools=(few,)))
    assert model.pool_rates("shop", "web") is None
    assert list(model.waits(("shop", "web"))) == [0, 2, 0, 0]
    assert list(model.waits()) == [0, 2, 0, 0]


# Waits


def test_percentiles_are_of_the_waits_that_ended_in_the_window() -> None:
    early, late = pool(hist=(1000, 0, 0, 0)), pool(hist=(1000, 10, 0, 0))
    model = fed(made(1, pools=(early, pool("b"))), made(2, pools=(late, pool("b", hist=(30, 0, 0, 0)))))
    assert model.percentiles(("shop", "web"), (50, 100)) == (5_500, 10_000)
    assert model.percentiles(("b", "web"), (100,)) == (1_000,)
    assert model.percentiles(None, (75, 100)) == (1_000, 10_000)
    assert model.percentiles(("no", "body")) == (None, None, None)


def test_percentiles_have_charts() -> None:
    model = fed(*(made(at, pools=(pool(hist=(0, at // 2, 0, 0)),)) for at in range(5)))
    assert model.series("p50", 60)[-4:] == [None, 5_500, None, 5_500]


# Charts


def test_every_series_has_as_many_points_as_asked() -> None:
    model = fed(*(made(at) for at in range(5)))
    for name in SERIES:
        assert len(model.series(name, 17)) == 17
    with pytest.raises(KeyError):
        model.series("temperature", 17)


def test_a_gauge_shows_its_peak() -> None:
    model = fed(*(made(at, pools=(pool(active=at % 4),)) for at in range(9)), window=8)
    assert model.series("active", 2) == [3, 3]


def test_time_without_snapshots_is_a_gap() -> None:
    model = fed(*(queries(at, at * 10) for at in [*range(10), *range(30, 40)]))
    chart = model.series("qps", 60)[-39:]
    assert chart[:9] == [10.0] * 9
    assert chart[12:30] == [None] * 18
    assert chart[30:] == [10.0] * 9


# The connection


def test_it_is_live_when_something_came_and_stale_when_nothing_comes() -> None:
    model = Model(interval=2.0)
    assert model.state == "connecting"
    model.feed(made(90), 500)
    assert (model.state, model.started, model.uptime_us) == ("live", 410.0, 90_000_000)
    model.tick(506)
    assert model.state == "live"
    model.tick(506.1)
    assert model.state == "stale"
    model.feed(made(97), 507)
    assert model.state == "live"


def test_what_was_seen_stays_while_the_daemon_is_lost() -> None:
    model = fed(queries(1, 10), queries(2, 30))
    model.lost("agroal hung up", 503, 503.5)
    model.tick(999)
    assert (model.state, model.cause, model.retry_at, model.retries) == ("lost", "agroal hung up", 503.5, 1)
    assert model.latest
    assert model.rates().qps == 20.0  # type: ignore[union-attr]
    model.connecting(503.5)
    assert (model.state, model.cause, model.retry_at) == ("connecting", "agroal hung up", None)
    model.lost("nobody listens", 503.6, None)
    assert model.retries == 2
    model.feed(queries(6, 110), 505)
    assert (model.state, model.cause, model.retries) == ("live", "", 0)
    assert model.rates().qps == 20.0, "the same daemon went on counting"  # type: ignore[union-attr]


def test_the_last_thousand_events_are_kept() -> None:
    model = Model()
    model.feed_events([event(seq) for seq in range(1, EVENTS_KEPT + 6)])
    assert (len(model.events), model.events[0].seq, model.events[-1].seq) == (1000, 6, 1005)


def test_errors_of_the_log_alert_while_they_are_in_the_window() -> None:
    def errors(at: float, count: int) -> Snapshot:
        return made(at, counters={"log_errors": count})

    model = fed(errors(1, 5), errors(2, 5), window=10)

    def told() -> list[str]:
        return [alert.text for alert in model.alerts if alert.kind == "log-errors"]

    assert told() == []
    model.feed(errors(3, 7), 503)
    assert told() == ["2 lines of errors in the log lately"]
    for at in range(4, 20):
        model.feed(errors(at, 7), 500 + at)
    assert told() == []


def test_it_is_degraded_while_a_server_is_down() -> None:
    down = (replace(sample.SERVER, state="down"),)
    assert fed(made(1, servers=down)).degraded
    assert not fed(made(1, servers=down), made(2)).degraded


def test_a_pool_has_curves_of_its_own() -> None:
    model = Model(window=10)
    for at in range(11):
        work = slot(0, database="shop", user="web", queries=10 * at)
        model.feed(made(at, slots=(work,), pools=(pool(active=at % 3, waiting=at % 2),)), at)
    series = model.pool_series(("shop", "web"), 10)
    assert series.qps[-5:] == [10.0] * 5
    assert series.active[-3:] == [8 % 3, 9 % 3, 10 % 3]
    assert series.waiting[-3:] == [0, 1, 0]
    assert set(model.pool_series(("no", "body"), 10).qps) == {None}


def test_a_restart_is_a_gap_in_the_curves_of_a_pool() -> None:
    model = Model(window=10)
    for at in range(5):
        model.feed(made(at), at)
    for at in range(5, 10):
        model.feed(made(at, instance="two"), at)
    qps = model.pool_series(("shop", "web"), 10).qps
    assert None in qps[-6:-3]
    assert qps[-1] == 0.0
