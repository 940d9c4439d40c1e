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
import time
from typing import Final

from agroal.config.model import LogLevel, LogMode, LogType, Settings
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


_Lines = queue.Queue[logging.LogRecord | None]
"""None is the end."""


class _QueueHandler(logging.handlers.QueueHandler):
    """Formats on the loop, which is quick, and leaves the writing to the listener's thread."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__(lines)
        self.dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _QueueListener(logging.handlers.QueueListener):
    """Its end waits for a place in the queue: a full one is no reason not to stop."""

    def __init__(self, lines: _Lines, target: logging.Handler) -> None:
        super().__init__(lines, target)
        self._lines = lines

    def enqueue_sentinel(self) -> None:
        self._lines.put(None)


class Log:
    """The log of a running daemon. `stop` writes what is queued."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError when the destination can't be opened."""
        self._lines: _Lines = queue.Queue(QUEUED_LINES)
        self._target = _open(settings)
        self._handler = _QueueHandler(self._lines)
        prefix = "" if settings.log_type == LogType.SYSLOG else settings.log_line_prefix
        self._handler.setFormatter(LineFormatter(prefix))
        self._listener = _QueueListener(self._lines, self._target)
        root = logging.getLogger("agroal")
        root.propagate = False
        root.setLevel(LEVELS[settings.log_level])
        root.addHandler(self._handler)
        logging.getLogger("asyncio").addHandler(self._handler)
        self._listener.start()

    def stop(self) -> None:
        """Write what is queued, and close."""
        for name in ("agroal", "asyncio"):
            logging.getLogger(name).removeHandler(self._handler)
        self._listener.stop()
        if self._handler.dropped:
            sys.stderr.write(
                f"agroal: {self._handler.dropped} log lines were dropped: their destination was too slow\n"
            )
        self._target.close()


def _open(settings: Settings) -> logging.Handler:
    try:
        match settings.log_type:
            case LogType.CONSOLE:
                return logging.StreamHandler(sys.stderr)
            case LogType.FILE:
                path = time.strftime(str(settings.log_path))
                mode = "a" if settings.log_mode == LogMode.APPEND else "w"
                return logging.FileHandler(path, mode, encoding="utf-8")
            case LogType.SYSLOG:
                os.stat(SYSLOG)  # the handler says nothing when nobody is there
                return _Syslog(address=SYSLOG)
    except OSError as error:
        key = "log_path" if settings.log_type == LogType.FILE else "log_type"
        raise ConfigurationError([Problem("agroal", 0, key, f"can't open the log: {error}")]) from error


class _Syslog(logging.handlers.SysLogHandler):
    """RFC 3164 lines to the local daemon, from `agroal`."""

    ident = "agroal: "
