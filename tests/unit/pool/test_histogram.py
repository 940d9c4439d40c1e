from __future__ import annotations

import pytest

from agroal.pool.histogram import BOUNDS_US, Histogram


def test_the_bounds_rise_from_a_millisecond_to_a_minute() -> None:
    assert list(BOUNDS_US) == sorted(set(BOUNDS_US))
    assert (BOUNDS_US[0], BOUNDS_US[-1]) == (1_000, 60_000_000)


@pytest.mark.parametrize(
    ("microseconds", "bucket"),
    [
        (0, 0),
        (999, 0),
        (1_000, 0),
        (1_001, 1),
        (2_000, 1),
        (60_000_000, len(BOUNDS_US) - 1),
        (60_000_001, len(BOUNDS_US)),
        (10**12, len(BOUNDS_US)),
    ],
)
def test_a_bucket_includes_its_upper_end_and_the_last_has_none(microseconds: int, bucket: int) -> None:
    histogram = Histogram()
    histogram.add(microseconds)
    assert [index for index, count in enumerate(histogram.counts) if count] == [bucket]


def test_everything_is_counted_once() -> None:
    histogram = Histogram()
    for microseconds in range(0, 100_000, 37):
        histogram.add(microseconds)
    assert sum(histogram.counts) == len(range(0, 100_000, 37))


def test_two_histograms_share_nothing() -> None:
    one, other = Histogram(), Histogram()
    one.add(5)
    assert sum(other.counts) == 0
