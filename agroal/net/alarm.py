"""Time limits that are nearly always called off: of the many that there are, the event loop knows only the next.

A timer of the loop costs as much as a message. Most limits are for conversations that are over within a millisecond,
and there are only a handful of lengths; so those of one length stand in a row in the order in which they end, and
whoever is in time just leaves the row.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from threading import get_ident

from agroal.net.pump import nothing


class Alarm:
    """Calls once, in so many seconds, unless it is cancelled."""

    __slots__ = ("_row", "at", "call")

    def __init__(self, row: dict[Alarm, None], at: float, call: Callable[[], None]) -> None:
        self._row = row
        self.at = at
        self.call = call
        row[self] = None

    def cancel(self) -> None:
        """Idempotent."""
        self._row.pop(self, None)
        self.call = nothing  # it may be of who has this alarm: neither is to keep the other


class Alarms:
    """All of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = get_ident()
        """Where the loop runs."""
        self._rows: dict[float, dict[Alarm, None]] = {}
        """By their length in seconds, each in the order in which it was set."""
        self._timer: asyncio.TimerHandle | None = None
        self._next = math.inf
        """When the loop wakes us; it may be too early."""

    def __len__(self) -> int:
        """How many are set."""
        return sum(map(len, self._rows.values()))

    def set(self, seconds: float, call: Callable[[], None]) -> Alarm:
        row = self._rows.get(seconds)
        if row is None:
            row = self._rows[seconds] = {}
        made = Alarm(row, self.loop.time() + seconds, call)
        if made.at < self._next:
            self._wake_at(made.at)
        return made

    def _wake_at(self, at: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._next = at
        self._timer = self.loop.call_at(at, self._look)

    def _look(self) -> None:
        self._timer, self._next = None, math.inf
        now = self.loop.time()
        try:
            for row in list(self._rows.values()):
                while (first := next(iter(row), None)) and first.at <= now:
                    ring = first.call
                    first.cancel()
                    ring()
        finally:
            self._rows = {seconds: row for seconds, row in self._rows.items() if row}
            if self._rows:
                self._wake_at(min(next(iter(row)).at for row in self._rows.values()))


_latest: Alarms | None = None


def alarms() -> Alarms:
    """Those of the running loop."""
    global _latest
    ours = _latest
    if ours is None or not ours.loop.is_running() or ours.thread != get_ident():  # to ask which runs is a system call
        ours = _latest = Alarms(asyncio.get_running_loop())
    return ours


def alarm(seconds: float, call: Callable[[], None]) -> Alarm:
    """Set one on the running loop."""
    return alarms().set(seconds, call)
