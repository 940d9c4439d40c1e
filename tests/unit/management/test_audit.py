from __future__ import annotations

import asyncio
import logging

import pytest

from agroal.management.audit import Audit
from agroal.management.controls import Call, Role
from agroal.management.dispatch import Dispatcher
from agroal.management.wire import Answer, Failure, Request
from tests.unit.management.fake import FakeControls

PEER = "eye@10.0.3.7:51422"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="agroal.management")
    return caplog


def ask(request: Request, role: Role = Role.ADMIN, controls: FakeControls | None = None, times: int = 1) -> Answer:
    audit = Audit(Dispatcher())

    async def main() -> Answer:
        for _ in range(times):
            answer = await audit.answer(request, Call(controls or FakeControls(), role, PEER))
        return answer

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (Request(1, "ping", {}), f"{PEER}: ping"),
        (Request(1, "conf get", {"key": "blocking_timeout"}), f"{PEER}: conf get blocking_timeout"),
        (Request(1, "get-password", {"user": "web"}), f"{PEER}: get-password web"),
        (Request(1, "log tail", {"lines": 7}), f"{PEER}: log tail 7"),
        (Request(1, "subscribe", {"topics": ["events"]}), f"{PEER}: subscribe"),
        (Request(1, "conf set", {"key": "password", "value": "x"}, dry_run=True), f"{PEER}: conf set (dry run)"),
    ],
)
def test_who_looked_at_what_is_written_down(said: pytest.LogCaptureFixture, request_: Request, line: str) -> None:
    assert not isinstance(ask(request_).outcome, Failure)
    assert [(record.levelname, record.getMessage()) for record in said.records] == [("INFO", line)]


def test_what_changes_something_is_an_event_and_said_once(said: pytest.LogCaptureFixture) -> None:
    controls = FakeControls()
    ask(Request(1, "flush all", {"database": "shop"}), controls=controls)
    assert controls.recorded == [(PEER, "flush all shop")]
    assert said.records == []


def test_what_was_done_before_is_said_to_be_a_repetition(said: pytest.LogCaptureFixture) -> None:
    ask(Request(1, "enable", {}, key="k"), times=2)
    assert said.messages == [f"{PEER}: enable (repeated)"]


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (Request(1, "flush all", {}), "flush all: forbidden: “flush all” is for admins: you may only look"),
        (
            Request(1, "enable", {}, dry_run=True),
            "enable (dry run): forbidden: “enable” is for admins: you may only look",
        ),
        (Request(1, "ping", {"x\ny": 1}), "ping: bad-argument: “ping” has no argument 'x\\ny'"),
        (Request(1, "\x1b[2Jnonsense\n", {}), "␛[2Jnonsense·: unknown-verb: there is no verb '\\x1b[2Jnonsense\\n'"),
    ],
)
def test_what_is_refused_is_written_down_as_well(said: pytest.LogCaptureFixture, request_: Request, line: str) -> None:
    assert isinstance(ask(request_, Role.MONITOR).outcome, Failure)
    assert [(record.levelname, record.getMessage()) for record in said.records] == [("WARNING", f"{PEER}: {line}")]


def test_what_was_to_be_set_and_is_refused_is_not_written_down(said: pytest.LogCaptureFixture) -> None:
    ask(Request(1, "conf set", {"key": "absent", "value": "a-secret"}))
    assert said.messages == [f"{PEER}: conf set: bad-argument: there is no key 'absent'"]
