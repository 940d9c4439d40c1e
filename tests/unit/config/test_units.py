from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("30s", 30.0),
        ("30S", 30.0),
        ("250ms", 0.25),
        ("250 Ms", 0.25),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("1d", 86_400.0),
        ("1W", 604_800.0),
        ("5\tm", 300.0),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert units.duration(text) == seconds


def test_a_bare_number_counts_the_unit_of_the_key() -> None:
    assert units.duration("250", "ms") == 0.25
    assert units.duration("1s", "ms") == 1.0


@pytest.mark.parametrize(
    "text", ["", "s", "-1", "1.5s", "1x", "1ss", "1s 2m", "1\nm", "٣", "1ſ", "1" * 19, "1e3", " 1"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a duration such as 500ms, 30s, 5m.* counts seconds"):
        units.duration(text)


def test_the_error_names_the_unit_that_a_bare_number_would_have() -> None:
    with pytest.raises(ValueError, match="counts milliseconds"):
        units.duration("soon", "ms")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("1k", 1024),
        ("256 KB", 262_144),
        ("3M", 3 << 20),
        ("3mb", 3 << 20),
        ("1G", 1 << 30),
    ],
)
def test_a_size_is_read_as_bytes(text: str, count: int) -> None:
    assert units.size(text) == count


@pytest.mark.parametrize("text", ["", "K", "-1", "1.5M", "1T", "1BB", "1bk", "1Kib"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size such as 65536, 256K"):
        units.size(text)


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-7", -7), ("+7", 7), ("007", 7)])
def test_a_whole_number_may_have_a_sign(text: str, number: int) -> None:
    assert units.integer(text) == number


@pytest.mark.parametrize("text", ["", "x", "1.0", "1_000", "0x10", "٣", "9" * 5000])
def test_anything_else_is_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="expected a whole number"):
        units.integer(text)


def test_variables_are_replaced_in_a_path() -> None:
    environ = {"HOME": "/home/joe", "N_1": "x"}
    assert units.path("$HOME/run", environ) == Path("/home/joe/run")
    assert units.path("/srv/${N_1}y", environ) == Path("/srv/xy")
    assert units.path("/srv/%Y$", environ) == Path("/srv/%Y$")


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ValueError, match="expected the environment variable NOWHERE to be set"):
        units.path("${NOWHERE}/x", {})


def test_what_a_variable_holds_is_not_searched_for_variables() -> None:
    assert units.path("$A", {"A": "$B", "B": "wrong"}) == Path("$B")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0"), (0.25, "250ms"), (90.0, "90s"), (120.0, "2m"), (86_400.0, "1d"), (units.LONGEST, "520w")],
)
def test_a_duration_is_spelled_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert units.spell_duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (65_535, "65535"), (262_144, "256K"), (1 << 30, "1G")])
def test_a_size_is_spelled_in_the_largest_unit_that_fits(count: int, text: str) -> None:
    assert units.spell_size(count) == text


@given(st.integers(0, int(units.LONGEST * 1000)))
def test_a_spelled_duration_reads_back(milliseconds: int) -> None:
    assert units.duration(units.spell_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 1 << 50))
def test_a_spelled_size_reads_back(count: int) -> None:
    assert units.size(units.spell_size(count)) == count


@given(st.integers(0, 10**9), st.sampled_from(["ms", "s", "m", "h", "d", "w"]), st.sampled_from(["", " ", "\t "]))
def test_units_and_case_and_blanks_mean_the_same_everywhere(number: int, unit: str, blank: str) -> None:
    plain = units.duration(f"{number}{unit}")
    assert units.duration(f"{number}{blank}{unit.upper()}") == plain
    assert plain >= number / 1000


@pytest.mark.parametrize("read", [units.duration, units.size, units.integer])
@given(text=st.text())
def test_any_text_is_a_number_or_a_value_error(read: Callable[[str], float], text: str) -> None:
    with suppress(ValueError):
        assert read(text) == read(text.upper())


@pytest.mark.parametrize(
    ("text", "names"),
    [("", set()), ("ann", {"ann"}), (" ann , b ob,", {"ann", "b ob"}), (",,", set()), ("ann,ann", {"ann"})],
)
def test_names_are_separated_by_commas(text: str, names: set[str]) -> None:
    assert units.names(text) == names
