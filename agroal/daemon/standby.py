"""What the transaction pipeline does without a word to the core, and how the core comes to know.

A server that comes back while nobody waits is wanted again within microseconds, most likely. To tell the core that it
is free, and then that it is not, costs more than the transaction needs of us otherwise. So it stands by, for whoever of
the same pool key asks next. And where all servers of a key are out, and only the return of one of them can help, who
asks for one stands in line for it (`net.rank`).

The core never decides without knowing of all this: before it is asked or told anything else, and for servers that stand
by and clients that have waited for a moment in any case, it is told. What stood by is free then, and who stood in line
is in its queue, since when they came.

Where several keys share what there is, all may have lines at once, as long as none is much worse off than another: then
the core would leave each what it has. The odd servers, which go round among them, it sees to when it is told the lines:
once in a moment, when one is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final

from agroal.daemon.lease import Lease
from agroal.net.chosen import Hand, Rank
from agroal.pool.core import Pool
from agroal.pool.slot import PoolKey

MOMENT: Final = 0.25
"""Seconds that the core may believe a server to be in use that stands by, and not know of a client that waits."""
_SINCE: Final = attrgetter("since")


class Standby:
    """The ranks of all pool keys. `put_back` tells the core that a server is free, `settle` that it knows all."""

    def __init__(
        self,
        core: Pool,
        put_back: Callable[[Lease], None],
        settle: Callable[[], None],
        may: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        """`may`: whether any server may go from client to client without a word, as the shell has it."""
        self._core = core
        self._put_back = put_back
        self._settle = settle
        self._may = may
        self._now = now
        self._ranks: dict[PoolKey, Rank] = {}
        self._open: dict[PoolKey, Rank] = {}
        """Those that the core knows not all of."""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def rank(self, key: PoolKey) -> Rank:
        """The one of this key."""
        return self._ranks.get(key) or self._ranks.setdefault(key, Rank(self))

    @property
    def is_lined(self) -> bool:
        """Whether anybody stands in line."""
        return any(self._lined)

    def take_in(self, lease: Lease) -> bool:
        """A server has come back, and the core knows of nobody who waits for it: who is first in line has it, or it
        stands by. False if it has to be put back.
        """
        rank = self.rank(lease.key)
        if rank.line:
            rank.pass_on(lease)
        elif self._open_up(lease.key, rank):
            rank.stand_by(lease)
        else:
            return False
        return True

    def prepare(self, key: PoolKey) -> None:
        """The core is to be asked for a server of this key: tell it all, unless it could do nothing with it."""
        if not self._open:
            return
        if self._is_idle or self._core.may_make_room(key) or not self._is_settled(key):
            self.recall(key)

    def line_up(self, key: PoolKey) -> None:
        """The core could not give a client of this key a server: the next ones may stand in line, if it never can."""
        rank = self.rank(key)
        if self._is_settled(key) and self._open_up(key, rank):
            rank.stuck = True

    def _is_settled(self, key: PoolKey) -> bool:
        """Whether those who ask for this key have to wait for its own servers, and nobody in line is worse off."""
        return self._core.is_waiting_in_vain(key) and self._core.is_even([key, *self._lined])

    @property
    def _is_idle(self) -> bool:
        """Whether any server stands by."""
        return any(rank.leases for rank in self._open.values())

    @property
    def _lined(self) -> Iterator[PoolKey]:
        """Where somebody stands in line."""
        return (key for key, rank in self._open.items() if rank.line)

    def _open_up(self, key: PoolKey, rank: Rank) -> bool:
        ahead = self._core.ahead(key)
        if ahead is None or not self._may():
            return False
        rank.open, rank.ahead, rank.share = True, ahead, self._core.share(key)
        self._open[key] = rank
        return True

    def arm(self) -> None:
        """There is something now that the core is to be told in a moment."""
        if self._timer is None:
            self._timer = self._loop.call_later(MOMENT, self._moment_over)

    def remove(self, lease: Lease) -> None:
        """It does not stand by any more."""
        self.rank(lease.key).leases.remove(lease)

    def recall(self, key: PoolKey | None = None) -> None:
        """Tell the core all; or all that has to do with this key."""
        if not self._open:
            return
        share = None if key is None else self._core.share(key)
        if share is None:
            ranks, self._open = self._open, {}
        else:
            ranks = {key: rank for key, rank in self._open.items() if rank.share in (None, share)}
            for key in ranks:
                del self._open[key]
        for rank in ranks.values():
            rank.open = rank.stuck = False
        for rank in ranks.values():
            leases, rank.leases = rank.leases, []
            for lease in leases:
                self._put_back(lease)
        self._enroll(self._out_of_line(ranks))

    def _enroll(self, hands: Sequence[Hand]) -> None:
        for hand in hands:
            hand.enroll()
        if hands:
            self._settle()

    def look(self) -> dict[PoolKey, Sequence[Hand]]:
        """Tell the core all but who stands in line. These stay where they are: the first to come is the first."""
        for key in [key for key, rank in self._open.items() if rank.leases]:
            self.recall(key)
        for key, rank in self._open.items():
            self._tell_waits(key, rank)
        return {key: rank.line for key, rank in self._open.items() if rank.line}

    def _out_of_line(self, ranks: Mapping[PoolKey, Rank]) -> list[Hand]:
        """Who has stood in line, the first to come first."""
        hands: list[Hand] = []
        for key, rank in ranks.items():
            hands += rank.line
            rank.line.clear()
            self._tell_waits(key, rank)
        return sorted(hands, key=_SINCE)

    def _moment_over(self) -> None:
        self._timer = None
        if self._is_idle or not self._core.is_even(self._lined, self._now()):
            self.recall()
            return
        self._enroll([hand for rank in self._open.values() for hand in self._aged(rank)])
        if self.is_lined:
            self.arm()

    def _aged(self, rank: Rank) -> Iterator[Hand]:
        """Who has stood in line for long, and does no more: the core looks after those who wait for long."""
        line, since = rank.line, self._now() - MOMENT
        while line and line[0].since <= since:
            yield line.popleft()

    def _tell_waits(self, key: PoolKey, rank: Rank) -> None:
        waits, wait_us, times = rank.take_counts()
        if waits:
            self._core.count_waits(key, waits, wait_us, times, self._now())
