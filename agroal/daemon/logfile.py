"""The log as a file, begun anew when it is too old or would become too large.

A new file has the name that the pattern of `log_path` gives by then. Where that is the name of the current one, the
current one is renamed first: it gets the time in UTC added, to the microsecond, so that the names sort as the files
followed each other, and no file is ever overwritten. A file that somebody else has moved away is left where it is, and
what is not a regular file (a pipe, /dev/null) is never renamed.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from typing import Final

from agroal.config.model import LogMode, Settings

RETRY: Final = 60.0
"""Seconds until a new file is tried again after that has failed."""

log = logging.getLogger("agroal.log")


class LogFile(logging.Handler):
    """Everything but the constructor belongs to the thread that writes the log."""

    def __init__(self, settings: Settings, *, keep: bool = False, clock: Callable[[], float] = time.time) -> None:
        """Raises OSError. `keep`: go on with a file that is there, even if `log_mode` is create."""
        self._clock = clock
        self._not_before = 0.0
        self._lost = 0
        """Lines since the last one that could be written. The first says why, on standard error."""
        self._torn = False
        """The last line has no end: the disk was full in the middle of it."""
        self.configure(settings)
        self._take(self._path_now(), keep=keep or self._keep)
        super().__init__()  # last: what can't be opened is not to be closed when the process ends

    def configure(self, settings: Settings) -> None:
        """When the next file is begun, and how. The current one goes on."""
        self._pattern = str(settings.log_path)
        self._keep = settings.log_mode == LogMode.APPEND
        self._oldest = settings.log_rotation_age
        self._largest = settings.log_rotation_size

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = f"{self.format(record)}\n".encode(errors="backslashreplace")
            if self._is_due(len(data)):
                self._begin_anew()
            self._write(data)
        except Exception:  # whatever it is, it must not end the thread
            self._lost += 1
            if self._lost == 1:
                self.handleError(record)
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            log.warning("%d log lines could not be written", lost)

    def reopen(self) -> None:
        """Open the file by its name again, after somebody has moved it away. One that is there is gone on with."""
        try:
            self._change_to(self._path_now(), keep=True)
        except OSError as error:
            log.warning("can't open the log again, the file that was open goes on: %s", error)

    def close(self) -> None:
        with suppress(OSError):  # nothing is buffered, and what could not be written has been said
            self._stream.close()
        super().close()

    def _write(self, data: bytes) -> None:
        """All of it, where a disk that is nearly full takes a part."""
        rest = b"\n" + data if self._torn else data
        while rest:
            written = self._stream.write(rest) or 0
            rest = rest[written:]
            self._size += written
            self._torn = bool(rest)

    def _path_now(self) -> str:
        return time.strftime(self._pattern, time.localtime(self._clock()))

    def _take(self, path: str, *, keep: bool) -> None:
        """Write to this file from now on. A file that was there is as old as the last line in it."""
        stream = open(path, "ab" if keep else "wb", buffering=0, opener=_private)  # noqa: SIM115 (it stays open)
        status = os.fstat(stream.fileno())
        self._stream, self._path, self._torn = stream, path, False
        self._renamable = S_ISREG(status.st_mode)
        self._size = status.st_size
        self._since = status.st_mtime if self._size else self._clock()

    def _is_due(self, more: int) -> bool:
        """Whether a line of so many bytes is for a new file."""
        now = self._clock()
        if not self._renamable or not self._size or now < self._not_before:
            return False
        too_large = 0 < self._largest < self._size + more
        return too_large or 0 < self._oldest <= now - self._since

    def _begin_anew(self) -> None:
        path = self._path_now()
        try:
            if self._is_current(path):
                _set_aside(Path(path).resolve(), self._clock())
            self._change_to(path, keep=self._keep or path == self._path)
        except OSError as error:
            self._not_before = self._clock() + RETRY
            log.warning("can't begin a new log file, the old one goes on: %s", error)

    def _is_current(self, path: str) -> bool:
        try:
            return os.path.samestat(os.stat(path), os.fstat(self._stream.fileno()))
        except FileNotFoundError:
            return False

    def _change_to(self, path: str, *, keep: bool) -> None:
        old = self._stream
        self._take(path, keep=keep)
        with suppress(OSError):
            old.close()


def _private(path: str, flags: int) -> int:
    """A new file is its owner's alone: who connects from where is nobody else's business."""
    return os.open(path, flags, 0o600)


def _set_aside(path: Path, now: float) -> None:
    at = datetime.fromtimestamp(now, UTC)
    while os.path.lexists(aside := path.with_name(f"{path.name}.{at:%Y%m%dT%H%M%S.%fZ}")):
        at += timedelta(microseconds=1)
    path.rename(aside)
