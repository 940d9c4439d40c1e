"""The pool's shell, as far as sessions go: leases servers to them, and takes them back clean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from agroal.daemon.cleaning import clean, clean_at_once, close_reason
from agroal.daemon.lease import Awaited, Lease
from agroal.daemon.orders import OrderedShell
from agroal.net.link import Link
from agroal.pipeline.ledger import Dirt
from agroal.pool.effects import Effect, Grant
from agroal.pool.slot import PoolKey

if TYPE_CHECKING:
    from agroal.daemon.session import Session
    from agroal.daemon.taking import Taker

log = logging.getLogger("agroal.pool")


class PoolShell(OrderedShell):
    """Leases servers to sessions."""

    # -- to those that keep theirs for long

    async def lease(self, session: Session) -> Lease:
        """The session's turn comes in order. Raises ClientFacing, PeerGone."""
        while True:
            lease = await self._ask(session)
            if self.is_silent(lease):
                return lease

    def lease_at_once(self, session: Session) -> Lease | None:
        """A lease, if its database is enabled and a server free. Else nothing is done."""
        if not self._core.gate.is_open(session.key.database):
            return None
        while slot := self._core_for(session.key).lend(session.key, self._now()):
            lease = self._lend(slot.index, slot.lease, session)
            if self.is_silent(lease):
                return lease
        return None

    async def _ask(self, session: Session) -> Lease:
        waiter = next(self._numbers)
        private = session.accepted is not None and session.accepted.unproved
        effects = self._core_for(session.key).acquire(waiter, session.key, self._now(), private=private)
        if lease := self._lent_at_once(effects, waiter, session):
            return lease
        answer: asyncio.Future[Lease] = self._loop.create_future()
        self._waiting[waiter] = Awaited(session, answer)
        self._do(effects)
        try:
            if not answer.done():
                session.queued(answer)
            return await answer
        except BaseException:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._decline(answer.result())
            else:
                self._do(self._core.cancel(waiter, self._now()))
            raise
        finally:
            self._waiting.pop(waiter, None)
            session.client.ignore()

    def _decline(self, lease: Lease) -> None:
        """Nobody is there to take it any more: the next one's."""
        if self._let_go(lease.slot):
            self.spawn(self._hang_up(lease.slot, lease.server))
        else:
            self._attend_idle(lease.slot, lease.server)
            self._do(self._core.decline(lease.slot, lease.number, self._now()))

    # -- to those of the transaction pipeline

    def take(self, asker: Taker, key: PoolKey) -> tuple[int, Lease | None]:
        """A lease at once if there is a free server, else `asker` hears of it. Returns its place in the queue, too."""
        waiter = next(self._numbers)
        self.standby.prepare(key)
        effects = self._core.acquire(waiter, key, self._now())
        if lease := self._lent_at_once(effects, waiter, asker.session):
            return waiter, lease
        asker.queued()
        self._waiting[waiter] = asker
        if effects:
            self._do(effects)
        else:
            self.standby.line_up(key)
            self._arm()
        return waiter, None

    def enroll(self, asker: Taker, waiter: int, key: PoolKey, since: float) -> None:
        """Somebody who has stood in line since then waits in the queue from now on. `_settle` ends it."""
        self._waiting[waiter] = asker
        if grant := self._core.enroll(waiter, key, since, self._now()):
            self._grant(waiter, grant.slot, grant.lease)

    def place(self) -> int:
        """A number for somebody who waits."""
        return next(self._numbers)

    def _lent_at_once(self, effects: Sequence[Effect], waiter: int, session: Session) -> Lease | None:
        """What came of asking, if it is a lease and nothing else."""
        if len(effects) == 1 and type(grant := effects[0]) is Grant and grant.waiter == waiter:
            return self._lend(grant.slot, grant.lease, session)
        return None

    def leave_queue(self, waiter: int) -> None:
        """Whoever asked under this number is gone. No effect on who has been answered."""
        if self._waiting.pop(waiter, None):
            self._do(self._core.cancel(waiter, self._now()))

    def come_back(self, lease: Lease) -> None:
        """A turn is over, and its server is clean: whoever is next has it, or it stands by, or is free."""
        if lease.server.cancels or not self._goes_on(lease):
            self.put_back(lease)

    def _goes_on(self, lease: Lease) -> bool:
        """Whether it stays with the transaction pipeline."""
        slot, now = lease.slot, self._now()
        if slot in self._doomed or not self._core.recount(slot, lease.number, now, lease.turns):
            return False
        self.verified += lease.turns
        lease.turns, lease.checked = 0, now
        if grant := self._core.hand_on(slot, now):
            self._hand_on(lease, grant)
            return True
        return self.standby.take_in(lease)

    def _hand_on(self, lease: Lease, grant: Grant) -> None:
        self.verified += 1
        lease.number = grant.lease
        asker = self._waiting.pop(grant.waiter, None)
        if asker is None or not asker.waits:
            self._decline(lease)
        else:
            lease.session = asker.session
            asker.handed(lease)

    def put_back(self, lease: Lease) -> None:
        """The lease is over, and its server is clean: it is free now, or somebody else's."""
        if lease.server.cancels:  # they must not hit its next client
            self.spawn(self._clean(lease, None, ""))
            return
        if self.standby.is_lined:
            self.standby.recall(lease.key)
        self._free(lease)

    # -- back

    def discard(self, lease: Lease) -> None:
        """The lease is over, and nobody is to have its server again."""
        lease.server.fit = False
        self.give_back(lease, None)

    def clear(self, lease: Lease, query: str) -> None:
        """The lease is over: run this query before the server is free."""
        lease.session = None
        self.spawn(self._clean(lease, None, query))

    def give_back(self, lease: Lease, link: Link | None, query: str | None = None) -> bool:
        """The session is over: clean the server with this query, or the one of the settings; or close it.

        Returns whether the link has told all that there is to know for that.
        """
        lease.session = None
        query = self._reset_query if query is None else query
        cleaning = self._cleaning
        cleaning.add(lease)
        try:
            at_once = clean_at_once(lease.server, link, query, partial(self._cleaned, lease))
        except Exception:
            at_once = False  # `clean` stumbles over it, too
        if not at_once:
            cleaning.discard(lease)
            self.spawn(self._clean(lease, link, query))
        return at_once

    async def _clean(self, lease: Lease, link: Link | None, query: str) -> None:
        server = lease.server
        try:
            dirt = await clean(server, link, query, self._cancel)
        except Exception:
            log.exception("internal error: %r is closed", server)  # in doubt it is closed, and its slot is not lost
            dirt = Dirt.UNKNOWN
        self._cleaned(lease, dirt)

    def _cleaned(self, lease: Lease, dirt: Dirt | None) -> None:
        server = lease.server
        self._cleaning.discard(lease)
        if self._let_go(lease.slot):
            self.spawn(self._hang_up(lease.slot, server))
            return
        if dirt:
            self.refused[dirt] += 1
            log.info("%r is closed: %s", server, dirt.value)
        else:
            self.verified += 1
            self._attend_idle(lease.slot, server)
        reason = close_reason(dirt)
        core = self._core_for(lease.key)
        if effects := core.release(lease.slot, lease.number, self._now(), clean=dirt is None, reason=reason):
            self._do(effects)
