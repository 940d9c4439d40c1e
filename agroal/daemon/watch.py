"""What is looked at once a second: is the loop late, is a limit reached, who is idle, does somebody guess passwords."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agroal.daemon.idleness import Idleness
from agroal.management.event import EventKind
from agroal.pool.histogram import Histogram

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

PERIOD = 1.0
"""Seconds."""
CALM = 10.0
"""Seconds without a waiter before a limit counts as not reached any more: it is news once, not with every queue."""


class Watch:
    """From `start` to `stop`."""

    def __init__(self, daemon: Daemon) -> None:
        self.lag = Histogram()
        """How late the loop was."""
        self._daemon = daemon
        self._idleness = Idleness()
        self._reached: dict[str, float] = {}
        """Caps that kept somebody waiting, and when they were last seen to."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + PERIOD
        self._timer = loop.call_at(due, self._look, due)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _look(self, due: float) -> None:
        daemon, now = self._daemon, self._daemon.now()
        self.lag.add(max(0, round((now - due) * 1e6)))
        self._look_at_limits(now)
        if daemon.output:
            daemon.output.settle()
        self._idleness.look(daemon.sessions.values(), daemon.settings, now)
        if latest := daemon.failures.burst(now):
            daemon.report(
                EventKind.AUTHENTICATION_FAILURES,
                f"many logins are refused, {daemon.failures.total} so far; the last: user={latest.user} "
                f"database={latest.database} address={latest.address}: {latest.error}",
            )
        self.start()

    def _look_at_limits(self, now: float) -> None:
        exhausted = self._daemon.pool.exhausted
        for cap in exhausted - self._reached.keys():
            self._daemon.report(EventKind.LIMIT_REACHED, f"clients wait, because this is used up: {cap}")
        self._reached |= dict.fromkeys(exhausted, now)
        for cap in [cap for cap, seen in self._reached.items() if now >= seen + CALM]:
            del self._reached[cap]
            self._daemon.report(EventKind.LIMIT_CLEARED, f"nobody has waited any more for {CALM:g} s: {cap}")
