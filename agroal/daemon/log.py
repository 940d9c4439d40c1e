"""Where log lines go. Nothing is written on the event loop: a thread takes the lines from a bounded queue.

One event is one line: `<prefix> <LEVEL> <message>`. What came from outside is in it only after control characters
have been made visible, so that no client can write a line of its own, or to the terminal of whoever reads it.
"""

from __future__ import annotations

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
from typing import Final

from agroal.config.model import LogLevel, LogType, Settings
from agroal.daemon.logfile import LogFile
from agroal.errors import ConfigurationError, Problem

TRACE: Final = 5
LEVELS: Final = {
    LogLevel.FATAL: logging.CRITICAL,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARN: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.TRACE: TRACE,
}
NAMES: Final = {number: level.value.upper() for level, number in LEVELS.items()}
QUEUED_LINES: Final = 10_000
"""Lines that may wait for a disk that stalls. Further ones are dropped, and counted."""
REMEMBERED_LINES: Final = 1000
SYSLOG: Final = "/dev/log"
"""Where the local syslog daemon listens."""

_VISIBLE: Final = (
    {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
    | {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    | {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
)
"""C0, DEL and C1 control characters, line separators, and what turns the direction of writing around."""


def visible(text: str) -> str:
    """The text with every control character spelled out."""
    return text.translate(_VISIBLE).encode("utf-8", "backslashreplace").decode()


class LineFormatter(logging.Formatter):
    """One event, one line; the traceback of an internal error follows it, indented."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def format(self, record: logging.LogRecord) -> str:
        level = NAMES.get(record.levelno, record.levelname)
        stamp = time.strftime(self._prefix, time.localtime(record.created))
        line = f"{stamp} {level:5} {visible(record.getMessage())}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {visible(part)}" for part in trace.splitlines())
        return line.lstrip()


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
    """Formats on the loop, which is quick, remembers, and leaves the writing to the thread."""

    def __init__(self, writer: _Writer, clock: Callable[[], float]) -> None:
        super().__init__(writer.queue)
        self._writer = writer
        self._clock = clock
        self._lines: deque[Line] = deque(maxlen=REMEMBERED_LINES)
        self.counts: Counter[LogLevel] = Counter()

    def enqueue(self, record: logging.LogRecord) -> None:
        level = next((level for level, least in LEVELS.items() if record.levelno >= least), LogLevel.TRACE)
        self.counts[level] += 1
        self._lines.append(Line(self._clock(), level, record.getMessage()))
        self._writer.write(record)

    def lines(self) -> list[Line]:
        """Threads other than that of the loop may be logging."""
        self.acquire()
        try:
            return list(self._lines)
        finally:
            self.release()


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
    def warnings(self) -> int:
        """Lines of the level warn since the start."""
        return self._handler.counts[LogLevel.WARN]

    @property
    def errors(self) -> int:
        """Lines of the levels error and fatal since the start."""
        return self._handler.counts[LogLevel.ERROR] + self._handler.counts[LogLevel.FATAL]

    def tail(self, level: LogLevel, lines: int) -> list[Line]:
        """The last of the remembered lines that are at least as grave as `level`, oldest first."""
        grave = [line for line in self._handler.lines() if LEVELS[line.level] >= LEVELS[level]]
        return grave[-lines:] if lines > 0 else []

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
        self._writer.stop()
        if self._writer.dropped:
            sys.stderr.write(f"agroal: {self._writer.dropped} log lines were dropped: their destination was too slow\n")

    def _heed(self, settings: Settings) -> None:
        prefix = "" if settings.log_type == LogType.SYSLOG else settings.log_line_prefix
        self._handler.setFormatter(LineFormatter(prefix))
        logging.getLogger("agroal").setLevel(LEVELS[settings.log_level])


def _open(settings: Settings, *, keep: bool = False) -> logging.Handler:
    """`keep`: go on with a file that is there, even if `log_mode` is create."""
    try:
        match settings.log_type:
            case LogType.CONSOLE:
                return logging.StreamHandler(sys.stderr)
            case LogType.FILE:
                return LogFile(settings, keep=keep)
            case LogType.SYSLOG:
                os.stat(SYSLOG)  # the handler says nothing when nobody is there
                return _Syslog(address=SYSLOG)
    except OSError as error:
        key = "log_path" if settings.log_type == LogType.FILE else "log_type"
        raise ConfigurationError([Problem("agroal", 0, key, f"can't open the log: {error}")]) from error


class _Syslog(logging.handlers.SysLogHandler):
    """RFC 3164 lines to the local daemon, from `agroal`."""

    ident = "agroal: "
