from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from agroal.errors import ManagementError, ServerUnavailable
from agroal.management.controls import Call, Role, ShutdownMode
from agroal.management.dispatch import answer
from agroal.management.verb import Verb
from agroal.management.verbs import VERBS
from agroal.management.wire import Answer, Failure
from tests.unit.management.fake import FakeControls, request


def ask(frame: bytes, controls: FakeControls | None = None, role: Role = Role.ADMIN) -> Answer:
    return asyncio.run(answer(frame[4:], Call(controls or FakeControls(), role)))


def failure(reply: Answer) -> Failure:
    assert isinstance(reply.outcome, Failure)
    return reply.outcome


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_is_executed_for_whom_it_is_meant(verb: Verb, role: Role) -> None:
    controls = FakeControls()
    controls.shutdown(ShutdownMode.GRACEFULLY, None)
    reply = ask(request(verb.name, id=3), controls, role)
    assert reply.id == 3
    if role is Role.MONITOR and verb.role is Role.ADMIN:
        assert failure(reply) == Failure("forbidden", f"“{verb.name}” is for admins: you may only look")
        assert len(controls.shutdowns) == 1
    else:
        assert not isinstance(reply.outcome, Failure)
        verb.result.from_json(reply.outcome)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (request("nonsense"), "unknown-verb"),
        (request("is-alive"), "unknown-verb"),
        (request("ping", colour="red"), "bad-argument"),
        (request("shutdown gracefully", timeout="soon"), "bad-argument"),
        (request("shutdown cancel"), "refused"),
    ],
)
def test_what_can_not_be_done_is_answered_with_why(frame: bytes, code: str) -> None:
    reply = ask(frame)
    assert (reply.id, failure(reply).code) == (1, code)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ManagementError("refused", "not now"), Failure("refused", "not now")),
        (ServerUnavailable("pg-a is gone"), Failure("failed", "pg-a is gone")),
        (KeyError("secret"), Failure("internal", "agroal made a mistake here: its log says which")),
    ],
)
def test_what_goes_wrong_on_the_way_is_answered(
    error: Exception, outcome: Failure, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(request("ping"), FakeControls(error=error)) == Answer(1, outcome)
    assert ("KeyError" in caplog.text) is isinstance(error, KeyError)


def messages(caplog: pytest.LogCaptureFixture, verb: str, **args: Any) -> list[str]:
    with caplog.at_level(logging.INFO, logger="agroal.management"):
        ask(request(verb, **args))
    return [record.getMessage() for record in caplog.records]


def test_what_changes_something_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert messages(caplog, "shutdown gracefully", timeout=5) == ["management: shutdown gracefully {'timeout': 5.0}"]


def test_what_only_looks_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert messages(caplog, "status") == []
