"""Where log lines go. Nothing is written on the event loop: a thread takes the lines from a bounded queue.

What a line looks like is in logline.py, what it is about in about.py, and what keeps like lines from filling a disk in
flood.py. A line is put together on the loop, which is quick, because what it speaks of may be another thing later.
"""

from __future__ import annotations

import copy
import logging
import logging.handlers
import os
import queue
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TextIO

from agroal.config.model import LogFormat, LogLevel, LogType, Settings
from agroal.daemon.about import keep
from agroal.daemon.flood import Flood
from agroal.daemon.journal import JOURNAL, Journal, prioritised, takes_standard_error
from agroal.daemon.logfile import LogFile
from agroal.daemon.logline import LEVELS, JsonFormatter, LineFormatter, level_of
from agroal.errors import ConfigurationError, Problem

QUEUED_LINES: Final = 10_000
"""Lines that may wait for a disk that stalls. Further ones are dropped, and counted."""
REMEMBERED_LINES: Final = 1000
REMEMBERED_TROUBLES: Final = 1000
LONGEST_REMEMBERED: Final = 2000
"""Characters of a line that are remembered."""
SYSLOG: Final = "/dev/log"
"""Where the local syslog daemon listens."""

_Order = Callable[[], None]


class _Writer:
    """The thread that writes. What it is told to do travels with the lines, so it is done between the right two."""

    def __init__(self, target: logging.Handler) -> None:
        self.dropped = 0
        self._target = target
        self.queue: queue.SimpleQueue[logging.LogRecord | _Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, record: logging.LogRecord) -> None:
        if self.queue.qsize() < QUEUED_LINES:
            self.queue.put(record)
        else:
            self.dropped += 1

    def tell(self, order: _Order) -> None:
        self.queue.put(order)

    def change_to(self, target: logging.Handler) -> None:
        """Called by an order."""
        self._target.close()
        self._target = target

    def stop(self) -> None:
        """Returns when all that is queued has been written."""
        self.queue.put(None)
        self._thread.join()
        self._target.close()

    def _run(self) -> None:
        while (item := self.queue.get()) is not None:
            if isinstance(item, logging.LogRecord):
                self._target.handle(item)
            else:
                item()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log, remembered."""

    at: float
    """Seconds on a monotonic clock."""
    level: LogLevel
    text: str
    """As it is in the log. The traceback of an internal error makes more lines of it."""


class _Handler(logging.handlers.QueueHandler):
    """Formats on the loop, remembers, and leaves the writing to the thread."""

    def __init__(self, writer: _Writer, clock: Callable[[], float]) -> None:
        super().__init__(writer.queue)
        self.text = LineFormatter("")
        """For those who remember."""
        self._writer = writer
        self._clock = clock
        self._flood = Flood()
        self._lines: deque[Line] = deque(maxlen=REMEMBERED_LINES)
        self._troubles: deque[Line] = deque(maxlen=REMEMBERED_TROUBLES)
        """Those of the level warn and graver: they are not to be lost among others."""
        self.counts: Counter[LogLevel] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """The handler's lock is held."""
        now = self._clock()
        try:
            for note in self._flood.notes(now):
                self._take(note, now)
            level = level_of(record)
            self.counts[level] += 1
            if self._flood.passes(record, now):
                self._take(record, now)
        except Exception:  # a line that can't be put together must not end who wrote it
            self.handleError(record)

    def settle(self, *, all_: bool = False) -> None:
        """Say what has been left out, although no further line gives the occasion."""
        self.acquire()
        try:
            now = self._clock()
            for note in self._flood.notes(now, all_=all_):
                self._take(note, now)
        finally:
            self.release()

    def lines(self, *, troubles: bool = False) -> list[Line]:
        """Threads other than that of the loop may be logging."""
        self.acquire()
        try:
            return list(self._troubles if troubles else self._lines)
        finally:
            self.release()

    def _take(self, record: logging.LogRecord, now: float) -> None:
        record = copy.copy(record)
        keep(record)
        text = self.text.format(record)
        level = level_of(record)
        line = Line(now, level, text[:LONGEST_REMEMBERED])
        self._lines.append(line)
        if LEVELS[level] >= logging.WARNING:
            self._troubles.append(line)
        record.msg = record.message = text if self.formatter is None else self.formatter.format(record)
        record.args = record.exc_info = record.exc_text = record.stack_info = None
        self._writer.write(record)


