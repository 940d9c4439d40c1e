"""What a line of the log looks like: as text for people, as JSON for programs.

What came from outside is in it only after control characters have been made visible, in JSON too: no client writes a
line of its own, or to the terminal of whoever reads what a program has decoded.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from typing import Final

from agroal.config.model import LogLevel
from agroal.daemon.about import fields_of

TRACE: Final = 5
LEVELS: Final = {
    LogLevel.FATAL: logging.CRITICAL,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARN: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.TRACE: TRACE,
}
LONGEST_MESSAGE: Final = 8192
"""Characters. Nothing that PostgreSQL or a client says makes a line longer."""
LONGEST_TRACE: Final = 32_768
"""Characters of a traceback. Its end says what went wrong."""

_VISIBLE: Final = (
    {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
    | {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    | {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
)
"""C0, DEL and C1 control characters, line separators, and what turns the direction of writing around."""


def visible(text: str) -> str:
    """The text with every control character spelled out."""
    return text.translate(_VISIBLE).encode("utf-8", "backslashreplace").decode()


def level_of(record: logging.LogRecord) -> LogLevel:
    """In the words of `log_level`. One between ours counts as the next less grave."""
    return next((level for level, least in LEVELS.items() if record.levelno >= least), LogLevel.TRACE)


class LineFormatter(logging.Formatter):
    """`<prefix> <LEVEL> <message>`. The traceback of an internal error follows, indented."""

    def __init__(self, prefix: str, *, with_level: bool = True) -> None:
        super().__init__()
        self._prefix = prefix
        self._with_level = with_level

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime(self._prefix, time.localtime(record.created))
        level = f"{level_of(record).upper():5} " if self._with_level else ""
        line = f"{stamp} {level}{_message(record)}"
        line += "".join(f"\n    {part}" for part in _trace(self, record))
        return line.lstrip()


class JsonFormatter(logging.Formatter):
    """One object, in ASCII. docs/logging.md has its members."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        fields = {name: visible(value) if isinstance(value, str) else value for name, value in _fields(record)}
        members: dict[str, object] = {
            "time": at.replace("+00:00", "Z"),
            "level": level_of(record),
            "logger": record.name,
            "message": _message(record),
            **fields,
        }
        if trace := _trace(self, record):
            members["traceback"] = "\n".join(trace)
        return json.dumps(members, separators=(",", ":"))


def _fields(record: logging.LogRecord) -> list[tuple[str, object]]:
    return [(name, value) for name, value in fields_of(record).items() if value is not None]


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[:LONGEST_MESSAGE]}… ({len(text) - LONGEST_MESSAGE} more characters)"
    return visible(text)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    """Its lines, without what is harmful in them."""
    if not record.exc_info:
        return []
    return [visible(line) for line in formatter.formatException(record.exc_info)[-LONGEST_TRACE:].splitlines()]
