from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroal.errors import ManagementError, ServerUnavailable
from agroal.management.controls import Call, Role, ShutdownMode
from agroal.management.dispatch import Dispatcher, may
from agroal.management.verb import Kind, Verb
from agroal.management.verbs import VERBS
from agroal.management.wire import Answer, Code, Failure, Request, encode_answer
from tests.unit.management.fake import FakeControls
from tests.unit.management.test_wire import json_values

PEER = "root (pid 4711)"
CHANGING = [verb for verb in VERBS if not verb.read_only]
NEEDED = {
    "kill": {"client": 7},
    "conf set": {"key": "blocking_timeout", "value": "20s"},
    "subscribe": {"topics": ["snapshot"]},
    "get-password": {"user": "web"},
}
"""What verbs need."""


def ask(request: Request, controls: FakeControls | None = None, role: Role | None = Role.ADMIN) -> Answer:
    return asyncio.run(Dispatcher().answer(request, Call(controls or FakeControls(), role, PEER)))


def asked_for(verb: Verb, **options: Any) -> Request:
    return Request(3, verb.name, NEEDED.get(verb.name, {}), **options)


def failure(reply: Answer) -> Failure:
    assert isinstance(reply.outcome, Failure)
    return reply.outcome


def stopping() -> FakeControls:
    """Of which everything may be asked, also to take a shutdown back."""
    return FakeControls(shutdowns=[(ShutdownMode.GRACEFULLY, None)])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_is_executed_for_whom_it_is_meant(verb: Verb, role: Role) -> None:
    controls = stopping()
    reply = ask(asked_for(verb), controls, role)
    assert reply.id == 3
    if role is Role.MONITOR and verb.role is Role.ADMIN:
        assert failure(reply) == Failure("forbidden", f"“{verb.name}” is for admins: you may only look")
        assert (controls.done, len(controls.shutdowns)) == ([], 1)
    else:
        assert not isinstance(reply.outcome, Failure)
        verb.result.from_json(reply.outcome)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_who_has_no_role_may_nothing_not_even_look_or_try(verb: Verb) -> None:
    controls = stopping()
    for dry_run in (False, True):
        reply = ask(asked_for(verb, dry_run=dry_run), controls, None)
        assert failure(reply).code == "forbidden"
        assert "you may nothing" in failure(reply).message
    assert (controls.done, controls.recorded, len(controls.shutdowns)) == ([], [], 1)


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_table_says_who_may_ask_for_what(verb: Verb, role: Role | None) -> None:
    looking = {"ping", "status", "status details", "events", "log tail", "conf ls", "conf get", "conf alias"}
    for_programs = {"hello", "snapshot", "subscribe", "unsubscribe"}
    match role:
        case Role.ADMIN:
            assert may(role, verb)
        case Role.MONITOR:
            assert may(role, verb) is (verb.name in looking | for_programs)
        case None:
            assert not may(role, verb)


@pytest.mark.parametrize(
    ("verb", "args", "code"),
    [
        ("nonsense", {}, "unknown-verb"),
        ("is-alive", {}, "unknown-verb"),
        ("ping", {"colour": "red"}, "bad-argument"),
        ("shutdown gracefully", {"timeout": "soon"}, "bad-argument"),
        ("kill", {}, "bad-argument"),
        ("shutdown cancel", {}, "refused"),
        ("kill", {"client": 99}, "refused"),
        ("get-password", {}, "bad-argument"),
        ("get-password", {"user": "eve"}, "refused"),
        ("flush all", {"database": "absent"}, "bad-argument"),
        ("conf get", {"key": "absent"}, "bad-argument"),
    ],
)
def test_what_can_not_be_done_is_answered_with_why(verb: str, args: dict[str, object], code: str) -> None:
    controls = FakeControls()
    reply = ask(Request(1, verb, args), controls)
    assert (reply.id, failure(reply).code) == (1, code)
    assert controls.recorded == []


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
    assert ask(Request(1, "ping", {}), FakeControls(error=error)) == Answer(1, outcome, took_us=0)
    assert ("KeyError" in caplog.text) is isinstance(error, KeyError)


