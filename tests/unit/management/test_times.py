from __future__ import annotations

import pytest

from agroal.management.times import duration, microseconds, wall_time


def test_seconds_become_whole_microseconds() -> None:
    assert microseconds(0.1 + 0.2) == 300_000


def test_the_time_of_the_wall_is_rfc_3339_in_utc() -> None:
    assert wall_time(1_763_812_800.12) == "2025-11-22T12:00:00.120Z"


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (0, "0.0 ms"),
        (412, "0.4 ms"),
        (999_400, "999.4 ms"),
        (999_500, "1.0 s"),
        (12_340_000, "12.3 s"),
        (59_949_999, "59.9 s"),
        (59_950_000, "1m00s"),
        (250_000_000, "4m10s"),
        (3_599_499_999, "59m59s"),
        (3_599_500_000, "1h00m"),
        (11_040_000_000, "3h04m"),
        (86_400_000_000, "1d00h"),
        (273_600_000_000, "3d04h"),
    ],
)
def test_a_length_of_time_is_shown_in_the_unit_that_fits(length: int, shown: str) -> None:
    assert duration(length) == shown
