"""The pool's shell: tells the core what happens, and carries out what it decides.

The core (`agroal.pool`) knows slots, keys and waiters by number. Here are the connections, futures and timers behind
the numbers. Everything is synchronous on the event loop except reaching, resetting and hanging up on a server, which
are tasks; the outcome of each is one event for the core.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from agroal.daemon.lease import Lease
from agroal.errors import ClientFacing, Internal, PeerGone, ServerUnavailable
from agroal.net.dial import Server, hang_up
from agroal.net.link import Link, Parting
from agroal.pipeline.between import OutOfStep, reset
from agroal.pipeline.ledger import Dirt, judge
from agroal.pool.core import Pool
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Refuse
from agroal.pool.slot import PoolKey
from agroal.wire.scan import Tally

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.pool")

HANG_UP_TIMEOUT = 10.0
"""Seconds that PostgreSQL gets to end a connection of ours before its slot is used again all the same."""
RESET_TIMEOUT = 10.0
"""Seconds for the reset query."""


class Dialler(Protocol):
    """Opens server connections."""

    async def dial(self, key: PoolKey, session: Session | None) -> Server:
        """Log in for this key; with what the session knows, where the vault knows nothing. Raises ClientFacing."""

    async def dial_through(self, key: PoolKey, session: Session) -> Server:
        """Log the session's client in by passing its answers through. Raises ClientFacing, PeerGone."""


