"""Servers between two clients of the transaction pipeline: leased from the core still, and held by nobody.

A server that comes back while nobody waits is wanted again within microseconds, most likely. To tell the core that it
is free, and then that it is not, costs more than the transaction needs of us otherwise. So it stays here, for whoever
of the same pool key asks next, and best for one with the same settings.

The core never decides on a server that is here: before it is asked or told anything else, and after a moment in any
case, they are all recalled. A client that has to wait is told to the core, so while anyone waits there are none here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import Final

from agroal.daemon.lease import Lease
from agroal.pipeline.outfit import Outfit
from agroal.pool.slot import PoolKey

MOMENT: Final = 0.25
"""Seconds that the core may believe a server to be in use that is here."""


class Standby:
    """All of them. `put_back` tells the core that one is free; `queue` is who waits, of all keys."""

    def __init__(self, put_back: Callable[[Lease], None], queue: Sized) -> None:
        self._put_back = put_back
        self._queue = queue
        self._ranks: dict[PoolKey, list[Lease]] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(map(len, self._ranks.values()))

    def rank(self, key: PoolKey) -> list[Lease]:
        """Those of one key, the last one back at the end. The same list each time."""
        return self._ranks.setdefault(key, [])

    def add(self, lease: Lease, rank: list[Lease]) -> bool:
        """Let it stand by, unless somebody waits for a server."""
        if self._queue:
            return False
        if self._timer is None:
            self._timer = self._loop.call_later(MOMENT, self._moment_over)
        rank.append(lease)
        lease.server.channel.attend(lease.lost)
        return True

    def remove(self, lease: Lease) -> None:
        """It is not here any more."""
        self.rank(lease.key).remove(lease)

    def recall(self) -> None:
        """Tell the core of all."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        for rank in self._ranks.values():
            while rank:
                self._put_back(rank.pop(0))

    def _moment_over(self) -> None:
        """Those that have not been wanted since."""
        self.recall()


def best(rank: list[Lease], outfit: Outfit) -> Lease | None:
    """Take one out, if there is any: the last one back that has these settings, or else the last one back."""
    if not rank:
        return None
    if rank[-1].server.outfit is not outfit:
        for at in range(len(rank) - 2, -1, -1):
            if rank[at].server.outfit is outfit:
                return rank.pop(at)
    return rank.pop()