def test_an_answer_says_how_long_it_took() -> None:
    class Slow(FakeControls):
        def clear_statistics(self, *, dry_run: bool) -> int:
            self.clock += 0.25
            return super().clear_statistics(dry_run=dry_run)

    assert ask(Request(1, "clear statistics", {}), Slow()).took_us == 250_000


# -- dry runs


@pytest.mark.parametrize("verb", CHANGING, ids=lambda verb: verb.name)
def test_a_dry_run_changes_nothing_and_says_what_would_have_been(verb: Verb) -> None:
    controls = stopping()
    tried = ask(asked_for(verb, dry_run=True), controls)
    assert (controls.done, len(controls.shutdowns), controls.recorded) == ([], 1, [])
    done = ask(asked_for(verb), controls)
    assert len(controls.done) + len(controls.shutdowns) == 2
    assert tried.outcome == done.outcome
    assert (tried.dry_run, done.dry_run) == (True, False)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.read_only], ids=lambda verb: verb.name)
def test_what_changes_nothing_has_no_dry_run(verb: Verb) -> None:
    assert failure(ask(asked_for(verb, dry_run=True))) == Failure(
        "bad-argument", f"“{verb.name}” changes nothing: it has no dry run"
    )


# -- who did what


@pytest.mark.parametrize(
    ("verb", "args", "command"),
    [
        ("flush gracefully", {"database": "shop", "timeout": 30}, "flush gracefully shop -T 30s"),
        ("shutdown immediate", {}, "shutdown immediate"),
        ("kill", {"client": 7}, "kill 7"),
        ("conf set", {"key": "blocking_timeout", "value": "20 s"}, "conf set blocking_timeout '20 s'"),
        ("disable", {"database": "*"}, "disable '*'"),
    ],
)
def test_what_was_obeyed_is_recorded_as_agroal_cli_would_say_it(
    verb: str, args: dict[str, object], command: str
) -> None:
    controls = FakeControls()
    ask(Request(1, verb, args), controls)
    assert controls.recorded == [(PEER, command)]


def test_a_secret_is_not_recorded() -> None:
    controls = FakeControls()
    ask(Request(1, "conf set", {"key": "password", "value": "hunter2"}), controls)
    assert controls.done == [("set", "password", "********")]
    assert controls.recorded == [(PEER, "conf set password '********'")]


def test_what_only_looks_is_not_recorded() -> None:
    controls = FakeControls()
    ask(Request(1, "status", {}), controls)
    assert controls.recorded == []


def test_nothing_that_acts_reaches_the_log() -> None:
    controls = FakeControls()
    ask(Request(1, "conf set", {"key": "blocking_timeout", "value": "1s\x1b[2J\n"}), controls)
    assert controls.recorded == [(PEER, "conf set blocking_timeout '1s␛[2J·'")]


# -- whatever is asked

VALUES = {
    Kind.WORD: st.text(),
    Kind.NUMBER: st.integers(),
    Kind.SECONDS: st.floats(allow_nan=False, allow_infinity=False),  # JSON has neither
    Kind.WORDS: st.lists(st.text()),
}


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests of which many are nearly right."""
    verb = draw(st.sampled_from(VERBS))
    known = {a.name: VALUES[a.kind] | json_values for a in verb.arguments}
    args = draw(st.fixed_dictionaries({}, optional={**known, "colour": json_values}))
    name = draw(st.sampled_from([verb.name, verb.name, draw(st.text())]))
    return Request(1, name, args, draw(st.booleans()), draw(st.none() | st.sampled_from("ab")))


def replies(controls: FakeControls, *requests: Request) -> list[Answer]:
    async def main() -> list[Answer]:
        dispatcher = Dispatcher()
        return [await dispatcher.answer(request, Call(controls, Role.ADMIN)) for request in requests]

    return asyncio.run(main())


@settings(deadline=None)
@given(st.lists(requests(), max_size=8))
def test_whatever_is_asked_is_answered_and_never_by_our_mistake(asked: list[Request]) -> None:
    for reply in replies(stopping(), *asked):
        encode_answer(reply)
        if isinstance(reply.outcome, Failure):
            assert reply.outcome.code in {Code.UNKNOWN_VERB, Code.BAD_ARGUMENT, Code.REFUSED}
