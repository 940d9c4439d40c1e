"""What keeps a flood of like lines from filling a disk: some are written, the rest is counted, and that is written.

Like lines are those that a client can cause as often as it wants to (it is refused, it breaks the protocol), slow
statements with the same fingerprint, and internal errors with their tracebacks. That clients come and go, if it is
asked for, what administrators do, and what happens to the daemon is always written.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Final

from agroal.daemon.about import What, fields_of, said
from agroal.management.phrases import counted

BURST: Final = 100
"""Like lines that are written within a PERIOD."""
PERIOD: Final = 10.0
"""Seconds."""
KINDS: Final = 500
"""Kinds of lines that are told apart at a time; those beyond count as one."""

_LIMITED: Final = frozenset((What.REFUSED, What.VIOLATION, What.CONNECT_FAILED, What.SLOW_STATEMENT))

_FILLED_IN: Final = re.compile(r"%[a-z]")
_Kind = tuple[str, int, str, str]
_BEYOND: Final = ("agroal.log", logging.WARNING, "lines of other kinds", "")


@dataclass(slots=True)
class _Count:
    since: float
    lines: int = 0

    @property
    def left_out(self) -> int:
        return max(0, self.lines - BURST)


class Flood:
    """Counts by kind: the logger, the level, the words without what is filled in, the reason or the fingerprint."""

    def __init__(self) -> None:
        self._counts: dict[_Kind, _Count] = {}
        self._ends = 0.0
        """When the first of the counts is over; there is nothing to look for before."""

    def passes(self, record: logging.LogRecord, now: float) -> bool:
        """Whether to write this line."""
        fields = fields_of(record)
        if not record.exc_info and fields.get("event") not in _LIMITED:
            return True
        reason = fields.get("reason") or fields.get("fingerprint", "")
        kind: _Kind = record.name, record.levelno, str(record.msg), reason
        if kind not in self._counts and len(self._counts) >= KINDS:
            kind = _BEYOND
        if not self._counts:
            self._ends = now + PERIOD
        count = self._counts.setdefault(kind, _Count(now))
        count.lines += 1
        return count.lines <= BURST

    def notes(self, now: float, *, all_: bool = False) -> list[logging.LogRecord]:
        """How many lines have been left out, once for each kind and period that is over, or for all that began."""
        if not self._counts or (now < self._ends and not all_):
            return []
        over = {kind: count for kind, count in self._counts.items() if all_ or now >= count.since + PERIOD}
        for kind in over:
            del self._counts[kind]
        self._ends = min((count.since for count in self._counts.values()), default=now) + PERIOD
        return [_note(kind, count) for kind, count in over.items() if count.left_out]


def _note(kind: _Kind, count: _Count) -> logging.LogRecord:
    name, level, words, reason = kind
    fields = said(event=What.LEFT_OUT, reason=reason, count=count.left_out)
    like = _FILLED_IN.sub("…", words) + (f" ({reason})" if reason else "")
    text = "left out within %g s: %s like “%s”"
    record = logging.LogRecord(name, level, "", 0, text, (PERIOD, counted(count.left_out, "line"), like), None)
    vars(record).update(fields)
    return record
