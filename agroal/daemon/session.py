"""One client connection's whole life: the table of contents of the program.

    negotiate, authenticate  →  wait for a server  →  adopt settings, welcome  →  relay  →  give the server back

The coroutine awaits milestones, never messages: in between, bytes flow in the pump. Whatever goes wrong ends this
client, with words where it can still hear them, and nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from agroal.auth.accept import Accepted
from agroal.auth.hba import Peer
from agroal.config.choices import Pipeline
from agroal.daemon.about import about
from agroal.daemon.departure import client_fields, followed
from agroal.daemon.entrance import Introduced, let_in
from agroal.daemon.farewell import bid_farewell, refuse
from agroal.daemon.fitting import fit_for
from agroal.daemon.lease import Lease
from agroal.daemon.notices import waiting
from agroal.daemon.preparing import prepare
from agroal.daemon.slow import stopwatch
from agroal.daemon.state import State
from agroal.daemon.taking import Taker
from agroal.errors import (
    Cancelled,
    ClientFacing,
    DatabaseDisabled,
    Internal,
    PeerGone,
    Terminated,
)
from agroal.net.chosen import Channel, Traffic
from agroal.net.link import Link, Parting
from agroal.net.plain import PlainLink
from agroal.net.server import Server
from agroal.pool.slot import PoolKey
from agroal.wire import backend
from agroal.wire.chosen import Tally
from agroal.wire.codes import PROTOCOL_3_2
from agroal.wire.startup import CancelRequest, StartupMessage, requested_settings

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.straight import StraightWay

log = logging.getLogger("agroal.session")


class Session:
    """A client, from its first byte to its last."""

    def __init__(self, daemon: Daemon, number: int, client: Channel, peer: Peer) -> None:
        self.daemon = daemon
        self.number = number
        self.client = client
        self.peer = peer
        self.key = PoolKey("", "")
        self.pipeline = Pipeline.SESSION
        self.state = State.AUTH
        self.born = self.since = daemon.now()
        self.startup: StartupMessage | None = None
        self.accepted: Accepted | None = None
        self.lease: Lease | None = None
        self.link: Link | None = None
        self.taker: Taker | None = None
        """Of a client of the transaction pipeline."""
        self._key = b""
        self.said = b""
        """Its first words."""
        self.way: StraightWay | None = None
        """It has gone straight so far."""
        self._task: asyncio.Task[None] | None = None
        self.interruption: ClientFacing | None = None
        """Why it is ended from outside, if it is."""

    def __repr__(self) -> str:
        user, database = (self.startup.user, self.startup.database) if self.startup else ("?", "?")
        return f"client {self.client.label} user={user} database={database}"

    # -- what others see and do

    @property
    def serving(self) -> Server | None:
        """The server that this client holds now, for its cancel requests."""
        if self.taker:
            return self.taker.server
        return self.lease.server if self.lease and self.state == State.ACTIVE else None

    @property
    def slot(self) -> int | None:
        """Where that server is."""
        lease = self.taker.lease if self.taker else self.lease
        return lease.slot if lease else None

    @property
    def situation(self) -> State:
        """Its state as people see it: in the transaction pipeline a client is active while it has a server."""
        return self.taker.situation if self.taker and self.state is State.ACTIVE else self.state

    @property
    def application_name(self) -> str:
        """What the client called itself when it came."""
        return self.startup.parameters.get("application_name", "") if self.startup else ""

    @property
    def traffic(self) -> Traffic:
        """What has been relayed for it so far."""
        return self.link.traffic if self.link else Traffic()

    def cancel_wait(self) -> None:
        """Its client asked to cancel: a place in the queue is given up."""
        if self.taker:
            self.taker.cancel_wait()
        elif self.state == State.WAITING:
            self._interrupt(Cancelled("canceling statement due to user request"))

    def queued(self, answer: asyncio.Future[Lease]) -> None:
        """It has to wait: it can cancel that, and is missed when it goes. What it sends ahead stays where it is."""

        def gone() -> None:
            if not answer.done():
                answer.set_exception(PeerGone(f"{self.client.label} hung up while it was waiting"))

        def heard() -> None:
            if self.client.peek():
                self.client.pause(until_end=True)
            else:
                gone()

        self.client.attend(heard, gone)
        if self.accepted and self.accepted.password is None and not self.accepted.unproved:  # else PostgreSQL decides
            try:
                self.client.write(self._greeting())
            except OSError:
                gone()

    def notify(self, position: int, error: ClientFacing | None, *, paused: bool = False) -> None:
        """It has been in the queue for long: say where it stands, and why that is."""
        if not self._key or self.client.unsent:
            return  # nobody has let it in yet, or it does not read
        with suppress(OSError):  # that it has gone is noticed elsewhere
            self.client.write(waiting(self.key, position, error, paused=paused))

    def terminate(self, error: ClientFacing | None = None) -> None:
        """End this client now, whatever it is doing; `error` says why, if not an administrator wants it."""
        if self.state != State.CLOSING:
            self._interrupt(error or Terminated())

    def _interrupt(self, error: ClientFacing) -> None:
        self.interruption = error
        if not self._task:  # else `run` sees it when it begins
            if self.way:
                self.way.interrupt(error)
            return
        if self.link:
            self.link.part(Parting.CLIENT_GONE)  # the task has its turn later; nothing crosses any more from now on
        self._task.cancel()

    # -- life

    async def run(self, rest: Awaitable[None] | None = None) -> None:
        """The whole of it; or the rest, from where the straight way has left it. Never raises."""
        self._task = task = asyncio.current_task()
        if self.interruption and task:
            task.cancel()
        try:
            await (rest or self.live())
        except ClientFacing as error:
            refuse(self, error)
        except PeerGone as gone:
            log.debug("%s: %s", self, gone)
        except asyncio.CancelledError:
            refuse(self, self.interruption or Terminated())
        except Exception as error:
            log.exception("internal error: %s is disconnected", self)
            refuse(self, Internal(f"internal error of agroal: {type(error).__name__}", hint="Its log says more."))
        finally:
            self.end()

    def end(self) -> None:
        """Nobody hears of the client any more."""
        self.enter(State.CLOSING)
        self.daemon.cancels.forget(self._key)
        self.client.close()

    async def live(self, introduced: Callable[[], Introduced] | None = None) -> None:
        """From the first word, or from when the client has been `introduced` (entrance.py)."""
        daemon = self.daemon
        came = await let_in(self, introduced)
        if isinstance(came, CancelRequest):
            if carried := daemon.cancels.request(came.key):
                await asyncio.wait([carried])  # closing this connection says that the signal has been sent
            return
        with followed(self):
            await (self._be_served(*came) if isinstance(came, tuple) else self.daemon.consoles.serve(self, came))

    async def _be_served(self, startup: StartupMessage, accepted: Accepted) -> None:
        settings = requested_settings(startup)
        self.key = self.daemon.key(startup, accepted)
        if not self.daemon.pool.gate.is_open(self.key.database):
            raise DatabaseDisabled(startup.database)
        self.enter(State.WAITING)
        self.pipeline = self.daemon.pipelines.of(self.key)
        if self.pipeline is Pipeline.TRANSACTION and not accepted.unproved:
            await self._take_turns(settings)
        else:
            self.lease = await self.daemon.pool.lease(self)
            await self.keep_one(settings)

    async def _take_turns(self, settings: dict[str, str]) -> None:
        """The transaction pipeline: a server for each transaction."""
        fitted = await fit_for(self, settings)
        self.enter(State.ACTIVE)
        self.taker = taker = Taker(self, fitted)
        self.link = taker.link
        self._tell(self._greeting() + backend.welcome(fitted.parameters))
        taker.link.start()
        try:
            parting = await self._until_it_ends(taker.link)
        finally:
            taker.end()
        await bid_farewell(self, taker.link, parting)

    async def keep_one(self, settings: Mapping[str, str]) -> None:
        """The other pipelines: one server for the whole session."""
        assert self.lease
        server = self.lease.server
        parting: Parting | None = None
        try:
            self.enter(State.ACTIVE)
            await prepare(server, settings, self.daemon.settings.connect_timeout)
            self.join(server)
            parting = await self._until_it_ends(self.link)
        finally:
            self.give_back()
        if self.link and parting:
            await bid_farewell(self, self.link, parting)

    def join(self, server: Server, on_end: Callable[[Parting], None] | None = None, *, unsaid: bytes = b"") -> None:
        """Welcome the client, behind what is `unsaid`, and let the bytes flow. Raises PeerGone: then that is over."""
        kind = PlainLink if self.pipeline is Pipeline.PERFORMANCE else Link
        self.link = kind(self.client, server.channel, Tally(server.parameters))
        if kind is Link:
            self.link.measure(stopwatch(self))
        self.link.on_end = on_end
        self._tell(unsaid + self._greeting() + server.welcome)
        self.link.join()

    def give_back(self) -> bool:
        """The server is not this client's any more. Returns whether nobody else looks at the link from now on."""
        lease, self.lease = self.lease, None
        assert lease
        lease.server.totals += self.traffic
        return self.daemon.pool.give_back(lease, self.link)

    def _tell(self, words: bytes) -> None:
        assert self.link
        try:
            self.client.write(words)
        except OSError as error:
            self.link.part(Parting.CLIENT_GONE)
            raise PeerGone(f"{self.client.label} closed the connection") from error

    async def _until_it_ends(self, link: Link | None) -> Parting:
        assert link
        try:
            return await link.ended
        except asyncio.CancelledError:
            link.part(Parting.CLIENT_GONE)
            raise

    def _greeting(self) -> bytes:
        """That the client is let in, and its cancel key; once."""
        if self._key:
            return b""
        assert self.startup
        self._key = self.daemon.cancels.key_for(self, long=self.startup.spoken >= PROTOCOL_3_2)
        return backend.greeting(self._key)

    def enter(self, state: State) -> None:
        """It has come so far."""
        self.state = state
        self.since = self.daemon.now()
        if self.daemon.tracker.on:
            self.daemon.tracker.session(self)


about.register(Session, client_fields)
