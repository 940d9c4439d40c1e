"""What happened to the daemon that somebody will ask for: numbered, the last thousand kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from agroal.management.record import Line, Record, Token
from agroal.management.times import microseconds, wall_time

KEPT: Final = 1000


class EventKind(StrEnum):
    """What can happen."""

    STARTED = "started"
    STOPPING = "stopping"
    STOP_CANCELLED = "stop-cancelled"
    RELOADED = "reloaded"
    RELOAD_FAILED = "reload-failed"
    COMMAND = "command"
    SERVER_DOWN = "server-down"
    SERVER_UP = "server-up"
    POOL_FAILING = "pool-failing"
    POOL_RECOVERED = "pool-recovered"
    PAUSED = "paused"
    RESUMED = "resumed"
    LIMIT_REACHED = "limit-reached"
    LIMIT_CLEARED = "limit-cleared"
    AUTHENTICATION_FAILURES = "authentication-failures"
    RECORDED = "recorded"

    @property
    def level(self) -> str:
        """How grave it is, in the words of `log_level`."""
        return "warn" if self in _GRAVE else "info"


_GRAVE: Final = {
    EventKind.RELOAD_FAILED,
    EventKind.SERVER_DOWN,
    EventKind.POOL_FAILING,
    EventKind.LIMIT_REACHED,
    EventKind.AUTHENTICATION_FAILURES,
}


@dataclass(frozen=True, slots=True)
class Event(Record):
    seq: int
    """Counts from 1. A gap in what a reader gets means that it was too slow for the ring."""
    mono_us: int
    wall: Token
    """RFC 3339, UTC"""
    kind: Token
    level: Token
    """info or warn"""
    text: Line


class Events:
    """The ring. `listener` is called with each event as it is added."""

    def __init__(self, listener: Callable[[Event], object]) -> None:
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._listener = listener
        self._last = 0

    def add(self, kind: EventKind, text: str, mono: float, wall: float) -> None:
        """`mono` is seconds on the daemon's clock, `wall` seconds since 1970."""
        self._last += 1
        event = Event(self._last, microseconds(mono), wall_time(wall), kind.value, kind.level, text)
        self._kept.append(event)
        self._listener(event)

    def after(self, seq: int) -> list[Event]:
        """Those with a greater number, oldest first."""
        first = self._last - len(self._kept)
        return list(islice(self._kept, max(0, seq - first), None))
