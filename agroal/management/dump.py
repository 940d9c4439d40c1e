"""What the flight recorder has written."""

from __future__ import annotations

from dataclasses import dataclass

from agroal.management.record import Line, Record


@dataclass(frozen=True, slots=True)
class Dump(Record):
    """A file of the daemon's host, for `agroal-top --replay`."""

    path: Line
    bytes: int
    """Of the file; in a dry run, of what is kept in memory."""
    span_us: int
    """From the first picture to the last."""
    frames: int
    """Pictures."""
    events: int
    lines: int
    """Of the log."""
