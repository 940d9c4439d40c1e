from __future__ import annotations

from dataclasses import replace

from agroal.console.averages import PERIOD_US, Averages, Totals, totals
from agroal.management.snapshot import Snapshot
from tests.unit.management import sample

START = 5_000_000_000


def after(microseconds: int, queries: int) -> Snapshot:
    """The daemon so long after its start."""
    pool = replace(sample.POOL, queries=queries)
    return sample.snapshot(mono_us=START + microseconds, started_us=START, pools=(pool,))


def test_totals_of_a_database_are_those_of_its_pools() -> None:
    other = replace(sample.POOL, user="app", queries=9)
    elsewhere = replace(sample.POOL, database="billing", queries=1)
    found = totals(sample.snapshot(pools=(sample.POOL, other, elsewhere)))
    assert found["shop"].queries == 50
    assert found["billing"] == Totals(1, 40, 1, 1_200, 98_000, 11_400, 9_150, 250_000)


def test_who_asks_first_is_told_the_average_since_the_start() -> None:
    rates = Averages().rates(after(10_000_000, 50))
    assert (rates.microseconds, rates.gained["shop"].queries) == (10_000_000, 50)


def test_who_asks_often_is_told_that_of_the_last_minute_or_two() -> None:
    averages = Averages()
    spans = [averages.rates(after(second * 1_000_000, second * 7)).microseconds for second in range(0, 600, 10)]
    assert all(PERIOD_US <= span < 2 * PERIOD_US for span in spans[13:])
    rates = averages.rates(after(600_000_000, 600 * 7))
    assert rates.gained["shop"].queries * 1_000_000 // rates.microseconds == 7


def test_who_asks_rarely_is_told_that_since_the_last_time() -> None:
    averages = Averages()
    averages.rates(after(0, 0))
    averages.rates(after(3_600_000_000, 100))
    rates = averages.rates(after(7_200_000_000, 300))
    assert (rates.microseconds, rates.gained["shop"].queries) == (3_600_000_000, 200)


def test_totals_that_were_cleared_count_from_there() -> None:
    averages = Averages()
    averages.rates(after(0, 0))
    averages.rates(after(PERIOD_US, 1000))
    assert averages.rates(after(2 * PERIOD_US, 5)).gained["shop"].queries == 5


def test_there_is_no_rate_in_no_time() -> None:
    assert Totals().per_second(7, 0) == 0
