from __future__ import annotations

from array import array

import pytest
from agroal_top.rates import COUNTERS, PLACES, percentile, pool_rates, rates, slot_rates
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tui.made import slot

BOUNDS = (1_000, 2_000, 5_000, 10_000)
counts = st.lists(st.integers(0, 10**6), min_size=5, max_size=5)


def test_every_rate_has_its_own_counter() -> None:
    assert len(set(PLACES.values())) == len(PLACES)
    assert COUNTERS[PLACES["tps"]] == "transactions"
    assert COUNTERS[PLACES["logins"]] == "authenticated"
    assert COUNTERS[PLACES["wait_us"]] == "wait_us"


def test_a_rate_is_the_growth_of_its_counter_in_a_second() -> None:
    first, last = (array("q", range(start, start + len(COUNTERS))) for start in (0, 30))
    last[PLACES["tps"]] += 10
    found = rates(first, last, 5.0)
    assert (found.qps, found.tps) == (6.0, 8.0)


def test_a_pool_that_was_dropped_and_made_anew_has_no_rate() -> None:
    assert pool_rates(array("q", [5] * 8), array("q", [9] * 7 + [4]), 1.0) is None
    assert pool_rates(array("q", [5] * 8), array("q", [9] * 8), 2.0) is not None


def test_a_slot_that_holds_another_connection_has_no_rate() -> None:
    first = slot(queries=10)
    assert slot_rates(first, slot(queries=30), 2.0).qps == 10.0  # type: ignore[union-attr]
    assert slot_rates(first, slot(queries=30, born_us=1), 2.0) is None


@pytest.mark.parametrize(
    ("counted", "quantile", "expected"),
    [
        ((10, 0, 0, 0, 0), 50, 500),  # evenly from 0 to the first bound
        ((0, 10, 0, 0, 0), 50, 1_500),
        ((0, 10, 0, 0, 0), 100, 2_000),
        ((5, 5, 0, 0, 0), 50, 1_000),
        ((0, 0, 0, 0, 1), 50, 10_000),  # without end: all that is known is its beginning
        ((99, 0, 0, 0, 1), 99, 1_000),
        ((99, 0, 0, 0, 1), 99.5, 10_000),
        ((0, 0, 0, 0, 0), 50, None),
    ],
)
def test_a_percentile_lies_within_its_bucket(counted: tuple[int, ...], quantile: float, expected: int | None) -> None:
    assert percentile(BOUNDS, counted, quantile) == expected


@given(counts, st.floats(0, 100), st.floats(0, 100))
def test_percentiles_grow_with_the_quantile(counted: list[int], one: float, other: float) -> None:
    low, high = (percentile(BOUNDS, counted, quantile) for quantile in sorted((one, other)))
    assert (low is None) == (high is None) == (sum(counted) == 0)
    assert low is None or high is None or 0 <= low <= high <= BOUNDS[-1]


@given(counts.filter(any), st.floats(0.1, 100))
def test_a_percentile_is_in_the_bucket_where_that_share_is_reached(counted: list[int], quantile: float) -> None:
    found = percentile(BOUNDS, counted, quantile)
    assert found is not None
    values = [bucket for bucket, count in enumerate(counted) for _ in range(min(count, 1))]
    ends = (0, *BOUNDS, BOUNDS[-1])
    assert any(ends[bucket] <= found <= ends[bucket + 1] for bucket in values)
    bucket = next(b for b in range(5) if sum(counted[: b + 1]) >= quantile / 100 * sum(counted) and counted[b])
    assert ends[bucket] <= found <= ends[bucket + 1]
