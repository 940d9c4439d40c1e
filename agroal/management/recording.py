"""A recording, `*.agrec`: an SQLite file with all snapshots and events, to be played again with `--replay`.

    meta  (k, v)                                    format, version of agroal
    frame (id, mono_us, wall, key, data)            the snapshots, see frames.py
    event (mono_us, seq, frame, data)               JSON; `frame` is the one that it came after
    line  (mono_us, level, text)                    of the log, where the daemon itself has recorded

Who may read it sees names of users and databases, addresses of clients and application names; passwords and queries
are in no snapshot. So it is its owner's alone (0600).

Every frame is a transaction of its own: what was written is there, even when the writer is killed. The file is synced
every few seconds (SQLite does that in a checkpoint of its write-ahead log), so a computer that loses its power loses
no more than those. A file that has reached its size loses its oldest frames to make room.
"""

from __future__ import annotations

import json
import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from agroal import __version__
from agroal.management.event import Event
from agroal.management.frames import BadRecording, Encoder, Frame
from agroal.management.snapshot import Snapshot

FORMAT = "agroal-recording 1"
MEGABYTE = 1 << 20
MOST_MEGABYTES = 512
SYNC_EVERY = 5
"""Seconds, on the daemon's clock."""

_META = {"format": FORMAT, "writer": f"agroal {__version__}"}
_SCHEMA = """
CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE frame (id INTEGER PRIMARY KEY, mono_us INTEGER NOT NULL, wall TEXT NOT NULL, key INTEGER NOT NULL,
                    data BLOB NOT NULL);
CREATE TABLE event (mono_us INTEGER NOT NULL, seq INTEGER NOT NULL, frame INTEGER NOT NULL, data TEXT NOT NULL,
                    PRIMARY KEY (mono_us, seq)) WITHOUT ROWID;
CREATE TABLE line (mono_us INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL);
"""


class Recorder:
    """Writes to `path`, at its end when there is a recording already. For one thread at a time."""

    def __init__(self, path: Path, most_bytes: int = MOST_MEGABYTES * MEGABYTE) -> None:
        """Raises BadRecording."""
        self._path = path
        self._most_bytes = most_bytes
        self._encoder = Encoder()
        self._synced_us = 0
        try:
            self._database = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise BadRecording(f"{path} can't be recorded to: {error}") from error
        [(self._last,)] = self._database.execute("SELECT coalesce(max(id), 0) FROM frame")

    def add(self, item: Snapshot | tuple[Event, ...]) -> None:
        """Raises BadRecording, when the disk is full for example."""
        try:
            if isinstance(item, Snapshot):
                self._add_frame(item)
            else:
                self._add_events(item)
        except sqlite3.Error as error:
            raise BadRecording(f"{self._path} can't be written any more: {error}") from error

    @property
    def size(self) -> int:
        """Bytes that are in use in the file."""
        pages, free, size = (_pragma(self._database, name) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def close(self) -> None:
        """Afterwards all is in one file, without a log beside it, unless somebody reads it just now."""
        with closing(self._database), suppress(sqlite3.Error):
            self._database.execute("PRAGMA journal_mode = DELETE")

    def _add_frame(self, snapshot: Snapshot) -> None:
        is_key, data = self._encoder.encode(snapshot)
        self._last += 1
        row = (self._last, snapshot.mono_us, snapshot.wall, is_key, data)
        self._database.execute("INSERT INTO frame VALUES (?, ?, ?, ?, ?)", row)
        if is_key:
            self._make_room()
        if abs(snapshot.mono_us - self._synced_us) >= SYNC_EVERY * 1_000_000:
            self._synced_us = snapshot.mono_us
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _add_events(self, events: tuple[Event, ...]) -> None:
        """Those that a recording has already, because agroal tells all that it kept, are not added twice."""
        rows = [(event.mono_us, event.seq, self._last, json.dumps(event.to_json())) for event in events]
        self._database.execute("BEGIN")
        with self._database:
            self._database.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)", rows)

    def _make_room(self) -> None:
        """Whole groups go, the oldest first: a key frame and those that build on it. The last one stays."""
        while self.size > self._most_bytes:
            keys = self._database.execute("SELECT id FROM frame WHERE key ORDER BY id LIMIT 2").fetchall()
            if len(keys) < 2:
                return
            second = keys[1][0]
            self._database.execute("BEGIN")
            with self._database:
                self._database.execute("DELETE FROM event WHERE frame < ?", (second,))
                self._database.execute("DELETE FROM frame WHERE id < ?", (second,))


def save(path: Path, frames: Sequence[Frame], events: Iterable[Event], lines: Iterable[tuple[int, str, str]]) -> None:
    """A whole recording at once, to a file that is not there yet. `lines` of the log are those of the table.

    The first frame is a key frame. What happened before it is shown with it. Raises OSError, BadRecording.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    clocks = [frame.mono_us for frame in frames]
    rows = [(frame.mono_us, frame.wall, frame.is_key, frame.data) for frame in frames]
    happened = [
        (event.mono_us, event.seq, max(1, bisect_right(clocks, event.mono_us)), json.dumps(event.to_json()))
        for event in events
    ]
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = MEMORY")  # there is nothing to go back to, nor a file beside it
            database.executescript(f"BEGIN; {_SCHEMA}")
            database.executemany("INSERT INTO meta VALUES (?, ?)", _META.items())
            database.executemany("INSERT INTO frame (mono_us, wall, key, data) VALUES (?, ?, ?, ?)", rows)
            database.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)", happened)
            database.executemany("INSERT INTO line VALUES (?, ?, ?)", lines)
            database.execute("COMMIT")
    except sqlite3.Error as error:
        path.unlink()
        raise BadRecording(f"{path} can't be written: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size == 0:
            os.fchmod(descriptor, 0o600)  # somebody touched it before; the files beside it get the same mode
    finally:
        os.close(descriptor)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)  # a generator may end anywhere
    try:
        if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            database.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {_SCHEMA} COMMIT")
            database.executemany("INSERT INTO meta VALUES (?, ?)", _META.items())
        check_format(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def check_format(database: sqlite3.Connection, path: Path) -> None:
    """Raises BadRecording."""
    try:
        found = database.execute("SELECT v FROM meta WHERE k = 'format'").fetchone()
    except sqlite3.DatabaseError as error:
        raise BadRecording(f"{path} is no recording of agroal-top: {error}") from error
    if found is None or found[0] != FORMAT:
        raise BadRecording(f"{path} is no recording that this agroal-top can read: “{FORMAT}” was expected in it")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])
