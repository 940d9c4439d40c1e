from __future__ import annotations

import asyncio

from agroal.management.commands import history
from agroal.management.controls import Call, Role
from tests.unit.management.fake import FakeControls
from tests.unit.management.sample import LEVELS, LIMIT_REACHED, LOG, STARTED

CALL = Call(FakeControls(), Role.MONITOR)


def test_events_are_those_after_a_number() -> None:
    assert asyncio.run(history.events(CALL)) == history.Happened((STARTED, LIMIT_REACHED))
    assert asyncio.run(history.events(CALL, 1)) == history.Happened((LIMIT_REACHED,))


def test_events_read() -> None:
    assert list(history.text_events(history.Happened((STARTED, LIMIT_REACHED)))) == [
        "number  time                      level  event          what happened",
        "     1  2025-11-22T12:00:00.000Z  info   started        agroal 0.1.0 started",
        "     2  2025-11-22T12:01:30.250Z  warn   limit-reached  shop/web at limit 1/1, 1 client waiting",
    ]


def test_the_log_is_shown_from_its_end_and_from_a_level_up() -> None:
    assert asyncio.run(history.log_tail(CALL)) == history.Log(LOG)
    assert asyncio.run(history.log_tail(CALL, 1)) == history.Log(LOG[1:])
    assert asyncio.run(history.log_tail(CALL, level="warn")) == history.Log(LOG[1:])
    assert asyncio.run(history.log_tail(CALL, level="error")) == history.Log(())


def test_every_level_may_be_asked_for() -> None:
    assert list(history.LEVELS) == LEVELS


def test_the_log_reads_as_it_was_written() -> None:
    assert list(history.text_log(history.Log(LOG))) == [line.text for line in LOG]
