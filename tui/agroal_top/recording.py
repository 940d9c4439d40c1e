"""What is looked at is recorded while it passes through, see agroal/management/recording.py for the file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from agroal.management.client import Event
from agroal.management.frames import BadRecording
from agroal.management.recording import MEGABYTE, MOST_MEGABYTES, Recorder
from agroal.management.snapshot import Snapshot
from agroal_top.source import Hello, LogLine, Lost, Setting, Source


class Recorded:
    """A source that can be recorded while it passes through: from the beginning to `path`, or `begin` and `end` it.

    What can't be written is lost, until the next attempt succeeds: nobody is to believe that it is recorded.
    """

    def __init__(self, source: Source, path: Path | None = None, most_bytes: int = MOST_MEGABYTES * MEGABYTE) -> None:
        """Raises BadRecording."""
        self._source = source
        self._path, self._most_bytes = path, most_bytes
        self._recorder: Recorder | None = None
        self._lock = threading.Lock()
        if path is not None:
            Recorder(path, most_bytes).close()  # what is wrong with the file is said at once

    @property
    def path(self) -> Path | None:
        """Where it is recorded to; None when it is not."""
        return self._path

    @property
    def size(self) -> int:
        """Bytes of the recording."""
        with self._lock:
            return self._recorder.size if self._recorder else 0

    def begin(self, path: Path) -> None:
        """From the next snapshot on, at the end of what is there already. Raises BadRecording."""
        recorder = Recorder(path, self._most_bytes)
        with self._lock:
            self._path, self._recorder = path, recorder

    def end(self) -> None:
        """Afterwards all is in one file."""
        with self._lock:
            recorder, self._path, self._recorder = self._recorder, None, None
            if recorder is not None:
                recorder.close()

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def read_only(self) -> bool:
        return self._source.read_only

    def hello(self) -> Hello:
        return self._source.hello()

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        for item in self._source.snapshots(interval):
            try:
                self._add(item)
            except BadRecording as error:
                raise Lost(str(error)) from error
            yield item

    def _add(self, item: Snapshot | tuple[Event, ...]) -> None:
        with self._lock:
            if self._path is None:
                return
            if self._recorder is None:
                self._recorder = Recorder(self._path, self._most_bytes)
            try:
                self._recorder.add(item)
            except BadRecording:
                recorder, self._recorder = self._recorder, None
                recorder.close()
                raise

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        return self._source.command(verb, args, dry_run=dry_run, key=key)

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        return self._source.log_tail(level, lines)

    def settings(self) -> list[Setting]:
        return self._source.settings()

    def close(self) -> None:
        self._source.close()
        self.end()
