"""The pool's shell: tells the core what happens, and carries out what it decides.

The core (`agroal.pool`) knows slots, keys and waiters by number. Here are the connections, futures and timers behind
the numbers. Everything is synchronous on the event loop except reaching, resetting and hanging up on a server, which
are tasks; the outcome of each is one event for the core.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from agroal.daemon.cleaning import clean
from agroal.daemon.lease import Lease
from agroal.errors import ClientFacing, Internal, PeerGone, ServerUnavailable
from agroal.net.dial import Server, hang_up
from agroal.net.link import Link
from agroal.pipeline.ledger import Dirt
from agroal.pool.core import Pool
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Refuse
from agroal.pool.slot import PoolKey
from agroal.pool.upkeep import FlushMode

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.pool")

HANG_UP_TIMEOUT = 10.0
"""Seconds that PostgreSQL gets to end a connection of ours before its slot is used again all the same."""
CANCEL_AGAIN = 1.0
"""Seconds after which it is asked once more to stop working: behind the query that was cancelled may be another."""

CLOSE_REASONS: Final[Mapping[Dirt | None, CloseReason]] = {
    Dirt.LOST: CloseReason.LOST,
    Dirt.RESET_FAILED: CloseReason.RESET_FAILED,
    Dirt.SPOKE: CloseReason.SPOKE_WHILE_IDLE,
}
"""What the pool counts; any other dirt is plainly that."""


class Dialler(Protocol):
    """Opens server connections."""

    async def dial(self, key: PoolKey, session: Session | None) -> Server:
        """Log in for this key; with what the session knows, where the vault knows nothing. Raises ClientFacing."""

    async def dial_through(self, key: PoolKey, session: Session) -> Server:
        """Log the session's client in by passing its answers through. Raises ClientFacing, PeerGone."""


class PoolShell:
    """Leases servers to sessions."""

    def __init__(self, core: Pool, dialler: Dialler, reset_query: str, cancel: Callable[[Server], object]) -> None:
        self.core = core
        self.servers: dict[int, Server] = {}
        self.sessions: dict[int, Session] = {}
        """By slot: who holds it."""
        self._dialler = dialler
        self._reset_query = reset_query
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._now = time.monotonic  # the loop's clock too, but not rounded to its last wake-up
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
                return lease
            self._let_go(lease.slot)
            self._lost(lease.slot, lease.server, "it was found closed when it was to be used")

    async def _ask(self, session: Session) -> Lease:
        waiter = next(self._numbers)
        answer: asyncio.Future[Lease] = self._loop.create_future()
        self._waiting[waiter] = (session, answer)
        private = session.accepted is not None and session.accepted.unproved
        self._do(self.core.acquire(waiter, session.key, self._now(), private=private))
        try:
            if not answer.done():
                session.queued(answer)
            return await answer
        except BaseException:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._decline(answer.result())
            else:
                self._do(self.core.cancel(waiter, self._now()))
            raise
        finally:
            self._waiting.pop(waiter, None)
            session.client.ignore()

    def _decline(self, lease: Lease) -> None:
        """Nobody is there to take it any more: the next one's."""
        if self._let_go(lease.slot):
            self._spawn(self._hang_up(lease.slot, lease.server))
        else:
            self._attend_idle(lease.slot, lease.server)
            self._do(self.core.decline(lease.slot, lease.number, self._now()))

    def _let_go(self, slot: int) -> bool:
        """Nobody holds the slot any more. Whether it is to be closed now, because that was asked for meanwhile."""
        self._held.discard(slot)
        self.sessions.pop(slot, None)
        doomed = slot in self._doomed
        self._doomed.discard(slot)
        return doomed

    def give_back(self, lease: Lease, link: Link | None) -> None:
        """The session is over: clean the server, or close it."""
        self.sessions.pop(lease.slot, None)
        self._spawn(self._clean(lease, link))

    async def _clean(self, lease: Lease, link: Link | None) -> None:
        server = lease.server
        try:
            dirt = await clean(server, link, self._reset_query, self._cancel)
        except Exception:
            log.exception("internal error: %r is closed", server)  # in doubt it is closed, and its slot is not lost
            dirt = Dirt.UNKNOWN
        if self._let_go(lease.slot):
            await self._hang_up(lease.slot, server)
            return
        if dirt:
            log.info("%r is closed: %s", server, dirt.value)
        else:
            self._attend_idle(lease.slot, server)
        reason = CLOSE_REASONS.get(dirt, CloseReason.DIRTY)
        self._do(self.core.release(lease.slot, lease.number, self._now(), clean=dirt is None, reason=reason))

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
        session, answer = self._waiting.pop(waiter, (None, None))
        if session is None or answer is None or answer.done():
            self._do(self.core.decline(slot, number, self._now()))
            return
        server = self.servers[slot]
        server.channel.ignore()
        self._held.add(slot)
        self.sessions[slot] = session
        answer.set_result(Lease(slot, number, server))

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
                server = await self._dialler.dial_through(key, self._still_waiting(waiter))
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
            self._do(self.core.connected(slot, self._now()))
            return
        log.warning("no connection for user=%s database=%s: %s", key.user, key.database, error)
        self._do(self.core.connect_failed(slot, error, self._now()))

    def _close(self, slot: int, reason: CloseReason) -> None:
        """End the connection; under a client's hands only after the client has been told."""
        server = self.servers[slot]
        log.debug("%r in slot %d is closed: %s", server, slot, reason.value)
        if slot not in self._held:
            server.channel.ignore()  # that it goes first must not be news
            self._spawn(self._hang_up(slot, server))
            return
        self._doomed.add(slot)
        if session := self.sessions.get(slot):
            session.terminate()

    async def _hang_up(self, slot: int, server: Server) -> None:
        gone = self._loop.create_task(hang_up(server.channel, HANG_UP_TIMEOUT))
        while not (await asyncio.wait([gone], timeout=CANCEL_AGAIN))[0]:
            if not server.cancels:
                self._cancel(server)
        if server.cancels:
            await asyncio.wait(server.cancels)
        del self.servers[slot]
        self._do(self.core.closed(slot, self._now()))

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
        self._do(self.core.closed(slot, self._now()))

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
        self._do(self.core.tick(self._now()))

    # -- tasks

    def _still_waiting(self, waiter: int) -> Session:
        if waiter not in self._waiting:
            raise PeerGone("the client left before it could log in")
        return self._waiting[waiter][0]

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
        """Close every connection, also under clients, and wait until all is over."""
        self._do(self.core.flush(FlushMode.ALL, None, self._now(), CloseReason.SHUTTING_DOWN))
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._timer:
            self._timer.cancel()
