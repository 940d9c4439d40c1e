"""Signals that end a program which has started others.

A signal never interrupts us just anywhere: it is noted, and acted upon where we wait for a program (`pulse`). So
nothing can have been started without being known to those who clean up, and cleaning up is not interrupted itself.
"""

from __future__ import annotations

import signal
from types import FrameType


class Interrupted(Exception):
    """The user, or the system, wants us to end."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP, noted."""

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.number = number

    def check(self) -> None:
        if self.number:
            raise Interrupted
