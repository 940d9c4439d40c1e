from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from agroal_top.headless import DEGRADED, DENIED, OK, UNREACHABLE, endless, once, record, status_of, watch
from agroal_top.replay import ReplaySource
from agroal_top.source import Denied, Lost, Refused

from agroal.management.recording import Recorder
from tests.unit.management import sample
from tests.unit.tui.made import ScriptedSource, event, made, pool

DOWN = (replace(sample.SERVER, state="down"),)


def no_pause(_: float) -> None:
    """Time does not pass."""


def test_a_screen_with_rates_takes_two_snapshots() -> None:
    out = StringIO()
    pictures = [made(1, counters={"queries": 0}), (event(1),), made(2, counters={"queries": 42}), made(3)]
    assert once(ScriptedSource(pictures), None, "json", 1.0, out) == OK  # type: ignore[arg-type]
    document = json.loads(out.getvalue())
    assert document["now"][0]["qps"] == 42.0
    assert document["snapshot"]["mono_us"] == 1_002_000_000


def test_any_other_takes_one() -> None:
    out = StringIO()
    source = ScriptedSource([made(1), Lost("no second snapshot is asked for")])
    assert once(source, "servers", "json", 1.0, out) == OK
    assert "snapshot" not in json.loads(out.getvalue())


@pytest.mark.parametrize(
    "trouble",
    [{"servers": DOWN}, {"pools": (pool(failures=1),)}, {"pools": (pool(waiting=1, oldest_wait_us=2_000_000),)}],
)
def test_trouble_is_in_the_exit_status_whatever_the_screen(trouble: dict[str, object]) -> None:
    assert once(ScriptedSource([made(1, **trouble)]), "log", "text", 1.0, StringIO()) == DEGRADED  # type: ignore[arg-type]


def test_a_wait_of_an_instant_is_no_trouble() -> None:
    source = ScriptedSource([made(1, pools=(pool(waiting=1, oldest_wait_us=2_000),))])
    assert once(source, "servers", "text", 1.0, StringIO()) == OK


def test_what_is_lost_is_raised() -> None:
    with pytest.raises(Lost):
        once(ScriptedSource([made(1), Lost("gone")]), "pools", "text", 1.0, StringIO())


def test_of_a_recording_it_is_the_end(tmp_path: Path) -> None:
    path, out = tmp_path / "a.agrec", StringIO()
    with closing(Recorder(path)) as recorder:
        for at in range(100):
            recorder.add(made(at, counters={"queries": at * 3}))
    with closing(ReplaySource(path, lambda *_: None, hold=False)) as source:
        source.seek(source.duration)
        once(source, None, "json", 1.0, out)
    document = json.loads(out.getvalue())
    assert document["now"][0]["qps"] == 3.0
    assert document["now"][0]["uptime_us"] == 99_000_000


def seconds(out: StringIO) -> list[int]:
    return [round(json.loads(line)["now"][0]["uptime_us"] / 1e6) for line in out.getvalue().splitlines()]


def test_watch_prints_a_line_each_time() -> None:
    out = StringIO()
    source = ScriptedSource([made(1), (event(1),), made(2), made(3)])
    assert watch(source, None, 1.0, out, no_pause) == OK
    assert seconds(out) == [1, 2, 3]


def test_watch_takes_what_comes_a_little_early_or_late() -> None:
    out = StringIO()
    watch(ScriptedSource([made(at) for at in (1.0, 2.9, 5.1, 6.95)]), None, 2.0, out, no_pause)
    assert seconds(out) == [1, 3, 5, 7]


def test_watch_leaves_out_what_comes_more_often() -> None:
    out = StringIO()
    watch(ScriptedSource([made(at) for at in range(20)]), None, 5.0, out, no_pause)
    assert seconds(out) == [0, 5, 10, 15]


def test_watch_goes_on_when_the_clock_begins_anew() -> None:
    out = StringIO()
    reborn = made(1, instance="two", started=3)
    watch(ScriptedSource([made(1), made(2), reborn]), None, 1.0, out, no_pause)
    assert seconds(out) == [1, 2, 1]


def test_a_daemon_that_is_lost_is_tried_again_ever_more_rarely(capsys: pytest.CaptureFixture[str]) -> None:
    pauses: list[float] = []
    source = ScriptedSource(
        [made(1), Lost("agroal hung up")],
        [Lost("no agroal listens")],
        [made(2), Lost("agroal hung up")],
        [made(3)],
    )
    assert list(endless(source, 1.0, pauses.append)) == [made(1), made(2), made(3)]
    assert pauses == [0.5, 1.0, 0.5]
    assert capsys.readouterr().err.splitlines()[1] == "agroal-top: no agroal listens; next attempt in 1 s"


def test_what_was_never_there_is_not_waited_for() -> None:
    source = ScriptedSource([made(1)])
    source.refusal = Lost("no agroal listens")
    with pytest.raises(Lost):
        list(endless(source, 1.0, no_pause))


def test_whoever_is_not_let_in_does_not_ask_again() -> None:
    pauses: list[float] = []
    with pytest.raises(Denied):
        list(endless(ScriptedSource([made(1), Denied("not for you")]), 1.0, pauses.append))
    assert pauses == []


def test_recording_reads_until_the_end() -> None:
    source = ScriptedSource([made(1), Lost("gone")], [made(2)])
    assert record(source, 1.0, no_pause) == OK


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Lost("gone"), UNREACHABLE),
        (Denied("not for you"), DENIED),
        (Refused("forbidden", "a monitor may not"), DENIED),
        (Refused("busy", "too many"), UNREACHABLE),
    ],
)
def test_errors_have_exit_statuses(error: Lost | Refused, status: int) -> None:
    assert status_of(error) == status


def test_exit_statuses_are_those_of_the_manual() -> None:
    assert (OK, UNREACHABLE, DENIED, DEGRADED) == (0, 1, 3, 4)
