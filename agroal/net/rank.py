"""The servers of one pool key between two clients of the transaction pipeline, and its clients between two servers.

A server that comes back while nobody waits *stands by* for whoever asks next. Where all servers are out, and nothing
but the return of one can help, whoever asks *stands in line*, and a server that comes back goes to the first. Either
takes a few plain calls; the pool's core is not told (`daemon.standby` says when it is).

This is the readable reference; `_relays.pyx` has its compiled twin.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Sized
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from agroal.pool.histogram import Histogram

if TYPE_CHECKING:
    from agroal.net.hand import Hand
    from agroal.net.server import Server

CHECKED: Final = 0.25
"""Seconds that a server may go from client to client without a word to the core: it may be wanted back."""


class Keeper(Protocol):
    """Who tells the core in the end."""

    def arm(self) -> None:
        """There is something to be told in a moment."""


class Hold:
    """What a hand needs of a lease (`daemon.lease`)."""

    __slots__ = ("channel", "checked", "lost", "rested", "server", "session", "turns")

    def __init__(self, server: Server, session: Any, lost: Callable[[], None], now: float) -> None:
        self.server = server
        self.channel = server.channel
        self.session: Any = session
        """Who holds it. None on stand-by, and while the server is cleaned."""
        self.lost = lost
        """To be called when its server speaks or hangs up while nobody holds it."""
        self.turns = 0
        """How many clients had it, one after the other, that the core has not been told of."""
        self.rested = now
        """When it was put on stand-by."""
        self.checked = now
        """When the core was last told."""


class Rank:
    """Of one pool key. `leases` stand by, or clients stand in `line`, never both."""

    __slots__ = ("_keeper", "_waits", "ahead", "leases", "line", "open", "share", "stuck")

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.leases: list[Any] = []
        """Of `daemon.lease`. The last one back is the last."""
        self.line: deque[Hand] = deque()
        """The first to come is the first."""
        self.open = False
        """A server that comes back may stand by, or go to the first in line."""
        self.ahead: Sized = ()
        """Those whom the core knows to wait: they go first."""
        self.share: object = None
        """What the key shares with others (`pool.passing`)."""
        self.stuck = False
        """Who finds no server may stand in line."""
        self._waits = Histogram()
        """How long clients have stood in line, as far as the core has not been told."""

    def stand_by(self, lease: Hold) -> None:
        """Nobody has this server, until somebody asks."""
        lease.session = None
        lease.rested = monotonic()
        if not self.leases:
            self._keeper.arm()
        self.leases.append(lease)
        lease.channel.attend(lease.lost)

    def best(self) -> Any:
        """Take out the one that was wanted last; None when there is none."""
        return self.leases.pop() if self.leases else None

    def join(self, hand: Hand) -> bool:
        """Stand in line, if one may."""
        if not self.stuck or self.leases:
            return False
        if not self.line:
            self._keeper.arm()
        hand.since = monotonic()
        self.line.append(hand)
        return True

    def quit(self, hand: Hand) -> bool:
        """Stand in line no more. Whether it did."""
        if hand not in self.line:
            return False
        self.line.remove(hand)
        self.count(hand)
        return True

    def pass_on(self, lease: Hold) -> None:
        """The first in line has this server."""
        hand = self.line.popleft()
        self.count(hand)
        lease.turns += 1
        lease.session = hand.holder
        hand.receive(lease)

    def count(self, hand: Hand) -> None:
        """It stood in line until now."""
        self._waits.add(int((monotonic() - hand.since) * 1e6))

    def take_counts(self) -> tuple[int, int, Sequence[int]]:
        """How many have stood in line since this was last called, for how many microseconds together, and how many for
        up to each of BOUNDS_US.
        """
        counted, self._waits = self._waits, Histogram()
        return sum(counted.counts), counted.sum, counted.counts
