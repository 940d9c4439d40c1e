"""The `disconnect_client` keys: clients from whom nothing has been heard for that long."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from agroal.config.units import spell_duration
from agroal.errors import IdleTooLong

if TYPE_CHECKING:
    from agroal.config.model import Settings
    from agroal.daemon.session import Session

LOOKS = 10
"""How often a client is looked at within the time that it may be idle; at most once a second."""


class Idleness:
    """What each client had sent and received when it was last seen to do so."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int, float]] = {}
        self._looked = -math.inf

    def look(self, sessions: Iterable[Session], settings: Settings, now: float) -> None:
        """Disconnect who has been idle for too long. Call it once a second."""
        longest = settings.disconnect_client
        if not longest:
            self._seen.clear()
            return
        if now < self._looked + longest / LOOKS:
            return
        self._looked = now
        seen: dict[int, tuple[int, int, float]] = {}
        for session in sessions:
            if (link := session.link) is None or link.parting:
                continue
            traffic = link.requests.passed, link.answers.passed
            *before, since = self._seen.get(session.number, (-1, -1, now))
            works = link.tally.owed > 0 and not settings.disconnect_client_force
            if works or tuple(before) != traffic:
                since = now
            seen[session.number] = *traffic, since
            if now - since >= longest:
                idle = f"nothing crossed it for {spell_duration(longest)} (disconnect_client)"
                session.terminate(IdleTooLong("terminating connection due to idle-session timeout", detail=idle))
        self._seen = seen
