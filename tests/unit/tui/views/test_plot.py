from __future__ import annotations

import pytest
from agroal_top.views.plot import curve, top_of
from hypothesis import given
from hypothesis import strategies as st

POINTS = st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=60)


@given(POINTS, st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_a_curve_fills_its_box_exactly(points: list[float | None], columns: int, rows: int, ascii: bool) -> None:
    lines = curve(points, columns, rows, top_of(points), ascii)
    assert [len(line) for line in lines] == [columns] * rows


@given(POINTS)
def test_the_scale_ends_above_the_highest_point(points: list[float | None]) -> None:
    assert all(point is None or point <= top_of(points) for point in points)


def test_the_newest_point_is_at_the_right() -> None:
    assert curve([0, 1], 4, 2, 1.0, ascii=True) == ["   *", "  * "]


def test_a_gap_is_empty_and_joins_nothing() -> None:
    assert curve([1, None, None, 0], 2, 1, 1.0) == ["⠁⢀"]


def test_a_step_is_one_line() -> None:
    assert curve([0, 1], 1, 1, 1.0) == ["⡸"]


@pytest.mark.parametrize(("highest", "top"), [(0, 1.0), (0.5, 0.6), (4, 4.5), (42, 43), (1000, 1100), (999, 1000)])
def test_the_scale_is_round(highest: float, top: float) -> None:
    assert top_of([None, highest]) == pytest.approx(top)
