"""A recording as a source: played at any speed, from any place.

Positions are seconds from the beginning. A pause of the recording counts as it was, but is played in a few seconds.
Whoever jumps gets the minute before the place at once, so that rates and charts are there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path

from agroal.management.client import Event, ManagementError
from agroal.management.frames import BadFrame, BadRecording, Decoder
from agroal.management.recording import check_format
from agroal.management.snapshot import Snapshot
from agroal_top.places import place_of
from agroal_top.source import LEVELS, LOOKING, Hello, LogLine, LookingOnly, Lost, Refused, Setting

SPEEDS = (1, 2, 5, 10, 60)
LEAD = 60.0
"""Seconds before a place that are given with it."""
LONGEST_PAUSE = 5.0
"""Seconds that are waited at most where the recording has a hole, at speed 1."""

Wait = Callable[[threading.Condition, float | None], object]


class ReplaySource:
    """`wait` waits for the condition, at most so many seconds (None: for ever).

    With `hold` it rests at the end, until somebody seeks; without, `snapshots` ends there.
    """

    def __init__(self, path: Path, wait: Wait = threading.Condition.wait, *, hold: bool = True) -> None:
        """Raises BadRecording."""
        self._path = path
        self._wait = wait
        self._hold = hold
        self._database = _opened(path)
        try:
            self._ids, self._times, self._keys, self._walls = _index(self._database, path)
            self.marks = self._marks()
        except BaseException:
            self._database.close()
            raise
        """Where events happened, in order."""
        self._changed = threading.Condition()
        self._closed = False
        self._playing = True
        self._speed = 1.0
        self._at = 0
        """The frame that was shown last, or after a jump the one that will be next."""
        self._jumped = True

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def read_only(self) -> bool:
        return True

    # What is played

    @property
    def duration(self) -> float:
        return self._times[-1]

    @property
    def position(self) -> float:
        return self._times[self._at]

    @property
    def wall(self) -> str:
        """When that was, in RFC 3339."""
        return self._walls[self._at]

    @property
    def playing(self) -> bool:
        """It goes on by itself; at the end it does not."""
        return self._playing and (self._jumped or not self._at_end)

    @property
    def speed(self) -> float:
        return self._speed

    def play(self, playing: bool = True) -> None:
        """Or pause. At the end it begins again."""
        with self._changed:
            if playing and self._at_end:
                self._go(0)
            self._playing = playing
            self._changed.notify_all()

    def set_speed(self, speed: float) -> None:
        with self._changed:
            self._speed = speed
            self._changed.notify_all()

    def seek(self, position: float) -> None:
        """To the last frame that is not later, at least the first."""
        with self._changed:
            self._go(bisect_right(self._times, position) - 1)

    def place_of(self, text: str) -> float:
        """A position as people say it, see places.py. Raises BadPlace."""
        return place_of(text, self._walls, self._times, self._at)

    def step(self, frames: int) -> None:
        """So many frames on, or back; it stops there."""
        with self._changed:
            self._playing = False
            self._go(self._at + frames)

    def next_mark(self) -> float | None:
        """Where the next event happened."""
        at = bisect_right(self.marks, self.position)
        return self.marks[at] if at < len(self.marks) else None

    def previous_mark(self) -> float | None:
        at = bisect_left(self.marks, self.position)
        return self.marks[at - 1] if at else None

    # Source

    def hello(self) -> Hello:
        """Who was recorded first."""
        snapshot, _ = next(self._frames(0, 1))
        return Hello(snapshot.version, snapshot.instance_id, "monitor", (), snapshot.started_us, snapshot.mono_us)

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        """Every frame, as fast as `speed` says; the interval is that of the recording."""
        with self._changed:
            self._go(self._at)  # whoever looks away and back sees where he was
        try:
            yield from self._shown()
        except Lost:
            if not self._closed:
                raise

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        if verb in LOOKING:
            raise Refused("unsupported", "that is not in a recording")
        raise LookingOnly

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        """Up to the picture that is shown, those of the level warn and graver, if agroal itself has recorded.

        Others are in no recording.
        """
        grave = LEVELS[LEVELS.index(level) :]
        question = (
            "SELECT mono_us, level, text FROM line WHERE mono_us <= (SELECT mono_us FROM frame WHERE id = ?) "
            f"AND level IN ({', '.join('?' * len(grave))}) ORDER BY mono_us DESC, rowid DESC LIMIT ?"
        )
        try:
            rows = self._database.execute(question, (self._ids[self._at], *grave, lines)).fetchall()
            found = [dict(zip(("mono_us", "level", "text"), row, strict=True)) for row in reversed(rows)]
            return [LogLine.from_json(line) for line in found]
        except (sqlite3.Error, ManagementError):
            return []  # it is of a time before there were any, is damaged, or nobody looks any more

    def settings(self) -> list[Setting]:
        """Nor is the configuration."""
        return []

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._database.close()

    def _shown(self) -> Iterator[Snapshot | tuple[Event, ...]]:
        frames: Iterator[tuple[Snapshot, tuple[Event, ...]]] = iter(())
        while self._ready():
            with self._changed:
                jumped, self._jumped = self._jumped, False
                self._at += not jumped
                at = self._at
            if jumped:
                first = bisect_left(self._times, self._times[at] - LEAD)
                frames = self._frames(first, len(self._ids))
                for _ in range(first, at):
                    yield from _items(next(frames))
            yield from _items(next(frames))

    @property
    def _at_end(self) -> bool:
        return self._at == len(self._ids) - 1

    def _go(self, frame: int) -> None:
        self._at = min(max(frame, 0), len(self._ids) - 1)
        self._jumped = True
        self._changed.notify_all()

    def _ready(self) -> bool:
        """Waits until the next frame is due. Whether there is one: not after `close`."""
        with self._changed:
            while not self._closed and not self._jumped:
                if self._at_end and not self._hold:
                    return False
                if not self.playing:
                    self._wait(self._changed, None)
                    continue
                at, speed = self._at, self._speed
                gap = min(self._times[at + 1] - self._times[at], LONGEST_PAUSE)
                self._wait(self._changed, gap / speed)
                if (at, speed) == (self._at, self._speed) and self.playing and not self._jumped:
                    break
            return not self._closed

    def _frames(self, first: int, end: int) -> Iterator[tuple[Snapshot, tuple[Event, ...]]]:
        """Those from `first` on, each with the events after it. Raises Lost when one is damaged."""
        key = max(number for number in self._keys if number <= first)
        decoder = Decoder()
        for number in range(key, end):
            try:
                is_key, data = self._database.execute(
                    "SELECT key, data FROM frame WHERE id = ?", (self._ids[number],)
                ).fetchone()
                snapshot = decoder.decode(bool(is_key), data)
                if number >= first:
                    yield snapshot, self._events(self._ids[number])
            except (sqlite3.Error, BadFrame, TypeError) as error:
                raise Lost(f"{self._path} is damaged at {self._walls[number]}: {error}") from error

    def _events(self, frame: int) -> tuple[Event, ...]:
        rows = self._database.execute("SELECT data FROM event WHERE frame = ? ORDER BY mono_us, seq", (frame,))
        try:
            return tuple(Event.from_json(json.loads(data)) for (data,) in rows)
        except (ValueError, TypeError, ManagementError) as error:
            raise BadFrame(f"an event is damaged: {error}") from error

    def _marks(self) -> list[float]:
        found = self._database.execute("SELECT DISTINCT frame FROM event ORDER BY frame").fetchall()
        places = {id: number for number, id in enumerate(self._ids)}
        return [self._times[places[frame]] for (frame,) in found if frame in places]


def _items(shown: tuple[Snapshot, tuple[Event, ...]]) -> Iterator[Snapshot | tuple[Event, ...]]:
    snapshot, events = shown
    yield snapshot
    if events:
        yield events


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise BadRecording(f"there is no file {path}")
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        database = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        raise BadRecording(f"{path} can't be read: {error}") from error
    try:
        check_format(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _index(database: sqlite3.Connection, path: Path) -> tuple[list[int], list[float], list[int], list[str]]:
    """Of all frames from the first key frame on: id, time, which of them are key frames, time of the wall."""
    question = "SELECT id, mono_us, wall, key FROM frame WHERE id >= (SELECT min(id) FROM frame WHERE key) ORDER BY id"
    try:
        rows = database.execute(question).fetchall()
    except sqlite3.Error as error:
        raise BadRecording(f"{path} can't be read: {error}") from error
    if not rows:
        raise BadRecording(f"{path} is empty: there is nothing to replay")
    clocks = [row[1] for row in rows]
    # A clock that goes back is another boot of the computer.
    steps = (max(later - earlier, 0) / 1e6 for earlier, later in pairwise(clocks))
    times = list(accumulate(steps, initial=0.0))
    keys = [number for number, row in enumerate(rows) if row[3]]
    return [row[0] for row in rows], times, keys, [row[2] for row in rows]
