"""The pool's shell, as far as servers go: tells the core what happens to them, and carries out what it decides.

The core (`agroal.pool`) knows slots, keys and waiters by number. Here are the connections, futures and timers behind
the numbers. Everything is synchronous on the event loop except reaching, resetting and hanging up on a server, which
are tasks; the outcome of each is one event for the core. What sessions ask for is in `daemon.pool`, what administrators
ask for in `daemon.orders`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING

from agroal.daemon.about import What, said
from agroal.daemon.cleaning import see_off, works
from agroal.daemon.connecting import Connector, Dialler, Report
from agroal.daemon.lease import Asker, Lease
from agroal.daemon.standby import Standby
from agroal.errors import ClientFacing
from agroal.net.pump import nothing
from agroal.net.server import Server
from agroal.pipeline.ledger import Dirt
from agroal.pool.core import Pool
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Notify, Refuse, Validate
from agroal.pool.slot import PoolKey

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.pool")


class Shell:
    """The part of the pool's shell that has the servers."""

    def __init__(
        self,
        core: Pool,
        dialler: Dialler,
        reset_query: str,
        cancel: Callable[[Server], object],
        report: Report = lambda kind, text: None,
    ) -> None:
        self._core = core
        self.servers: dict[int, Server] = {}
        self.verified = 0
        """How often a server went from one client to the next, or back to the pool, and was proved clean before."""
        self.refused: Counter[Dirt] = Counter()
        """How often one could not."""
        self._now = time.monotonic  # the loop's clock too, but not rounded to its last wake-up
        self.standby = Standby(core, self._free, self._settle, lambda: core.stands_by and not self._doomed, self._now)
        self.vacated = asyncio.Event()
        """A connection is gone: to be cleared by whoever waits for that, before looking again."""
        self._leases: dict[int, Lease] = {}
        """By slot."""
        self._connector = Connector(dialler, report)
        self._reset_query = reset_query
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Asker] = {}
        self.bases: dict[PoolKey, dict[str, str]] = {}
        """What the latest server of each pool key reported when it had logged in."""
        self._tasks: set[asyncio.Future[None]] = set()
        """What has to be over before the pool can be closed."""
        self._cleaning: set[Lease] = set()
        """Those whose servers are being cleaned without a task; that has to be over, too."""
        self._timer: asyncio.Handle | None = None
        self._due = math.inf
        """When the timer fires; uvloop's does not say, where that is at once."""
        self._held: set[int] = set()
        """Slots that a session holds, or whose server is being cleaned after it."""
        self._doomed: set[int] = set()
        """Those of them that are to be closed as soon as their client has let go."""
        self._validating: dict[int, asyncio.Task[None]] = {}

    @property
    def core(self) -> Pool:
        """The pool itself, with all that it has to know to be asked or told something."""
        self.standby.recall()
        return self._core

    def _core_for(self, key: PoolKey) -> Pool:
        """The same, where only this key is concerned."""
        self.standby.recall(key)
        return self._core

    def holder(self, slot: int) -> Session | None:
        """Who has the server in this slot."""
        lease = self._leases.get(slot)
        return lease.session if lease else None

    @property
    def asking(self) -> dict[int, Session]:
        """Who is in the queue, by the number of its place."""
        return {waiter: asker.session for waiter, asker in self._waiting.items()}

    # -- leases

    def is_silent(self, lease: Lease) -> bool:
        """Whether the server has said nothing since it was free. If it has, it is given up, and the lease is over."""
        if lease.server.channel.peek() is None:
            return True
        if self._let_go(lease.slot):
            self.spawn(self._hang_up(lease.slot, lease.server))
        else:
            why = self._given_up(lease.slot, lease.server)
            self.refused[Dirt.LOST if why is CloseReason.LOST else Dirt.SPOKE] += 1
            self._do(self.core.release(lease.slot, lease.number, self._now(), clean=False, reason=why))
        return False

    def _free(self, lease: Lease) -> None:
        """Its server is nobody's."""
        slot, server = lease.slot, lease.server
        if self._let_go(slot):
            self.spawn(self._hang_up(slot, server))
            return
        self.verified += 1 + lease.turns
        self._attend_idle(slot, server)
        if effects := self._core.release(slot, lease.number, self._now(), leases=lease.turns):
            self._do(effects)

    def _settle(self) -> None:
        """The core knows all who stood in line."""
        self._do(self._core.settle(self._now()))

    def _lost_on_standby(self, lease: Lease) -> None:
        self.standby.remove(lease)
        self.is_silent(lease)

    def _let_go(self, slot: int) -> bool:
        """Nobody holds the slot any more. Whether it is to be closed now, because that was asked for meanwhile."""
        self._held.discard(slot)
        if lease := self._leases.pop(slot, None):
            lease.lost = nothing
        doomed = slot in self._doomed
        self._doomed.discard(slot)
        return doomed

    # -- effects

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Grant(waiter, slot, number):
                    self._grant(waiter, slot, number)
                case Connect(slot, key, waiter):
                    self.spawn(self._connect(slot, key, waiter))
                case Validate(slot):
                    self._validate(slot)
                case Close(slot, reason):
                    self._close(slot, reason)
                case Notify(waiter, position, error, paused) if waiter in self._waiting:
                    self._waiting[waiter].session.notify(position, error, paused=paused)
                case Refuse(waiter, error, _):
                    self._refuse(waiter, error)
        self._arm()

    def _grant(self, waiter: int, slot: int, number: int) -> None:
        asker = self._waiting.pop(waiter, None)
        if asker is None or not asker.waits:
            self._do(self._core.decline(slot, number, self._now()))
            return
        asker.granted(self._lend(slot, number, asker.session))

    def _lend(self, slot: int, number: int, session: Session) -> Lease:
        server = self.servers[slot]
        server.channel.ignore()
        self._held.add(slot)
        lease = Lease(slot, number, server, session.key, session, self._now(), self._lost_on_standby)
        self._leases[slot] = lease
        return lease

    def _refuse(self, waiter: int, error: ClientFacing) -> None:
        if asker := self._waiting.pop(waiter, None):
            asker.refused(error)

    async def _connect(self, slot: int, key: PoolKey, waiter: int | None) -> None:
        asker = self._who_knows_password(key) if waiter is None else self._waiting.get(waiter)
        session = asker.session if asker else None
        outcome = await self._connector.open(key, session, private=waiter is not None)
        if isinstance(outcome, Server):
            self.servers[slot] = outcome
            self.bases[key] = outcome.base
            self._attend_idle(slot, outcome)
            self._do(self.core.connected(slot, self._now()))
        else:
            self._do(self.core.connect_failed(slot, outcome, self._now()))
            self.vacated.set()

    def _validate(self, slot: int) -> None:
        server = self.servers[slot]
        server.channel.ignore()  # what it says from now on is for the one who asks
        self._validating[slot] = self.spawn(self._ask_whether_it_works(slot, server))

    async def _ask_whether_it_works(self, slot: int, server: Server) -> None:
        try:
            alive = await works(server)
        except Exception:
            log.exception("internal error: %r is closed", server)
            alive = False
        if alive:
            self._attend_idle(slot, server)
        del self._validating[slot]
        self._do(self.core.validated(slot, alive, self._now()))

    def _close(self, slot: int, reason: CloseReason) -> None:
        """End the connection; under a client's hands only after the client has been told."""
        server = self.servers[slot]
        fields = said(event=What.SERVER_CLOSED, reason=reason.name.lower(), slot=slot)
        log.debug("%r in slot %d is closed: %s", server, slot, reason.value, extra=fields)
        if question := self._validating.pop(slot, None):
            question.cancel()
        if slot not in self._held:
            server.channel.ignore()  # that it goes first must not be news
            self.spawn(self._hang_up(slot, server))
            return
        self._doomed.add(slot)
        if session := self.holder(slot):
            session.terminate()

    async def _hang_up(self, slot: int, server: Server) -> None:
        await see_off(server, self._cancel)
        del self.servers[slot]
        self._do(self.core.closed(slot, self._now()))
        self.vacated.set()

    # -- idle servers and time

    def _attend_idle(self, slot: int, server: Server) -> None:
        """A free server that says anything, or hangs up, is not used again."""
        server.channel.attend(partial(self._lost, slot, server))

    def _lost(self, slot: int, server: Server) -> None:
        """It counts until PostgreSQL's side is gone, too."""
        if self.servers.get(slot) is server:
            self._do(self.core.spoiled(slot, self._given_up(slot, server), self._now()))

    def _given_up(self, slot: int, server: Server) -> CloseReason:
        """Why nobody can use it any more. With an error PostgreSQL takes its leave."""
        words = server.channel.peek()
        reason = CloseReason.LOST if not words or words == b"E" else CloseReason.SPOKE_WHILE_IDLE
        fields = said(event=What.SERVER_CLOSED, reason=reason.name.lower(), slot=slot)
        log.info("%r in slot %d is given up: %s", server, slot, reason.value, extra=fields)
        return reason

    def _arm(self) -> None:
        """One timer for everything. It may fire early, and is then set again."""
        deadline = self._core.next_deadline()
        if deadline is None or self._due <= deadline:
            return
        if self._timer:
            self._timer.cancel()
        self._due = deadline
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer, self._due = None, math.inf
        self._do(self.core.tick(self._now()))

    # -- tasks

    def _who_knows_password(self, key: PoolKey) -> Asker | None:
        """Of the sessions that wait for this key, one: what its client said is what the server will be told."""
        if not key.secret:
            return None
        return next((asker for asker in self._waiting.values() if asker.session.key == key), None)

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
