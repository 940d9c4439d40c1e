from __future__ import annotations

import pytest

from agroal.pool.histogram import BOUNDS_FINE_US, BOUNDS_LONG_US, BOUNDS_US, Histogram


@pytest.mark.parametrize(
    ("bounds", "first", "last"),
    [(BOUNDS_US, 0.001, 60), (BOUNDS_FINE_US, 0.00005, 60), (BOUNDS_LONG_US, 0.001, 86_400)],
)
def test_the_bounds_rise_between_these_seconds(bounds: tuple[int, ...], first: float, last: float) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert (bounds[0] / 1e6, bounds[-1] / 1e6) == (first, last)


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


def test_it_knows_the_sum() -> None:
    histogram = Histogram(BOUNDS_FINE_US)
    for microseconds in (0, 49, 60_000_001):
        histogram.add(microseconds)
    assert histogram.sum == 60_000_050


def test_a_copy_stays_as_it_is() -> None:
    histogram = Histogram((10, 20))
    histogram.add(15)
    copy = histogram.copy()
    histogram.add(15)
    assert (copy.bounds, copy.counts, copy.sum) == ((10, 20), [0, 1, 0], 15)
