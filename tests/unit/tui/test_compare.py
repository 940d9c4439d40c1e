from __future__ import annotations

from dataclasses import replace

from agroal_top.compare import GAUGES, cleared, gauges, rewound

from agroal.management.snapshot import Loop
from tests.unit.management import sample
from tests.unit.tui.made import made, pool


def test_an_earlier_snapshot_is_a_rewound_recording() -> None:
    assert rewound(made(10), made(9))
    assert not rewound(made(10), made(10))


def test_another_daemon_is_rewound_to_when_the_wall_says_so() -> None:
    assert rewound(made(0, instance="two", started=2_000), made(10))
    assert not rewound(made(10), made(0, instance="two", started=2_000))
    assert not rewound(made(900), replace(made(0, instance="two", started=5), wall="2027-01-01T00:00:00.000Z"))


def test_totals_that_went_back_were_cleared() -> None:
    assert cleared(made(1, counters={"queries": 50}), made(2, counters={"queries": 49}))
    assert not cleared(made(1, counters={"queries": 50}), made(2, counters={"queries": 50}))


def test_other_buckets_can_not_be_subtracted() -> None:
    assert cleared(made(1), made(2, bounds_us=(1, 2)))


def test_gauges_are_sums_over_the_pools() -> None:
    pools = (pool(active=3, idle=2, other=1, waiting=1, oldest_wait_us=900), pool("b", active=4, oldest_wait_us=7))
    found = dict(zip(GAUGES, gauges(None, made(1, pools=pools)), strict=True))
    assert found == {
        "active": 7,
        "idle": 2 + sample.POOL.idle,
        "other": 1 + sample.POOL.other,
        "waiting": 1,
        "clients": 2,
        "oldest_wait_us": 900,
        "lag_us": -1,
    }


def test_the_lag_is_the_worst_since_the_snapshot_before() -> None:
    before = made(1, lag=(90, 0, 3, 0))
    lags = [(91, 0, 3, 0), (91, 1, 3, 0), (90, 0, 3, 1), (90, 0, 3, 0)]
    found = [gauges(before, replace(made(2), loop=Loop(lag, 6)))[GAUGES.index("lag_us")] for lag in lags]
    assert found == [1_000, 10_000, 100_000, -1], "of the bucket without end only its beginning is known"
