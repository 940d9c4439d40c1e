from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config.units import LONGEST, duration
from agroal.importing import conversions


@pytest.mark.parametrize(
    ("text", "spelled"), [("0", "0"), ("0.0", "0"), ("60", "1m"), ("1.5", "1500ms"), ("3600", "1h"), ("1e3", "1000s")]
)
def test_seconds_are_spelled_as_durations(text: str, spelled: str) -> None:
    assert conversions.seconds(text) == spelled


@pytest.mark.parametrize("text", ["", "-1", "ten", "nan", "inf", "5s"])
def test_what_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number of seconds"):
        conversions.seconds(text)


@given(st.floats(0, 1e12))
def test_any_number_of_seconds_becomes_a_duration_that_agroal_takes(seconds: float) -> None:
    for convert in (conversions.seconds, conversions.seconds_or("1d"), conversions.at_least(5)):
        assert 0 <= duration(convert(str(seconds))) <= LONGEST


def test_zero_may_have_another_meaning() -> None:
    assert conversions.seconds_or("1w")("0") == "1w"
    assert conversions.seconds_or("1w")("0.0001") == "1w"
    assert conversions.seconds_or("1w")("2") == "2s"
    assert conversions.at_least(5)("2") == "5s"


def test_switches_and_numbers() -> None:
    assert [conversions.switch(text) for text in "01"] == ["off", "on"]
    with pytest.raises(ValueError, match="expected 0 or 1"):
        conversions.switch("yes")
    assert [conversions.within(1, 10)(text) for text in ("0", "5", "99")] == ["1", "5", "10"]
    with pytest.raises(ValueError, match="whole number"):
        conversions.within(1, 10)("many")


@pytest.mark.parametrize(
    ("text", "oldest"),
    [("secure", "TLSv1.2"), ("all", "TLSv1.2"), ("tlsv1.3", "TLSv1.3"), ("tlsv1.0,tlsv1.3", "TLSv1.2")],
)
def test_the_oldest_version_of_tls(text: str, oldest: str) -> None:
    assert conversions.oldest_tls(text) == oldest


def test_lists_of_ciphers() -> None:
    assert [conversions.ciphers(word) for word in ("default", "FAST", "all")] == ["", "", ""]
    assert conversions.ciphers("HIGH:!aNULL") == "HIGH:!aNULL"
    with pytest.raises(ValueError, match="OpenSSL"):
        conversions.ciphers("no-such-cipher")


def test_a_log_of_our_own_lies_beside_the_other() -> None:
    assert conversions.beside("/var/log/100%/pgbouncer.log") == "/var/log/100%%/agroal.log"
