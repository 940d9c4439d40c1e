"""`events` and `log tail`: what happened lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.controls import Call, LogLine
from agroal.management.event import Event
from agroal.management.layout import table
from agroal.management.record import Record

LEVELS = ("fatal", "error", "warn", "info", "debug", "trace")
LINES = 100
"""How many lines of the log are shown when nobody says."""


@dataclass(frozen=True, slots=True)
class Happened(Record):
    events: tuple[Event, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class Log(Record):
    lines: tuple[LogLine, ...]
    """Oldest first."""


async def events(call: Call, after: int = 0) -> Happened:
    return Happened(tuple(call.controls.events(after)))


async def log_tail(call: Call, lines: int = LINES, level: str = "trace") -> Log:
    return Log(tuple(call.controls.log_tail(level, lines)))


def text_events(happened: Happened) -> Iterator[str]:
    rows = [(event.seq, event.wall, event.level, event.kind, event.text) for event in happened.events]
    return table(("number", "time", "level", "event", "what happened"), rows)


def text_log(log: Log) -> Iterator[str]:
    return (line.text for line in log.lines)
