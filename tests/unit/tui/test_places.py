from __future__ import annotations

import pytest
from agroal_top.places import BadPlace, place_of

WALLS = ["2026-11-22T23:59:58.000Z", "2026-11-22T23:59:59.000Z", "2026-11-23T00:00:00.500Z", "2026-11-23T00:10:00.000Z"]
TIMES = [0.0, 1.0, 2.5, 602.0]


@pytest.mark.parametrize(
    ("text", "at", "position"),
    [
        ("23:59:59", 0, 1.0),
        ("23:59", 0, 0.0),
        ("00:05", 3, 2.5),
        ("0:10", 3, 602.0),
        ("2026-11-23 00:10:00", 0, 602.0),
        ("2026-11-23T00:00:01", 0, 2.5),
        ("2026-11-20 12:00", 2, 0.0),
        ("+30", 1, 31.0),
        ("-1s", 2, 1.5),
        ("+5m", 0, 300.0),
        ("-1h", 3, 602.0 - 3600),
        ("50%", 0, 301.0),
        ("300%", 0, 602.0),
        (" 100% ", 0, 602.0),
    ],
)
def test_a_place_is_said_by_time_by_distance_or_by_share(text: str, at: int, position: float) -> None:
    assert place_of(text, WALLS, TIMES, at) == position


@pytest.mark.parametrize("text", ["", "noon", "25:00", "12:60", "12", "+", "%", "12:04:61", "2026-11-22"])
def test_anything_else_is_an_error_that_shows_what_would_do(text: str) -> None:
    with pytest.raises(BadPlace, match="12:04"):
        place_of(text, WALLS, TIMES, 0)
