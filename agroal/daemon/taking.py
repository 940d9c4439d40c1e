"""How a client of the transaction pipeline gets a server for each of its transactions, and what it takes along.

Usually a free server is there and has the client's settings already: then taking and giving back are a few plain calls.
Otherwise the client waits in the pool's queue, or for the one round trip that gives the server its settings.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agroal.config.choices import SessionState
from agroal.daemon.cleaning import CLEAR
from agroal.daemon.lease import Lease
from agroal.daemon.standby import best
from agroal.daemon.state import State
from agroal.errors import Cancelled, ClientFacing, PeerGone, ServerLost, StateNotKept
from agroal.net.link import Parting
from agroal.net.server import Server, Traffic
from agroal.net.turns import Place, Turns
from agroal.pipeline.between import OutOfStep, canary, dress
from agroal.pipeline.outfit import FIXED, Fitted, Outfit, changes, wanted
from agroal.pipeline.refusal import refused_request
from agroal.pipeline.turn import Turn

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")

UNKNOWN = "\0"
"""What no setting can be."""


class Taker:
    """One client, between its link and the pool. It is the Broker of the one and an Asker of the other."""

    def __init__(self, session: Session, fitted: Fitted) -> None:
        daemon = session.daemon
        self.session = session
        self.outfit: Outfit = fitted.outfit
        self.lease: Lease | None = None
        self.turn = Turn(daemon.statements, daemon.settings.max_prepared_statements)
        self.turn.dialect = self.outfit.dialect
        self.link = Turns(session.client, self.turn)
        self.link.broker = self
        self._daemon = daemon
        self._shell = daemon.pool
        self._key = session.key
        self._waiter = 0
        self._canary = daemon.settings.canary
        self._rank = daemon.pool.standby.rank(session.key)
        self._mark = Traffic()
        """What had been relayed for the client when it got the server that it has."""

    @property
    def server(self) -> Server | None:
        """The one that it has now."""
        return self.link.holds

    @property
    def situation(self) -> State:
        """What its client does just now."""
        return {Place.IDLE: State.IDLE, Place.WAITING: State.WAITING}.get(self.link.place, State.ACTIVE)

    @property
    def waits(self) -> bool:
        return self._waiter > 0

    # -- the link's Broker

    def take(self) -> bool:
        while lease := best(self._rank, self.outfit):
            server = lease.server
            if server.channel.peek() is None:
                lease.turns += 1
                lease.session = self.session
                if server.outfit is not self.outfit:
                    self.link.stash()
                    self._shell.spawn(self._prepare(lease))
                    return False
                self.lease = lease
                self.link.hold(server)
                return True
            self._shell.is_silent(lease)
        return self._take_from_core()

    def _take_from_core(self) -> bool:
        while True:
            self._waiter, lease = self._shell.take(self, self._key)
            if lease is None:
                return False
            self._waiter = 0
            if self._shell.is_silent(lease):
                break
        if lease.server.outfit is self.outfit and not self._canary:
            self._hold(lease)
            return True
        self.link.stash()
        self._shell.spawn(self._prepare(lease))
        return False

    def rest(self) -> None:
        link, tally = self.link, self.turn.tally
        lease = self.lease
        assert lease
        traces = self.turn.traces
        if (tally.tags or self.turn.seen or traces.left) and not self._may_leave(lease):
            return
        if tally.reported:
            self._has_changed(lease.server)
        self._count(lease.server)
        link.leave()
        self.lease = None
        if self._daemon.settings.server_reset_query_always:
            self._shell.clear(lease, self._daemon.settings.server_reset_query or CLEAR)
            return
        lease.session = None
        if self._canary or lease.server.cancels or not self._shell.stands_by(lease, self._rank):
            self._shell.put_back(lease)

    def leave_queue(self) -> None:
        waiter, self._waiter = self._waiter, 0
        self._shell.leave_queue(waiter)

    # -- the pool's Asker

    def queued(self) -> None:
        """It does not get a server at once."""
        if self.link.place is not Place.WAITING:
            self.link.stash()

    def granted(self, lease: Lease) -> None:
        self._waiter = 0
        if not self._shell.is_silent(lease):
            self._waiter, again = self._shell.take(self, self._key)
            if again:
                self.granted(again)
        elif lease.server.outfit is self.outfit and not self._canary:
            self._hold(lease)
            self.link.go_on()
        else:
            self._shell.spawn(self._prepare(lease))

    def refused(self, error: ClientFacing) -> None:
        self._waiter = 0
        self._answer_or_end(error)

    # -- what the session wants

    def cancel_wait(self) -> None:
        """The client does not want to wait any more."""
        if self._waiter:
            self.leave_queue()
            self._answer_or_end(Cancelled("canceling statement due to user request"))

    def _answer_or_end(self, error: ClientFacing) -> None:
        """If the client has asked for one thing only, that is refused, and it can go on."""
        client = self.link.client
        answer = refused_request(client.unread, error)
        if answer is None or client.unsent:
            self.link.refuse(error)
            return
        client.unread = b""
        try:
            client.write(answer)
        except OSError:
            self.link.part(Parting.CLIENT_GONE)
            return
        self.link.go_on()

    # -- taking

    def _hold(self, lease: Lease) -> None:
        self.lease = lease
        self.link.hold(lease.server)

    async def _prepare(self, lease: Lease) -> None:
        """Give the server this client's settings, and then the server to the client."""
        server, outfit = lease.server, self.outfit
        try:
            await fit(server, outfit.reported, outfit.others, self._daemon.settings.connect_timeout)
            if self._canary:
                await server.converse(canary(server.pid, server.parameters), self._daemon.settings.connect_timeout)
        except ClientFacing as error:
            self._shell.discard(lease)
            if not self.link.ended.done():
                self.link.refuse(error)
            return
        server.outfit = outfit
        if self.link.ended.done():
            self._shell.put_back(lease)
            return
        self._hold(lease)
        self.link.go_on()

    # -- giving back

    def _count(self, server: Server) -> None:
        tally, link, mark, totals = self.turn.tally, self.link, self._mark, server.totals
        totals.queries += tally.queries - mark.queries
        totals.transactions += tally.transactions - mark.transactions
        totals.bytes_in += link.requests.passed - mark.bytes_in
        totals.bytes_out += link.answers.passed - mark.bytes_out
        mark.queries, mark.transactions = tally.queries, tally.transactions
        mark.bytes_in, mark.bytes_out = link.requests.passed, link.answers.passed

    def _has_changed(self, server: Server) -> None:
        """The client has other settings than before; or the server has, and the client has seen it."""
        self.turn.tally.reported = False
        outfit = self._daemon.wardrobe.outfit(server.parameters, self.outfit.others)
        self.outfit = server.outfit = outfit
        self.turn.dialect = outfit.dialect

    def _may_leave(self, lease: Lease) -> bool:
        """Whether the client can do without this server. If it leaves anything behind there, the settings say."""
        reset = b"RESET" in self.turn.tally.tags or b"DISCARD ALL" in self.turn.tally.tags
        before = set(self.turn.traces.left)
        server = lease.server
        left = self.turn.leaves({name.lower() for name in server.parameters if name not in FIXED})
        if reset and not left:
            server.outfit = None  # what its start-up packet asked for has gone as well
            server.others = dict.fromkeys(self.outfit.others, UNKNOWN)
        for trace in left - before:
            self._daemon.pins[trace, self._key.user, self.session.application_name] += 1
        if not left:
            return True
        match self._daemon.settings.session_state:
            case SessionState.PIN:
                if left - before:
                    log.info("%s keeps its server: %s", self.session, "; ".join(sorted(left)))
                return False
            case SessionState.REJECT:
                self.link.refuse(StateNotKept(sorted(left)[0]))
                return False
            case SessionState.RESET:
                self._count(server)
                self.turn.traces.left.clear()
                self.turn.names.clear()
                self.link.leave()
                self.lease = None
                self._shell.clear(lease, CLEAR)
                return False
            case SessionState.WARN:
                if left - before:
                    log.warning("%s leaves something behind for others: %s", self.session, "; ".join(sorted(left)))
                self.turn.traces.left.clear()
        return True

    def end(self) -> None:
        """The client is gone. A server that it still holds is cleaned of everything, or closed."""
        lease, self.lease = self.lease, None
        if lease:
            self._count(lease.server)
            self._shell.give_back(lease, self.link, CLEAR)


