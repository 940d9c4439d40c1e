"""How a client of the transaction pipeline gets a server for each of its transactions, and what it takes along.

Usually a free server is there and has the client's settings already: then taking and giving back are a few plain calls.
Otherwise the client waits in the pool's queue, or for the one round trip that gives the server its settings.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agroal.config.choices import SessionState
from agroal.daemon.cleaning import CLEAR
from agroal.daemon.fitting import fit
from agroal.daemon.lease import Lease
from agroal.daemon.slow import stopwatch
from agroal.daemon.state import State
from agroal.errors import Cancelled, ClientFacing, ServerLost, StateNotKept
from agroal.net.link import Parting
from agroal.net.server import Server
from agroal.net.turns import Place, Turns
from agroal.pipeline.between import canary
from agroal.pipeline.outfit import FIXED, Fitted, Outfit
from agroal.pipeline.refusal import refused_request
from agroal.pipeline.turn import Turn

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")

UNKNOWN = "\0"
"""What no setting can be."""
MOST_PINS = 1000
"""Users and applications that are counted by name: clients choose what they are called."""


class Taker:
    """One client, between its link and the pool. It is the Broker of the one and an Asker of the other."""

    def __init__(self, session: Session, fitted: Fitted) -> None:
        daemon = session.daemon
        self.session = session
        self.turn = Turn(daemon.statements, daemon.settings.max_prepared_statements)
        self.link = Turns(session.client, self.turn)
        self.link.broker = self
        self.link.measure(stopwatch(session))
        self._daemon = daemon
        self._shell = daemon.pool
        self._key = session.key
        self._waiter = 0
        self._canary = daemon.settings.canary
        self._rank = daemon.pool.standby.rank(session.key)
        self._hand = self.link.hand
        self._hand.holder = session
        if not (self._canary or daemon.settings.server_reset_query_always):
            self._hand.rank = self._rank
        self._wear(fitted.outfit)

    @property
    def lease(self) -> Lease | None:
        """The one that it has now."""
        lease: Lease | None = self._hand.lease
        return lease

    def _wear(self, outfit: Outfit) -> None:
        self.outfit = self._hand.outfit = outfit
        self.turn.dialect = outfit.dialect

    @property
    def server(self) -> Server | None:
        """The one that it has now."""
        return self._hand.holds

    @property
    def situation(self) -> State:
        """What its client does just now."""
        return {Place.IDLE: State.IDLE, Place.WAITING: State.WAITING}.get(self.link.place, State.ACTIVE)

    @property
    def waits(self) -> bool:
        return self._waiter > 0

    # -- the link's Broker

    def take(self) -> bool:
        while self._hand.rank and (lease := self._rank.best()):  # one that has to be prepared, or is lost
            lease.turns += 1
            lease.session = self.session
            if self._shell.is_silent(lease):
                return self._has(lease) or self._waits_with_it()
        while True:
            self._waiter, granted = self._shell.take(self, self._key)
            if granted is None:
                return False
            self._waiter = 0
            if self._shell.is_silent(granted):
                return self._has(granted) or self._waits_with_it()

    def _has(self, lease: Lease) -> bool:
        """The client has this server now; False when that has to be given the client's settings before."""
        if lease.server.outfit is self.outfit and not self._canary:
            self._hand.hold(lease)
            return True
        self.prepare(lease)
        return False

    def _waits_with_it(self) -> bool:
        self.link.stash()
        return False

    def rest(self) -> None:
        tally, lease = self.turn.tally, self.lease
        assert lease
        if (tally.tags or self.turn.seen or self.turn.traces.left) and not self._may_leave(lease):
            return
        if tally.reported:
            self._has_changed(lease.server)
        self._hand.leave()
        if self._daemon.settings.server_reset_query_always:
            self._shell.clear(lease, self._daemon.settings.server_reset_query or CLEAR)
        else:
            self._shell.come_back(lease)

    def leave_queue(self) -> None:
        waiter, self._waiter = self._waiter, 0
        if not self._rank.quit(self._hand):
            self._shell.leave_queue(waiter)

    def enroll(self, since: float) -> None:
        self._waiter = waiter = self._shell.place()
        self._shell.enroll(self, waiter, self._key, since)

    def prepare(self, lease: Lease) -> None:
        lease.channel.ignore()
        self.link.promised = True
        self._shell.spawn(self._prepare(lease))

    # -- the pool's Asker

    def queued(self) -> None:
        """It does not get a server at once."""
        if self.link.place is not Place.WAITING:
            self.link.stash()

    def granted(self, lease: Lease) -> None:
        self._waiter = 0
        if self._shell.is_silent(lease):
            self.handed(lease)
            return
        self._waiter, again = self._shell.take(self, self._key)
        if again:
            self.granted(again)

    def handed(self, lease: Lease) -> None:
        self._waiter = 0
        if self._has(lease):
            self.link.go_on()

    def refused(self, error: ClientFacing) -> None:
        self._waiter = 0
        self._answer_or_end(error)

    # -- what the session wants

    def cancel_wait(self) -> None:
        """The client does not want to wait any more."""
        if self._waiter or self._hand in self._rank.line:
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

    async def _prepare(self, lease: Lease) -> None:
        """Give the server this client's settings, and then the server to the client."""
        server, outfit = lease.server, self.outfit
        try:
            await fit(server, outfit.reported, outfit.others, self._daemon.settings.connect_timeout)
            if self._canary:
                await server.converse(canary(server.pid, server.parameters), self._daemon.settings.connect_timeout)
        except ClientFacing as error:
            self._shell.discard(lease)
            if self.link.parting:
                return
            self.link.keep_promise()
            if isinstance(error, ServerLost):  # the client has not used it yet: another one will do
                self._waiter, again = self._shell.take(self, self._key)
                if again:
                    self.granted(again)
            else:
                self.link.refuse(error)
            return
        server.outfit = outfit
        if self.link.parting:
            self._shell.put_back(lease)
            return
        self.link.promised = False
        self._hand.hold(lease)
        self.link.go_on()

    # -- giving back

    def _has_changed(self, server: Server) -> None:
        """The client has other settings than before; or the server has, and the client has seen it."""
        self.turn.tally.reported = False
        outfit = self._daemon.wardrobe.outfit(server.parameters, self.outfit.others)
        server.outfit = outfit
        self._wear(outfit)

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
            pins, pin = self._daemon.pins, (trace, self._key.user, self.session.application_name)
            pins[pin if pin in pins or len(pins) < MOST_PINS else (trace, "", "")] += 1
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
                self.turn.traces.left.clear()
                self.turn.names.clear()
                self._hand.leave()
                self._shell.clear(lease, CLEAR)
                return False
            case SessionState.WARN:
                if left - before:
                    log.warning("%s leaves something behind for others: %s", self.session, "; ".join(sorted(left)))
                self.turn.traces.left.clear()
        return True

    def end(self) -> None:
        """The client is gone. A server that it still holds is cleaned of everything, or closed."""
        self._hand.count()
        if lease := self.lease:
            self._shell.give_back(lease, self.link, CLEAR)