class Log:
    """The log of a running daemon. `stop` writes what is queued."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigurationError when the destination can't be opened."""
        self._settings = settings
        self._target = _open(settings)
        self._writer = _Writer(self._target)
        self._handler = _Handler(self._writer, clock)
        root = logging.getLogger("agroal")
        root.propagate = False
        root.addHandler(self._handler)
        logging.getLogger("asyncio").addHandler(self._handler)
        self._heed(settings)

    @property
    def infos(self) -> int:
        """Lines of the level info since the start."""
        return self._handler.counts[LogLevel.INFO]

    @property
    def fatals(self) -> int:
        """Lines of the level fatal since the start."""
        return self._handler.counts[LogLevel.FATAL]

    @property
    def warnings(self) -> int:
        """Lines of the level warn since the start."""
        return self._handler.counts[LogLevel.WARN]

    @property
    def errors(self) -> int:
        """Lines of the levels error and fatal since the start."""
        return self._handler.counts[LogLevel.ERROR] + self.fatals

    def tail(self, level: LogLevel, lines: int) -> list[Line]:
        """The last of the remembered lines that are at least as grave as `level`, oldest first; always as text."""
        grave = [line for line in self._handler.lines() if LEVELS[line.level] >= LEVELS[level]]
        return grave[-lines:] if lines > 0 else []

    def troubles(self, after: float) -> list[Line]:
        """The remembered lines of the level warn and graver that are younger, oldest first."""
        return [line for line in self._handler.lines(troubles=True) if line.at > after]

    def settle(self) -> None:
        """To be called now and then: says how many lines have been left out."""
        self._handler.settle()

    def reconfigure(self, settings: Settings) -> None:
        """Log as these settings say; `log_type` stays. What has been logged before is written to where it was meant.

        Raises ConfigurationError when another file is wanted and can't be opened: then everything stays.
        """
        settings = replace(settings, log_type=self._settings.log_type)
        if isinstance(self._target, LogFile):
            if settings.log_path == self._settings.log_path:
                self._writer.tell(partial(self._target.configure, settings))
            else:
                self._target = _open(settings, keep=True)
                self._writer.tell(partial(self._writer.change_to, self._target))
        self._settings = settings
        self._heed(settings)

    def reopen(self) -> None:
        """Open the log file anew, after it has been moved away. Another destination has nothing to open."""
        if isinstance(self._target, LogFile):
            self._writer.tell(self._target.reopen)

    def stop(self) -> None:
        """Write what is queued, and close."""
        for name in ("agroal", "asyncio"):
            logging.getLogger(name).removeHandler(self._handler)
        self._handler.settle(all_=True)
        self._writer.stop()
        if self._writer.dropped:
            sys.stderr.write(f"agroal: {self._writer.dropped} log lines were dropped: their destination was too slow\n")

    def _heed(self, settings: Settings) -> None:
        stamp = "" if _has_a_clock(settings.log_type) else settings.log_line_prefix
        self._handler.text = text = LineFormatter(stamp)
        match settings.log_type, settings.log_format:
            case LogType.JOURNALD, _:
                self._handler.setFormatter(LineFormatter("", with_level=False))
            case _, LogFormat.JSON:
                self._handler.setFormatter(JsonFormatter())
            case _:
                self._handler.setFormatter(text)
        logging.getLogger("agroal").setLevel(LEVELS[settings.log_level])


def _has_a_clock(type_: LogType) -> bool:
    """Whether who gets the lines says itself when they came."""
    match type_:
        case LogType.FILE:
            return False
        case LogType.CONSOLE:
            return _console_is_the_journal()
        case LogType.SYSLOG | LogType.JOURNALD:
            return True


def _console_is_the_journal() -> bool:
    return takes_standard_error(os.environ.get("JOURNAL_STREAM", ""))


def _open(settings: Settings, *, keep: bool = False) -> logging.Handler:
    """`keep`: go on with a file that is there, even if `log_mode` is create."""
    try:
        match settings.log_type:
            case LogType.CONSOLE:
                return _Prioritised(sys.stderr) if _console_is_the_journal() else logging.StreamHandler(sys.stderr)
            case LogType.FILE:
                return LogFile(settings, keep=keep)
            case LogType.SYSLOG:
                os.stat(SYSLOG)  # the handler says nothing when nobody is there
                return _Syslog(address=SYSLOG)
            case LogType.JOURNALD:
                return Journal(JOURNAL)
    except OSError as error:
        key = "log_path" if settings.log_type == LogType.FILE else "log_type"
        raise ConfigurationError([Problem("agroal", 0, key, f"can't open the log: {error}")]) from error


class _Syslog(logging.handlers.SysLogHandler):
    """RFC 3164 lines to the local daemon, from `agroal`."""

    ident = "agroal: "

    def mapPriority(self, levelName: str) -> str:  # noqa: N802, N803 (the names are those of logging)
        """A level of our own is finer than all that syslog knows."""
        return self.priority_map.get(levelName, "debug")


class _Prioritised(logging.StreamHandler[TextIO]):
    """Standard error as systemd wants it: each line with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(prioritised(super().format(record).split("\n"), level_of(record)))
