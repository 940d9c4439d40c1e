"""Names that try to command the terminal, through the whole of agroal-cli."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agroal.cli import main
from agroal.management.controls import Change, Reloaded, Switched
from agroal.management.snapshot import ConfigurationState, Database
from agroal.management.wire import Answer, Failure, encode_answer
from tests.unit.management.fake import FakeControls
from tests.unit.management.running import playing, running
from tests.unit.management.sample import CLIENT, DOWN, POOL, SERVER, SLOT, STARTED, WAITER, snapshot

Output = pytest.CaptureFixture[str]


@pytest.fixture
def controls(path: Path) -> Iterator[FakeControls]:
    """A daemon at `path`."""
    controls = FakeControls()
    with running(path, controls):
        yield controls


def poisoned(controls: FakeControls, poison: str) -> None:
    names = {"database": poison, "user": poison}
    controls.picture = snapshot(
        pools=(replace(POOL, limit=poison, error=poison, **names),),
        slots=(replace(SLOT, application_name=poison, client=poison, server=poison, **names),),
        servers=(replace(SERVER, name=poison, host=poison, error=poison),),
        clients=(replace(CLIENT, address=poison, application_name=poison, **names),),
        waiters=(replace(WAITER, reason=poison, **names),),
        databases=(Database(poison, False),),
        configuration=ConfigurationState(None, (poison,)),
    )
    controls.servers = (replace(DOWN, name=poison, host=poison, error=poison),)
    controls.happened = [replace(STARTED, text=poison, kind=poison)]
    controls.reloaded = Reloaded((Change(poison, poison, poison, False),), (poison,))
    controls.switched = Switched((poison,), 1)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters() | st.sampled_from("\x1b\x9b\x07\r\n\x00\u202e\u2028\u200b\u00a0數")))
def test_no_name_can_command_the_terminal(text: str, path: Path, controls: FakeControls, capsys: Output) -> None:
    poisoned(controls, f"\x1b[2J{text}")
    for verb in ("ping", "status", "details", "snapshot", "events", "reload", "disable", "kill 7"):
        for form in ("text", "json"):
            assert main(["--socket", str(path), "-F", form, *verb.split()]) == (verb == "ping")
            assert all(line.replace("\u200d", "").isprintable() for line in capsys.readouterr().out.split("\n"))


@pytest.mark.parametrize(
    ("verb", "times"),
    [("ping", 3), ("status", 5), ("details", 23), ("events", 2), ("reload", 4), ("kill 7", 3)],
)
def test_what_a_name_would_have_done_can_be_seen(
    verb: str, times: int, path: Path, controls: FakeControls, capsys: Output
) -> None:
    poisoned(controls, "\x1b[2J")
    assert main(["--socket", str(path), *verb.split()]) == (verb == "ping")
    assert capsys.readouterr().out.count("␛[2J") == times


def test_programs_get_names_as_they_are(path: Path, controls: FakeControls, capsys: Output) -> None:
    controls.picture = snapshot(pools=(replace(POOL, database="\x1b[2J"),))
    assert main(["--socket", str(path), "-F", "json", "details"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["pools"][0]["database"] == "\x1b[2J"


def test_the_words_of_a_daemon_are_neutralised(path: Path, capsys: Output) -> None:
    with playing(path, None, encode_answer(Answer(1, Failure("refused", "\x1b[2J\nFATAL")))):
        assert main(["--socket", str(path), "ping"]) == 1
    assert capsys.readouterr().err == "agroal-cli: ␛[2J·FATAL\n"


def test_a_verb_that_is_none_is_repeated_without_harm(capsys: Output) -> None:
    assert main(["\x1b[2J"]) == 2
    assert capsys.readouterr().err == "agroal-cli: there is no verb “␛[2J”: --help lists what there is\n"
