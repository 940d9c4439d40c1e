"""A client's hold on servers in the transaction pipeline: how it takes one that stands by, and leaves it again.

Taking and leaving is done for every transaction, so what is usual about it is here, and the rest is said to a `Joint`.
This is the readable reference; `_relays.pyx` has its compiled twin.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from agroal.errors import ProtocolViolation
from agroal.net.pump import Channel, nothing
from agroal.net.rank import CHECKED, Rank
from agroal.net.relays import Answers, Requests
from agroal.net.stopwatch import Stopwatch
from agroal.net.traffic import Traffic
from agroal.pipeline.outfit import Outfit
from agroal.pipeline.turn import Turn

if TYPE_CHECKING:
    from agroal.net.server import Server


FRESH: Final = 0.001
"""Seconds after which a server that stands by is looked at before it is taken: it may have hung up.

Before that, what it may have said since is as likely to come just after the look as before it. Whoever gets it then
does not mistake it for an answer: the tally knows what is owed.
"""


class Joint(Protocol):
    """Whoever has the client, and knows where there are servers."""

    def take(self) -> bool:
        """The client, which has no server, has said something: whether it has one now."""

    def rest(self) -> None:
        """The turn is over, and somebody has to look at what is left of it, or to hear of the server."""

    def server_hung_up(self) -> None:
        """The server is gone, while nothing was read of it, or it can't be sent to any more."""

    def heard_while_waiting(self) -> None:
        """The client has said more, or has hung up."""

    def source_ended(self, flow: Requests | Answers) -> None:
        """The source closed its connection, or it broke."""

    def sink_gone(self, flow: Requests | Answers) -> None:
        """The sink does not take anything any more."""

    def terminated(self, flow: Requests | Answers) -> None:
        """The client said Terminate; everything before it has been passed on, or is kept."""

    def violated(self, flow: Requests | Answers, error: ProtocolViolation) -> None:
        """The source sent what the protocol does not allow."""

    def prepare(self, lease: Any) -> None:
        """The client, which waits, has this server when it has got the client's settings."""

    def enroll(self, since: float) -> None:
        """The client has stood in line since then, and is to wait in the pool's queue."""

    def again(self, batch: bytes) -> None:
        """This has to be sent to the server once more."""


class Hand:
    """A client's hold on servers: which it has, and how it takes and leaves one that stands by."""

    __slots__ = (
        "_hung_up",
        "_joint",
        "_left",
        "_mark",
        "_relay",
        "_resume",
        "_seen",
        "_tally",
        "_turn",
        "answers",
        "client",
        "counted",
        "holder",
        "holds",
        "lease",
        "outfit",
        "rank",
        "requests",
        "since",
        "watch",
    )

    def __init__(self, joint: Joint, client: Channel, turn: Turn) -> None:
        self._joint = joint
        self._turn = turn
        self._tally = turn.tally
        self._seen = turn.seen
        self._left = turn.traces.left
        self.client = client
        self.holder: Any = None
        """Whose hand it is, for others."""
        self.rank: Rank | None = None
        """Where servers for it stand by; None: each has to be looked at before."""
        self.outfit: Outfit | None = None
        """The settings that it wants a server to have."""
        self.watch: Stopwatch | None = None
        """Measures what its client asks for."""
        self.since = 0.0
        """When it began to stand in line."""
        self.lease: Any = None
        """Of `daemon.lease`, whose holder is this hand's."""
        self.holds: Server | None = None
        """The server that it has now."""
        self.counted: Server | None = None
        """The one whose traffic the counters show since they were last looked at."""
        self._mark = Traffic()
        """What had been relayed when that was last counted."""
        self.requests = Requests(self, joint, client, turn)
        self.answers = Answers(self, joint, client, turn)
        self._resume = client.resume
        self._relay = self.answers.relay
        self._hung_up = joint.server_hung_up

    def take_standby(self) -> bool:
        """Take a server that stands by and needs nothing done to it: the one it had before, or the last one back."""
        if self.rank is None:
            return False
        leases, outfit, before = self.rank.leases, self.outfit, self.counted
        best = -1
        for at in range(len(leases) - 1, -1, -1):
            server = leases[at].server
            if server.outfit is outfit:
                if server is before:
                    best = at
                    break
                if best < 0:
                    best = at
        if best < 0:
            return False
        lease = leases[best]
        if monotonic() > lease.rested + FRESH and lease.channel.peek() is not None:
            return False
        del leases[best]
        lease.turns += 1
        lease.session = self.holder
        self.hold(lease)
        return True

    def hold(self, lease: Any) -> None:
        """It has this server."""
        turn, tally, channel = self._turn, self._tally, lease.channel
        server: Server = lease.server
        if server is not self.counted:
            self.count()
            self.counted = server
        self.lease, self.holds = lease, server
        self.requests.sink = self.answers.source = channel
        turn.luggage = luggage = server.luggage
        tally.parameters = server.parameters
        unnamed = tally.unnamed
        tally.stale = luggage.unnamed is not unnamed or (unnamed is not None and turn.unnamed_needs_more)
        channel.on_drained = self._resume
        channel.attend(self._relay, self._hung_up)
        if self.client.unsent:
            channel.pause()

    def count(self) -> None:
        """Add what was relayed since this was last called to the totals of the server that it was with."""
        if self.counted is None:
            return
        tally, totals, mark = self._tally, self.counted.totals, self._mark
        self._mark = now = Traffic(tally.queries, tally.transactions, self.requests.passed, self.answers.passed)
        totals.queries += now.queries - mark.queries
        totals.transactions += now.transactions - mark.transactions
        totals.bytes_in += now.bytes_in - mark.bytes_in
        totals.bytes_out += now.bytes_out - mark.bytes_out

    def stand_in_line(self) -> bool:
        """Wait for one to come back, if nothing else can help. Whether it does."""
        if self.rank is None or not self.rank.join(self):
            return False
        self.requests.stash()
        return True

    def go_on(self) -> None:
        """The client may say what it was stopped at."""
        client = self.client
        said, client.unread = client.unread, b""
        self.requests.waiting = False
        client.pump.buffer[: len(said)] = said
        client.resume()
        if said:
            self.requests.pass_on(len(said))

    def enroll(self) -> None:
        """It stands in line no more, and waits elsewhere."""
        self._joint.enroll(self.since)

    def receive(self, lease: Any) -> None:
        """It has waited, and this is its server."""
        if lease.server.outfit is self.outfit:
            self.hold(lease)
            self.go_on()
        else:
            self._joint.prepare(lease)

    def leave(self) -> None:
        """It has it no more. Whoever has the server now attends it."""
        tally, server = self._tally, self.holds
        assert server
        server.channel.on_drained = nothing
        if not tally.stale:
            server.luggage.unnamed = tally.unnamed
        tally.retry = None
        self.lease = self.holds = self.requests.sink = None

    def rest(self) -> None:
        """The turn is over: the server goes to the first in line, or stands by, if there is nothing more to it."""
        tally, rank, lease = self._tally, self.rank, self.lease
        if (
            rank is None
            or not rank.open
            or rank.ahead
            or tally.tags
            or tally.reported
            or self._seen
            or self._left
            or lease.server.cancels
            or monotonic() > lease.checked + CHECKED
        ):
            self._joint.rest()
            return
        self.leave()
        if rank.line:
            rank.pass_on(lease)
        else:
            rank.stand_by(lease)