async def fit(server: Server, reported: Mapping[str, str], others: Mapping[str, str], seconds: float) -> None:
    """Make a server of the transaction pipeline have these settings. Raises ServerLost, ServerRefused."""
    different = list(changes(reported, others, server.parameters, server.others))
    server.wanted = server.worn = {}
    try:
        if different:
            await server.converse(dress(different, server.parameters), seconds)
    except (PeerGone, TimeoutError, OutOfStep) as error:
        why = str(error) or "no answer in time"
        raise ServerLost(f"the server was lost while it was being prepared: {why}") from error
    server.others = dict(others)
    if server.channel.unread:
        server.fit = False
        raise ServerLost("the server said more than it was asked while it was being prepared")


async def fit_for(session: Session, settings: dict[str, str]) -> Fitted:
    """What comes of the settings that a client asks for: PostgreSQL knows, if nobody has asked for the same before.

    Raises ClientFacing, PeerGone.
    """
    daemon, shell, key = session.daemon, session.daemon.pool, session.key
    asked = frozenset(settings.items())
    if base := shell.bases.get(key):
        known = daemon.wardrobe.known((key, tuple(base.items()), asked))
        if known:
            return known
    lease = await shell.lease(session)
    server = lease.server
    try:
        reported, others = wanted(settings, server.base)
        await fit(server, reported, others, daemon.settings.connect_timeout)
    except BaseException:
        shell.discard(lease)
        raise
    server.outfit = daemon.wardrobe.outfit(server.parameters, others)
    fitted = daemon.wardrobe.fitted((key, tuple(server.base.items()), asked), server.outfit, server.parameters)
    shell.put_back(lease)
    return fitted