class PoolShell:
    """Leases servers to sessions."""

    def __init__(self, core: Pool, dialler: Dialler, reset_query: str, cancel: CancelServer) -> None:
        self.core = core
        self.servers: dict[int, Server] = {}
        self.sessions: dict[int, Session] = {}
        """By slot: who holds it."""
        self._dialler = dialler
        self._reset_query = reset_query
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[Session, asyncio.Future[Lease]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._held: set[int] = set()
        """Slots that a session holds, or whose server is being cleaned after it."""
        self._doomed: set[int] = set()
        """Those of them that are to be closed as soon as their client has let go."""

    @property
    def asking(self) -> dict[int, Session]:
        """Who is in the queue, by the number of its place."""
        return {waiter: session for waiter, (session, _) in self._waiting.items()}

    # -- for sessions

    async def lease(self, session: Session) -> Lease:
        """The session's turn comes in order. Raises ClientFacing, PeerGone."""
        while True:
            lease = await self._ask(session)
            if lease.server.channel.peek() is None:
                lease.server.channel.ignore()
                self._held.add(lease.slot)
                self.sessions[lease.slot] = session
                return lease
            self._lost(lease.slot, lease.server, "it was found closed when it was to be used")

    async def _ask(self, session: Session) -> Lease:
        waiter = next(self._numbers)
        answer: asyncio.Future[Lease] = self._loop.create_future()
        self._waiting[waiter] = (session, answer)
        private = session.accepted is not None and session.accepted.unproved
        self._do(self.core.acquire(waiter, session.key, self._loop.time(), private=private))
        try:
            if not answer.done():
                session.watch_for_hangup(answer)
            return await answer
        except BaseException:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._decline(answer.result())
            else:
                self._do(self.core.cancel(waiter, self._loop.time()))
            raise
        finally:
            self._waiting.pop(waiter, None)
            session.client.ignore()

    def _decline(self, lease: Lease) -> None:
        """Nobody is there to take it any more: the next one's."""
        if self.servers.get(lease.slot) is lease.server:
            self._do(self.core.decline(lease.slot, lease.number, self._loop.time()))

    def give_back(self, lease: Lease, link: Link | None, tally: Tally | None) -> None:
        """The session is over: clean the server, or close it."""
        self.sessions.pop(lease.slot, None)
        self._spawn(self._clean(lease, link, tally))

    async def _clean(self, lease: Lease, link: Link | None, tally: Tally | None) -> None:
        server = lease.server
        dirt = _dirt(server, link, tally)
        if dirt is None or dirt is Dirt.OWES_ANSWERS:
            if dirt:
                self._cancel(server)
            if server.cancels:
                await asyncio.wait(server.cancels)
        if dirt is None and lease.slot not in self._doomed:
            dirt = await self._reset(server, tally)
        self._held.discard(lease.slot)
        if lease.slot in self._doomed:
            self._doomed.discard(lease.slot)
            await self._hang_up(lease.slot, server)
            return
        if dirt:
            log.info("%r is closed: %s", server, dirt.value)
        else:
            self._attend_idle(lease.slot, server)
        self._do(self.core.release(lease.slot, lease.number, self._loop.time(), clean=dirt is None))

    async def _reset(self, server: Server, tally: Tally | None) -> Dirt | None:
        status = tally.status if tally else ord("I")
        try:
            await server.converse(reset(status, self._reset_query, server.parameters), RESET_TIMEOUT)
        except (ClientFacing, OutOfStep, TimeoutError) as error:
            log.warning("%r: reset failed: %s", server, error or "no answer in time")
            return Dirt.RESET_FAILED
        except PeerGone:
            return Dirt.LOST
        following = server.channel.unread or server.channel.peek()
        if following is None:
            return None
        return Dirt.SPOKE if following else Dirt.LOST

    # -- effects

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Grant(waiter, slot, number):
                    self._grant(waiter, slot, number)
                case Connect(slot, key, waiter):
                    self._spawn(self._connect(slot, key, waiter))
                case Close(slot, reason):
                    self._close(slot, reason)
                case Refuse(waiter, error, _):
                    self._refuse(waiter, error)
        self._arm()

    def _grant(self, waiter: int, slot: int, number: int) -> None:
        _, answer = self._waiting.pop(waiter, (None, None))
        if answer is None or answer.done():
            self._do(self.core.decline(slot, number, self._loop.time()))
        else:
            answer.set_result(Lease(slot, number, self.servers[slot]))

    def _refuse(self, waiter: int, error: ClientFacing) -> None:
        _, answer = self._waiting.pop(waiter, (None, None))
        if answer is not None and not answer.done():
            answer.set_exception(error)

    async def _connect(self, slot: int, key: PoolKey, waiter: int | None) -> None:
        error: ClientFacing
        try:
            if waiter is None:
                server = await self._dialler.dial(key, self._knows_password(key))
            else:
                server = await self._dialler.dial_through(key, self._waiting[waiter][0])
        except ClientFacing as failure:
            error = failure
        except PeerGone as gone:
            error = ServerUnavailable(str(gone))
        except Exception as failure:
            log.exception("internal error while connecting to a server")
            error = Internal(f"internal error of agroal: {type(failure).__name__}")
        else:
            self.servers[slot] = server
            self._attend_idle(slot, server)
            self._do(self.core.connected(slot, self._loop.time()))
            return
        log.warning("no connection for user=%s database=%s: %s", key.user, key.database, error)
        self._do(self.core.connect_failed(slot, error, self._loop.time()))

    def _close(self, slot: int, reason: CloseReason) -> None:
        """End the connection; under a client's hands only after the client has been told."""
        server = self.servers[slot]
        log.debug("%r in slot %d is closed: %s", server, slot, reason.value)
        if slot not in self._held:
            self._spawn(self._hang_up(slot, server))
            return
        self._doomed.add(slot)
        if session := self.sessions.get(slot):
            session.terminate()

    async def _hang_up(self, slot: int, server: Server) -> None:
        await hang_up(server.channel, HANG_UP_TIMEOUT)
        del self.servers[slot]
        self._do(self.core.closed(slot, self._loop.time()))

    # -- idle servers and time

    def _attend_idle(self, slot: int, server: Server) -> None:
        """A free server that says anything, or hangs up, is not used again."""
        server.channel.attend(
            partial(self._lost, slot, server, "it closed the connection, or spoke, while it was free")
        )

    def _lost(self, slot: int, server: Server, how: str) -> None:
        if self.servers.get(slot) is not server:
            return
        del self.servers[slot]
        log.info("%r in slot %d is given up: %s", server, slot, how)
        server.channel.close()
        self._do(self.core.closed(slot, self._loop.time()))

    def _arm(self) -> None:
        """One timer for everything. It may fire early, and is then set again."""
        deadline = self.core.next_deadline()
        if deadline is None or (self._timer and self._timer.when() <= deadline):
            return
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._do(self.core.tick(self._loop.time()))

    # -- tasks

    def _knows_password(self, key: PoolKey) -> Session | None:
        """Of the sessions that wait for this key, one: what its client said is what the server will be told."""
        if not key.secret:
            return None
        return next((session for session, _ in self._waiting.values() if session.key == key), None)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way; the core has been told to flush."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._timer:
            self._timer.cancel()


class CancelServer(Protocol):
    """Cancels what a server is doing; the server remembers the task."""

    def __call__(self, server: Server) -> object: ...


def _dirt(server: Server, link: Link | None, tally: Tally | None) -> Dirt | None:
    if not server.fit:
        return Dirt.LOST
    if link is None or tally is None:
        return None
    parting = link.ended.result() if link.ended.done() else Parting.SERVER_LOST
    if parting is Parting.SERVER_LOST:
        return Dirt.LOST
    if parting is Parting.SERVER_VIOLATION:
        return Dirt.VIOLATION
    return judge(tally, link.requests.scanner, link.answers.scanner, bool(server.channel.unsent))
