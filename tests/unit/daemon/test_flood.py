from __future__ import annotations

import logging
from typing import Any

import pytest

from agroal.daemon.about import What, fields_of, said
from agroal.daemon.flood import BURST, KINDS, PERIOD, Flood


def line(what: What | None = What.REFUSED, reason: str = "28P01", message: str = "%s is refused", **values: Any) -> Any:
    fields = said(event=what, reason=reason) if what else {}
    return logging.makeLogRecord(
        {"name": "agroal.session", "levelno": logging.WARNING, "msg": message, "args": ("x",), **fields, **values}
    )


def passed(flood: Flood, *lines: logging.LogRecord, now: float = 0.0, times: int = 1000) -> int:
    return sum(flood.passes(one, now) for _ in range(times) for one in lines)


def test_of_like_lines_some_are_written_and_the_rest_is_counted() -> None:
    flood = Flood()
    assert passed(flood, line()) == BURST
    assert flood.notes(PERIOD - 0.1) == []
    (note,) = flood.notes(PERIOD)
    assert note.getMessage() == f"left out within 10 s: {1000 - BURST} lines like “… is refused (28P01)”"
    assert (note.name, note.levelno) == ("agroal.session", logging.WARNING)
    assert fields_of(note) == {"event": "left-out", "reason": "28P01", "count": 1000 - BURST}


def test_a_flood_that_goes_on_is_told_of_in_every_period() -> None:
    flood = Flood()
    counts = []
    for period in range(3):
        assert passed(flood, line(), now=period * PERIOD, times=200) == BURST
        counts += [fields_of(note)["count"] for note in flood.notes((period + 1) * PERIOD)]
    assert counts == [100, 100, 100]


def test_lines_are_alike_when_their_words_and_their_reason_are() -> None:
    assert passed(Flood(), line(), line(reason="53300"), line(message="%s broke it")) == 3 * BURST


@pytest.mark.parametrize("what", [What.VIOLATION, What.CONNECT_FAILED, What.SLOW_STATEMENT, What.REFUSED])
def test_what_a_client_can_cause_as_often_as_it_wants_to_is_limited(what: What) -> None:
    assert passed(Flood(), line(what)) == BURST


@pytest.mark.parametrize("what", [What.CONNECT, What.DISCONNECT, What.STEP, What.LEFT_OUT, None])
def test_everything_else_is_always_written(what: What | None) -> None:
    flood = Flood()
    assert passed(flood, line(what)) == 1000
    assert flood.notes(1000.0) == []


def test_tracebacks_are_limited_whatever_they_are_about() -> None:
    assert passed(Flood(), line(None, exc_info=(ValueError, ValueError(), None))) == BURST


def test_slow_statements_are_alike_by_their_fingerprint() -> None:
    one, other = (line(What.SLOW_STATEMENT, **said(event=What.SLOW_STATEMENT, fingerprint=it)) for it in "ab")
    assert passed(Flood(), one, other) == 2 * BURST


def test_a_period_in_which_nothing_was_left_out_is_not_spoken_of() -> None:
    flood = Flood()
    passed(flood, line(), times=BURST)
    assert flood.notes(PERIOD) == []


def test_at_the_end_everything_is_told() -> None:
    flood = Flood()
    passed(flood, line(), times=BURST + 7)
    assert [fields_of(note)["count"] for note in flood.notes(0.5, all_=True)] == [7]
    assert flood.notes(0.5, all_=True) == []


def test_who_makes_up_reasons_gets_no_further_than_a_number_of_them() -> None:
    flood = Flood()
    assert sum(flood.passes(line(reason=str(number)), 0.0) for number in range(2 * KINDS)) == KINDS + BURST
    (note,) = flood.notes(PERIOD)
    assert note.getMessage() == f"left out within 10 s: {KINDS - BURST} lines like “lines of other kinds”"
    assert len(flood._counts) == 0
