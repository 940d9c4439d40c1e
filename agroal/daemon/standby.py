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
from agroal.pool.slot import PoolKey

MOMENT: Final = 0.25
"""Seconds that the core may believe a server to be in use that is here."""


class Rank:
    """The servers of one pool key that stand by. `net.relays.Hand` takes and adds."""

    __slots__ = ("_standby", "leases")

    def __init__(self, standby: Standby) -> None:
        self._standby = standby
        self.leases: list[Lease] = []
        """The last one back is the last."""

    @property
    def closed(self) -> bool:
        return self._standby.closed

    @property
    def queue(self) -> Sized:
        return self._standby.queue

    def arm(self) -> None:
        self._standby.arm()

    def best(self) -> Lease | None:
        """Take out the one that was wanted last; None when there is none."""
        return self.leases.pop() if self.leases else None


class Standby:
    """All of them. `put_back` tells the core that one is free; `queue` is who waits, of all keys."""

    def __init__(self, put_back: Callable[[Lease], None], queue: Sized, may: Callable[[], bool]) -> None:
        """`may`: whether any server may stand by, as the core has it."""
        self.queue = queue
        self.closed = False
        """As was found the last time."""
        self._put_back = put_back
        self._may = may
        self._ranks: dict[PoolKey, Rank] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(len(rank.leases) for rank in self._ranks.values())

    def rank(self, key: PoolKey) -> Rank:
        """Those of one key."""
        return self._ranks.setdefault(key, Rank(self))

    def arm(self) -> None:
        """There is one now: it is recalled in a moment."""
        if self._timer is None:
            self._timer = self._loop.call_later(MOMENT, self.recall)

    def remove(self, lease: Lease) -> None:
        """It is not here any more."""
        self.rank(lease.key).leases.remove(lease)

    def recall(self) -> None:
        """Tell the core of all."""
        self.closed = not self._may()
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        for rank in self._ranks.values():
            leases, rank.leases = rank.leases, []
            for lease in leases:
                self._put_back(lease)
