"""The board on which the pool plays: slots, lanes and waiters, and the moves.

A move changes all that it concerns, counts itself, and returns the effect that tells the shell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from agroal.errors import ClientFacing
from agroal.pool import room
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Refuse, RefuseReason
from agroal.pool.lanes import Lanes
from agroal.pool.limits import Limit
from agroal.pool.refusal import pool_is_full, wait_reason
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import IN_USE, NOT_INIT, REMOVE, Slot, SlotState
from agroal.pool.snapshot import Totals
from agroal.pool.waiters import Waiter, Waiters, WaitReason


class Board:
    """All that the pool knows."""

    def __init__(self, settings: PoolSettings, limits: Sequence[Limit]) -> None:
        self.settings = settings
        self.lanes = Lanes(limits)
        self.seats = Seats(settings.max_connections, self.lanes.caps)
        self.waiters = Waiters()
        self.private: dict[int, Slot] = {}
        """By waiter: the connection that is being opened for this client alone."""
        self.totals = Totals()
        self.again_at = math.inf
        """When `settle` may do more, though nothing happens: patience with some connection is over."""

    def queue(self, waiter: Waiter) -> None:
        self.waiters.add(waiter)
        self.totals.waits += 1
        waiter.lane.totals.waits += 1

    def leave(self, waiter: Waiter, now: float) -> None:
        self.waiters.remove(waiter)
        waited = round((now - waiter.since) * 1e6)
        self.totals.wait_us += waited
        waiter.lane.totals.wait_us += waited

    def connect(self, waiter: Waiter, now: float) -> Connect:
        """Open a connection because of this waiter, or, in a private lane, for it."""
        lane = waiter.lane
        slot = self.seats.open(lane, now)
        if not lane.private:
            return Connect(slot.index, lane.key)
        self.leave(waiter, now)
        slot.waiter = waiter.id
        self.private[waiter.id] = slot
        return Connect(slot.index, lane.key, waiter.id)

    def grant(self, slot: Slot, waiter: int, now: float) -> Grant:
        totals = self.totals
        totals.leases += 1
        slot.lane.totals.leases += 1
        slot.leases += 1
        slot.lease = totals.leases
        self.seats.move(slot, IN_USE, now)
        return Grant(waiter, slot.index, slot.lease)

    def serve(self, waiter: Waiter, slot: Slot, now: float) -> Grant:
        self.leave(waiter, now)
        return self.grant(slot, waiter.id, now)

    def refuse(self, waiter: int, error: ClientFacing, reason: RefuseReason) -> Refuse:
        self.totals.refusals[reason] += 1
        return Refuse(waiter, error, reason)

    def close(self, slot: Slot, state: SlotState, reason: CloseReason, now: float) -> Close:
        slot.doom = reason
        self.seats.move(slot, state, now)
        return Close(slot.index, reason)

    def vacate(self, slot: Slot, reason: CloseReason, now: float) -> None:
        self.seats.move(slot, NOT_INIT, now)
        self.totals.closes[reason] += 1

    def settle(self, now: float) -> Iterator[Effect]:
        """Serve those who wait as far as the caps allow."""
        self.again_at = math.inf
        if caps := room.hopeful(self.seats):
            plan = room.Plan(self.seats, self.settings, caps, now)
            for step in plan:
                if isinstance(step, Waiter):
                    yield self.connect(step, now)
                else:
                    yield self.close(step, REMOVE, CloseReason.MAKING_ROOM, now)
            self.again_at = plan.again_at
        if not self.settings.blocking_timeout:
            for waiter, why in list(room.beyond_reach(self.seats)):
                yield self._give_up(waiter, why, now)

    def expire(self, now: float) -> Iterator[Effect]:
        """Refuse those who have waited for `blocking_timeout`."""
        timeout = self.settings.blocking_timeout
        while timeout and (waiter := self.waiters.oldest()) and now >= waiter.since + timeout:
            yield self._give_up(waiter, wait_reason(self.seats, waiter.lane, 0), now)

    def _give_up(self, waiter: Waiter, why: WaitReason, now: float) -> Refuse:
        lane = waiter.lane
        full = pool_is_full(self.seats, waiter, why, now)
        self.leave(waiter, now)
        lane.totals.timeouts += 1
        if lane.error and why not in (WaitReason.LIMIT, WaitReason.MAX_CONNECTIONS):
            return self.refuse(waiter.id, lane.error, RefuseReason.CONNECT_FAILED)
        return self.refuse(waiter.id, full, RefuseReason.POOL_IS_FULL)
