from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from agroal_top.model import Model
from agroal_top.replay import LEAD, ReplaySource
from agroal_top.source import LookingOnly, Lost

from agroal.management.frames import BadRecording, Encoder, Frame
from agroal.management.recording import Recorder, save
from agroal.management.snapshot import Snapshot
from tests.unit.tui.made import event, made

Act = Callable[[ReplaySource], object]


class Player:
    """Plays without time: every wait is written down, and at the end of what could be played the next act happens."""

    def __init__(self, path: Path, *acts: Act) -> None:
        self.waits: list[float] = []
        self._acts = list(acts)
        self.source = ReplaySource(path, self._wait)

    def _wait(self, _: threading.Condition, seconds: float | None) -> None:
        if seconds is not None:
            self.waits.append(seconds)
        elif self._acts:
            self._acts.pop(0)(self.source)
        else:
            self.source.close()

    def seconds(self) -> list[int]:
        """When what it shows was: how old the daemon is."""
        return [second(item) for item in self.source.snapshots(1.0) if isinstance(item, Snapshot)]


def second(snapshot: Snapshot) -> int:
    return snapshot.mono_us // 1_000_000 - 1_000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two hundred seconds, with an event after each fiftieth."""
    path = tmp_path_factory.mktemp("recorded") / "incident.agrec"
    with closing(Recorder(path)) as recorder:
        for at in range(200):
            recorder.add(made(at, counters={"queries": at * 10}))
            if at % 50 == 49:
                recorder.add((event(at, at),))
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, recorded: bytes) -> Path:
    path = tmp_path / "incident.agrec"
    path.write_bytes(recorded)
    return path


def test_it_plays_to_the_end_in_the_time_it_took(path: Path) -> None:
    player = Player(path)
    assert player.seconds() == list(range(200))
    assert player.waits == [1.0] * 199
    assert player.source.duration == 199.0


def test_events_come_after_their_frame(path: Path) -> None:
    with closing(ReplaySource(path, lambda *_: None, hold=False)) as source:
        items = list(source.snapshots(1.0))
    places = [at for at, item in enumerate(items) if isinstance(item, tuple)]
    assert [items[at] for at in places] == [(event(at, at),) for at in (49, 99, 149, 199)]
    assert [items[at - 1].mono_us for at in places] == [(1_000 + at) * 1_000_000 for at in (49, 99, 149, 199)]  # type: ignore[union-attr]


def test_a_faster_speed_waits_less(path: Path) -> None:
    player = Player(path)
    player.source.set_speed(10)
    assert player.source.speed == 10
    player.seconds()
    assert player.waits == [0.1] * 199


def test_a_jump_brings_the_minute_before_it(path: Path) -> None:
    player = Player(path, lambda source: source.seek(150.5))
    shown = player.seconds()[200:]
    assert shown == list(range(90, 200)), "the lead at once, and on from there"
    assert len(player.waits) == 199 + 49
    assert LEAD == 60


@pytest.mark.parametrize(("to", "first"), [(-5, 0), (0, 0), (1e9, 199)])
def test_a_jump_beyond_an_end_is_to_that_end(path: Path, to: float, first: int) -> None:
    player = Player(path)
    player.source.play(False)
    player.source.seek(to)
    assert player.source.position == first
    assert player.seconds()[-1] == first
    assert player.waits == []


def test_a_step_goes_one_frame_and_stops_there(path: Path) -> None:
    positions: list[float] = []

    def note_and(act: Act) -> Act:
        def both(source: ReplaySource) -> None:
            positions.append(source.position)
            act(source)

        return both

    player = Player(path, *map(note_and, [*[lambda s: s.step(1)] * 2, lambda s: s.step(-1), lambda s: s.close()]))
    player.source.seek(100)
    player.source.step(0)
    player.seconds()
    assert positions == [100, 101, 102, 101]
    assert not player.source.playing


def test_pause_and_play(path: Path) -> None:
    paused: list[float] = []

    def go_on(source: ReplaySource) -> None:
        paused.append(source.position)
        source.play()

    player = Player(path, go_on)
    player.source.play(False)
    assert player.seconds() == list(range(200))
    assert paused == [0]


def test_played_again_at_the_end_it_begins_again(path: Path) -> None:
    player = Player(path, lambda source: source.play())
    assert player.seconds() == [*range(200), *range(200)]


def test_marks_are_where_events_happened(path: Path) -> None:
    with closing(ReplaySource(path)) as source:
        assert source.marks == [49, 99, 149, 199]
        assert source.previous_mark() is None
        source.seek(99)
        assert (source.previous_mark(), source.next_mark()) == (49, 149)
        source.seek(199)
        assert source.next_mark() is None


def test_whoever_comes_back_sees_where_he_was(path: Path) -> None:
    with closing(ReplaySource(path, lambda *_: None)) as source:
        items = source.snapshots(1.0)
        shown = [next(items) for _ in range(5)]
        again = source.snapshots(5.0)
        assert [next(again) for _ in range(6)] == [*shown, made(5, counters={"queries": 50})]


