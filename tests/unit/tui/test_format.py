from __future__ import annotations

from collections.abc import Callable

import pytest
from agroal_top.format import amount, bar, clock, duration, fitted, number, rate, sparkline
from hypothesis import given
from hypothesis import strategies as st

from agroal.management.client import width


@pytest.mark.parametrize(
    ("value", "columns", "shown"),
    [
        (None, 7, "-"),
        (0, 7, "0"),
        (0.8, 7, "0.8"),
        (31, 7, "31"),
        (512.3, 7, "512"),
        (1071, 7, "1,071"),
        (123_456, 7, "123,456"),
        (4_123_456, 7, "4.1M"),
        (123_456, 4, "123k"),
        (12_345_678_901, 4, "12G"),
        (1234, 2, "1k"),
        (1234, 1, "#"),
        (-5, 7, "-5"),
    ],
)
def test_numbers_are_as_exact_as_there_is_room(value: float | None, columns: int, shown: str) -> None:
    assert number(value, columns) == shown


def test_a_rate_has_a_decimal_while_it_is_small() -> None:
    assert [rate(value) for value in (None, 0, 31, 99.97, 512)] == ["-", "0.0", "31.0", "100", "512"]


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(None, "-"), (0, "0B"), (812, "812B"), (999.4, "999B"), (999.6, "1.0k"), (4_100_000, "4.1M"), (812e9, "812G")],
)
def test_amounts_have_a_unit(octets: float | None, shown: str) -> None:
    assert amount(octets) == shown


@pytest.mark.parametrize(
    ("microseconds", "columns", "shown"),
    [
        (None, 7, "-"),
        (0, 7, "0 ms"),
        (412, 7, "0.4 ms"),
        (2_900, 7, "2.9 ms"),
        (41_000, 7, "41 ms"),
        (812_000, 7, "812 ms"),
        (812_000, 5, "812ms"),
        (999_600, 7, "1.0 s"),
        (4_100_000, 7, "4.1 s"),
        (4_100_000, 3, "4s"),
        (59_960_000, 7, "1m00s"),
        (250_000_000, 7, "4m10s"),
        (250_000_000, 4, "4m"),
        (11_040_000_000, 7, "3h04m"),
        (273_600_000_000, 7, "3d04h"),
        (273_600_000_000, 1, "#"),
    ],
)
def test_durations_have_two_units_at_most(microseconds: float | None, columns: int, shown: str) -> None:
    assert duration(microseconds, columns) == shown


@given(st.floats(0, 1e18), st.integers(1, 12), st.sampled_from([number, rate, amount, duration]))
def test_nothing_is_wider_than_its_columns(value: float, columns: int, show: Callable[[float, int], str]) -> None:
    assert 0 < len(show(value, columns)) <= columns


@given(st.integers(0, 10**17))
def test_what_is_shown_is_within_a_twentieth_of_what_is(value: int) -> None:
    shown = number(value, 5).replace(",", "")
    scale = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
    read = float(shown.rstrip("kMGTP")) * scale.get(shown[-1], 1)
    assert read == pytest.approx(value, rel=0.051)


def test_a_clock_is_the_time_of_day() -> None:
    assert clock("2026-11-22T12:04:15.120Z") == "12:04:15"
    assert clock("") == "-"


@given(st.text(alphabet="abcß日本語👩‍🚀e\u0301"), st.integers(0, 20))
def test_what_is_fitted_fits(text: str, columns: int) -> None:
    assert width(fitted(text, columns)) <= columns
    assert width(text) > columns or fitted(text, columns) == text


def test_a_sparkline_has_a_step_for_each_value_and_a_hole_for_a_gap() -> None:
    assert sparkline([0, 1, 4, None, 8]) == "▁▂▅ █"
    assert sparkline([0, 1, 4, None, 8], ascii=True) == "_.= #"
    assert sparkline([5, 10, 20], top=10) == "▅██"
    assert sparkline([0, 0, None]) == "▁▁ "


def test_a_bar_shows_its_parts_of_the_whole() -> None:
    assert bar([49, 21], 100, 10) == "█████▓▓░░░"
    assert bar([49, 21], 100, 10, ascii=True) == "#####==..."
    assert bar([1], 100, 10) == "█░░░░░░░░░", "something is never shown as nothing"
    assert bar([0, 0], 0, 4) == "░░░░"
    assert bar([3], 0, 4) == "████"
    assert bar([300, 5], 100, 4) == "████"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=2), st.integers(0, 60), st.integers(1, 30))
def test_a_bar_is_as_long_as_it_was_asked_to_be(parts: list[float], whole: int, columns: int) -> None:
    assert len(bar(parts, whole, columns)) == columns
