"""The straight way through a session: for the many clients that are let in at once, get a server that is free and has
their settings already, and leave with a goodbye.

On it nothing is waited for but the client's own words, so it takes no task and no future: it is a few plain calls out
of the pump. Where something else has to be waited for, or goes wrong, a task goes on from there (session.py).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING

from agroal.auth.accept import TRUSTED, Accepted
from agroal.auth.scram import ServerExchange
from agroal.config.choices import Pipeline
from agroal.daemon.departure import came, followed, left
from agroal.daemon.entrance import NONCE, Introduced, count_in, introduce, upgrade_of
from agroal.daemon.farewell import bid_farewell
from agroal.daemon.preparing import wears
from agroal.daemon.proof import Proof
from agroal.daemon.regulars import Challenge, Regular
from agroal.daemon.state import State
from agroal.errors import ClientFacing, PeerGone
from agroal.net.alarm import Alarm, alarm
from agroal.net.converse import Dialogue
from agroal.net.link import Parting
from agroal.wire.startup import SHORT, requested_settings

if TYPE_CHECKING:
    from agroal.daemon.lease import Lease
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")

PLAIN = (Parting.TERMINATED, Parting.CLIENT_GONE)
"""Nothing is left to be said to such a client."""

Rest = Coroutine[None, None, None]


class StraightWay:
    """Of one session. `spawn` makes a task of the rest, and calls `gone` when that is over."""

    __slots__ = ("_gone", "_session", "_since", "_spawn", "_stage", "_timer", "_verdict", "_wanted")

    def __init__(
        self, session: Session, spawn: Callable[[Session, Rest], object], gone: Callable[[Session], object]
    ) -> None:
        self._session = session
        self._spawn = spawn
        self._gone = gone
        self._timer: Alarm | None = None
        """Set if the client's first words had not come with it."""
        self._stage: Dialogue[Introduced] | Proof | None = None
        """What listens to the client until it is let in, from those words on."""
        self._wanted: Mapping[str, str] = {}
        """The settings that the client asks for."""
        self._since = 0.0
        """When it was let in."""
        self._verdict = b""
        """The end of its proof, of which it is told with the next that there is to say."""

    def enter(self) -> None:
        """Hear what the client wants, and whether it is who it says."""
        session = self._session
        session.way = self
        said = session.client.peek(SHORT + 1)
        if said is None:
            self._timer = alarm(session.daemon.settings.authentication_timeout, self._expire)
            session.client.attend(self._readable, self._hung_up)
        else:
            self._hear(said)

    def _readable(self) -> None:
        client = self._session.client
        said = client.peek(SHORT + 1)
        if said is not None:
            client.ignore()  # whoever listens from here on says so
            self._hear(said)

    def _hung_up(self) -> None:
        self._leave(PeerGone(f"{self._session.client.label} closed the connection"))

    def _hear(self, said: bytes) -> None:
        try:
            self._understand(said)
        except Exception as failure:  # of ours: it ends this client, and nobody else
            self._leave(failure)

    def _understand(self, said: bytes) -> None:
        session = self._session
        regular = session.daemon.regulars.recognise(session, said)
        if regular is None:
            session.said = said
            self._converse()
            return
        session.client.take(len(said))
        session.startup, session.key, session.pipeline = regular.startup, regular.key, regular.pipeline
        self._wanted = regular.wanted
        if regular.challenge:
            self._ask_for_proof(regular, regular.challenge)
        else:
            if self._timer:
                self._timer.cancel()
            self._admit(TRUSTED)

    def _ask_for_proof(self, regular: Regular, asked: Challenge) -> None:
        session, daemon = self._session, self._session.daemon
        user, nonce = regular.startup.user, daemon.nonces.take(NONCE).hex()
        exchange = ServerExchange(user, asked.verifier, nonce, doomed=asked.doomed, macs=asked.macs)
        users = daemon.passwords.users

        def proved(verdict: bytes, error: Exception | None) -> None:
            if error:
                self._hand_over(session.live(partial(_outcome, None, error)))
                return
            accepted = regular.accepted
            if asked.teaches:
                accepted = Accepted(accepted.method, keys=exchange.keys)
            self._verdict = verdict
            count_in(session, user, accepted, users, teaches=asked.teaches)
            self._admit(accepted)

        timer = self._timer or alarm(daemon.settings.authentication_timeout, self._expire)
        self._stage = proof = Proof(session.client, exchange, timer, proved)
        proof.start()

    def _converse(self) -> None:
        """What it says has to be understood."""
        session, timer = self._session, self._timer
        upgrade = upgrade_of(session)
        dialogue = Dialogue(session.client, introduce(session, upgrade), self._introduced, upgrade=upgrade)
        self._stage = dialogue
        dialogue.start(None if timer else session.daemon.settings.authentication_timeout, timer)
        dialogue.look()

    def _expire(self) -> None:
        self._leave(TimeoutError())

    def interrupt(self, error: ClientFacing) -> None:
        """The session is to end now. What was under way goes no further."""
        session = self._session
        if session.link:
            session.link.on_end = None
            session.link.part(Parting.CLIENT_GONE)
            self._hand_over(self._follow(self._fail(error)))
        else:
            self._leave(error)

    def _leave(self, error: Exception) -> None:
        """Before it is let in."""
        if self._stage:
            self._stage.end()
        elif self._timer:
            self._timer.cancel()
            self._session.client.ignore()
        self._hand_over(self._session.live(partial(_outcome, None, error)))

    async def _follow(self, rest: Awaitable[None]) -> None:
        with followed(self._session, self._since):
            await rest

    def _hand_over(self, rest: Rest) -> None:
        """It is not straight any more."""
        session = self._session
        session.way = None
        self._spawn(session, session.run(rest))

    async def _fail(self, error: Exception) -> None:
        if self._session.lease:
            self._session.give_back()
        raise error

    def _introduced(self, what: Introduced | None, error: Exception | None) -> None:
        if not isinstance(what, tuple):
            self._hand_over(self._session.live(partial(_outcome, what, error)))
            return
        session, (startup, accepted) = self._session, what
        try:
            self._wanted = requested_settings(startup)
            session.key = session.daemon.key(startup, accepted)
            session.pipeline = session.daemon.pipelines.of(session.key)
        except Exception:  # it is refused for that, once it is known to have come
            self._hand_over(session.live(partial(_outcome, what, None)))
        else:
            self._admit(accepted)

    def _admit(self, accepted: Accepted) -> None:
        """It is who it says: it gets a server now, or has to wait for one."""
        session, pool = self._session, self._session.daemon.pool
        session.accepted, session.said, self._stage = accepted, b"", None
        lease: Lease | None = None
        if session.pipeline is not Pipeline.TRANSACTION and not accepted.unproved:
            try:
                lease = pool.lease_at_once(session)
            except Exception:
                lease = None  # whoever waits for one stumbles over it, too
        if lease:
            self._serve(lease)
            return
        assert session.startup
        gone = self._say_verdict()
        self._hand_over(session.live(partial(_outcome, (session.startup, accepted), gone)))

    def _say_verdict(self) -> PeerGone | None:
        """That its proof was right, if nothing else is to be said soon. Returns why it can't be said."""
        verdict, self._verdict = self._verdict, b""
        try:
            if verdict:
                self._session.client.write(verdict)
        except OSError:
            return PeerGone(f"{self._session.client.label} closed the connection")
        return None

    def _serve(self, lease: Lease) -> None:
        session = self._session
        session.lease = lease
        try:
            self._since = came(session)
            session.enter(State.WAITING)
            if wears(lease.server, self._wanted):
                session.enter(State.ACTIVE)
                session.join(lease.server, self._parted, unsaid=self._verdict)
            elif gone := self._say_verdict():
                self._hand_over(self._follow(self._fail(gone)))
            else:
                self._hand_over(self._follow(session.keep_one(self._wanted)))
        except PeerGone as gone:  # its link has parted
            log.debug("%s: %s", session, gone)
        except Exception as failure:
            self._hand_over(self._follow(self._fail(failure)))

    def _parted(self, parting: Parting) -> None:
        """The link has ended: so does the session, if there is nothing to be waited for."""
        session = self._session
        is_all = session.give_back()
        if parting in PLAIN:
            if is_all and session.link:
                session.link.dissolve()
            left(session, self._since)
            session.end()
            self._gone(session)
            session.way = None
        elif session.link:
            self._hand_over(self._follow(bid_farewell(session, session.link, parting)))


def _outcome(came: Introduced | None, error: Exception | None) -> Introduced:
    if error is not None:
        raise error
    assert came is not None
    return came
