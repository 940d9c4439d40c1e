"""Lines of the log, events and deeds, as rows of the same table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agroal.management.client import Event
from agroal_top import format
from agroal_top.source import LEVELS, LogLine
from agroal_top.views.listing import Column, Kind, Listing, worded
from agroal_top.views.record import Done
from agroal_top.views.text import Part, Tone

_TONES = {"fatal": Tone.ERROR, "error": Tone.ERROR, "warn": Tone.WARN, "debug": Tone.DIM, "trace": Tone.DIM}


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """Their order; the newest has the greatest."""
    time: str
    level: str
    text: str


def of_log(lines: Iterable[LogLine]) -> list[Row]:
    """The text of a line begins with its time."""
    return [Row(line.mono_us, "", line.level, line.text) for line in lines]


def of_events(events: Iterable[Event]) -> list[Row]:
    return [Row(event.seq, format.clock(event.wall), event.level, f"{event.kind}: {event.text}") for event in events]


def of_deeds(done: Iterable[Done]) -> list[Row]:
    return [
        Row(number, format.clock(one.wall), "info" if one.fine else "error", f"{one.command}  # {one.outcome}")
        for number, one in enumerate(done)
    ]


def listing(rows: list[Row]) -> Listing[Row]:
    columns = COLUMNS if any(row.time for row in rows) else COLUMNS[1:]
    return Listing(columns, rows, lambda row: (row.number, row.text), "number")


def _level(row: Row) -> Part:
    return Part(row.level.upper(), _TONES.get(row.level, Tone.PLAIN))


def _text(row: Row) -> Part:
    return Part(row.text, _TONES.get(row.level, Tone.PLAIN))


COLUMNS: tuple[Column[Row], ...] = (
    worded("time", "Time", 8, lambda row: row.time, priority=1),
    Column("level", "Level", 7, lambda row: LEVELS.index(row.level) if row.level in LEVELS else -1, _level),
    Column("text", "Text", 20, lambda row: row.text, _text, Kind.TEXT, 0, grows=True),
)