def test_a_hole_is_played_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "hole.agrec"
    with closing(Recorder(path)) as recorder:
        for at in (0, 1, 3601, 3602):
            recorder.add(made(at))
    player = Player(path)
    assert player.seconds() == [0, 1, 3601, 3602]
    assert player.waits == [1.0, 5.0, 1.0]
    assert player.source.duration == 3602


def test_a_computer_that_was_started_anew_goes_on_playing(tmp_path: Path) -> None:
    path = tmp_path / "boot.agrec"
    with closing(Recorder(path)) as recorder:
        recorder.add(made(500))
        recorder.add(made(0, instance="two", started=3))
        recorder.add(made(1, instance="two", started=3))
    player = Player(path)
    assert len(player.seconds()) == 3
    assert player.source.duration == 1.0


def test_rates_are_there_after_a_jump(path: Path) -> None:
    model = Model()
    with closing(ReplaySource(path, lambda *_: None, hold=False)) as source:
        source.seek(source.duration)
        for at, item in enumerate(source.snapshots(1.0)):
            if isinstance(item, Snapshot):
                model.feed(item, float(at))
    assert model.rates().qps == 10.0  # type: ignore[union-attr]
    assert model.window == 60


def test_nothing_can_be_changed_in_the_past(path: Path) -> None:
    with closing(ReplaySource(path)) as source:
        assert source.read_only
        assert (source.name, source.hello().role) == ("incident.agrec", "monitor")
        assert source.wall == "2026-11-22T12:00:00.000Z"
        assert (source.log_tail("info", 5), source.settings()) == ([], [])
        with pytest.raises(LookingOnly, match="for looking only"):
            source.command("flush idle", {})


def test_closing_ends_the_playing(path: Path) -> None:
    source = ReplaySource(path, lambda *_: None)
    items = source.snapshots(1.0)
    next(items)
    source.close()
    assert list(items) == []


def test_closing_wakes_whoever_waits(path: Path) -> None:
    source = ReplaySource(path)
    source.play(False)
    begun = threading.Event()

    def watch(items: Iterator[object]) -> None:
        next(items)
        begun.set()
        assert list(items) == []

    watcher = threading.Thread(target=watch, args=(source.snapshots(1.0),))
    watcher.start()
    assert begun.wait(30)
    source.close()
    watcher.join(30)
    assert not watcher.is_alive()


@pytest.mark.parametrize("key", [0, 1])
def test_a_damaged_frame_is_lost_and_says_when(path: Path, key: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE frame SET data = x'00000001ff' WHERE id = ?", (1 if key else 5,))
        database.commit()
    with closing(ReplaySource(path, lambda *_: None)) as source, pytest.raises(Lost, match="damaged at 2026-11-22T12:"):
        list(source.snapshots(1.0))


def test_a_damaged_event_is_lost(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE event SET data = '[]'")
        database.commit()
    with closing(ReplaySource(path, lambda *_: None)) as source, pytest.raises(Lost, match="an event is damaged"):
        list(source.snapshots(1.0))


def test_what_is_before_the_first_key_frame_is_passed_over(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM frame WHERE id < 10")
        database.commit()
    assert Player(path).seconds() == list(range(60, 200))


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="there is no file"):
        ReplaySource(tmp_path / "no.agrec")
    text = tmp_path / "text.agrec"
    text.write_text("words " * 1000)
    with pytest.raises(BadRecording, match="no recording"):
        ReplaySource(text)
    empty = tmp_path / "empty.agrec"
    Recorder(empty).close()
    with pytest.raises(BadRecording, match="is empty"):
        ReplaySource(empty)


class TestLog:
    @pytest.fixture
    def logged(self, tmp_path: Path) -> Path:
        """Ten seconds, and in each a line, recorded by agroal itself."""
        path, encoder = tmp_path / "flight.agrec", Encoder()
        frames = [Frame(one.mono_us, one.wall, *encoder.encode(one)) for one in map(made, range(10))]
        levels = ("warn", "error") * 5
        save(
            path,
            frames,
            (),
            [
                (frame.mono_us, level, f"line {at}")
                for at, (frame, level) in enumerate(zip(frames, levels, strict=True))
            ],
        )
        return path

    @pytest.mark.parametrize(
        ("second", "level", "lines", "found"),
        [(3, "trace", 9, [0, 1, 2, 3]), (9, "trace", 2, [8, 9]), (9, "error", 2, [7, 9]), (3, "fatal", 9, [])],
    )
    def test_has_the_last_lines_before_the_picture_that_is_shown(
        self, logged: Path, second: int, level: str, lines: int, found: list[int]
    ) -> None:
        with closing(ReplaySource(logged)) as source:
            source.seek(second)
            assert [line.text for line in source.log_tail(level, lines)] == [f"line {number}" for number in found]

    @pytest.mark.parametrize("damage", ["DROP TABLE line", "UPDATE line SET text = x'ff'"])
    def test_that_is_not_there_or_can_not_be_read_is_none(self, logged: Path, damage: str) -> None:
        with closing(sqlite3.connect(logged)) as database:
            database.execute(damage)
            database.commit()
        with closing(ReplaySource(logged)) as source:
            assert source.log_tail("trace", 10) == []

    def test_of_one_that_is_closed_is_none(self, logged: Path) -> None:
        source = ReplaySource(logged)
        source.close()
        assert source.log_tail("trace", 10) == []
