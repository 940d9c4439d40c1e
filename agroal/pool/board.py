"""The board on which the pool plays: slots, lanes and waiters, and the moves.

A move changes all that it concerns, counts itself, and returns the effect that tells the shell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from agroal.config.choices import Validation
from agroal.errors import ClientFacing
from agroal.pool import room, upkeep
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Notify, Refuse, RefuseReason, Validate
from agroal.pool.gate import Gate
from agroal.pool.lanes import Cap, Lane, Lanes
from agroal.pool.limits import Limit
from agroal.pool.refusal import pool_is_full, wait_reason
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import FREE, IN_USE, NOT_INIT, REMOVE, VALIDATION, Slot, SlotState
from agroal.pool.snapshot import Totals
from agroal.pool.waiters import Waiter, Waiters, WaitReason

NOTICE_SPACING = 0.1
"""Seconds between looks at who is to be told that it waits: to find its position means to count."""


class Board:
    """All that the pool knows."""

    def __init__(self, settings: PoolSettings, limits: Sequence[Limit]) -> None:
        self.settings = settings
        self.validates_first = settings.validation is Validation.FOREGROUND
        self.lanes = Lanes(limits)
        self.seats = Seats(settings.max_connections, self.lanes.caps)
        self.waiters = Waiters()
        self.gate = Gate()
        """Shut for databases that new clients may not enter; it only keeps them from being filled ahead of clients."""
        self.passage = Gate()
        """Shut for databases that are paused: pauses.py."""
        self.private: dict[int, Slot] = {}
        """By waiter: the connection that is being opened for this client alone."""
        self.totals = Totals()
        self.again_at = math.inf
        """When `settle` may do more, though nothing happens: patience with some connection is over."""
        self.refill_at = math.inf
        """When `fill` may do more, though nothing happens: the pause after a failed connect is over."""
        self.notice_at = -math.inf
        """The next look at who is to be told that it waits is not before."""
        self.round = -math.inf
        """When the latest round of background validation began: what is free since then need not be looked at."""

    def reconfigure(self, settings: PoolSettings, limits: Sequence[Limit]) -> None:
        if settings.validation is not self.settings.validation:
            self.round = -math.inf  # a round under way ends here
        self.settings = settings
        self.validates_first = settings.validation is Validation.FOREGROUND
        self.lanes.reconfigure(limits, list(self.seats.taken()))

    def queue(self, waiter: Waiter) -> None:
        self.waiters.add(waiter, held=not self.passage.is_open(waiter.lane.key.database))
        self.totals.waits += 1
        waiter.lane.totals.waits += 1

    def leave(self, waiter: Waiter, now: float) -> None:
        self.waiters.remove(waiter)
        waited = round((now - waiter.came) * 1e6)
        self.totals.wait_us += waited
        totals = waiter.lane.totals
        totals.wait_us += waited
        totals.wait_histogram.add(waited)

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
        self.lease(slot, now)
        return Grant(waiter, slot.index, slot.lease)

    def lease(self, slot: Slot, now: float) -> Slot:
        totals = self.totals
        totals.leases += 1
        slot.lane.totals.leases += 1
        slot.leases += 1
        slot.lease = totals.leases
        self.seats.move(slot, IN_USE, now)
        return slot

    def recount(self, slot: Slot, leases: int) -> None:
        """The connection was leased so many times more than was known."""
        self.totals.leases += leases
        slot.lane.totals.leases += leases
        slot.leases += leases

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

    def rest(self, slot: Slot, now: float) -> Iterator[Close]:
        """Nobody wants it just now: it is free, unless it is one too many."""
        cap = slot.lane.cap
        if cap.excess:
            yield self.close(slot, REMOVE, CloseReason.LIMIT_LOWERED, now)
        elif slot.state is VALIDATION and (found := upkeep.wear(slot, cap.spare, self.settings, now)):
            yield self.close(slot, *found, now)
        else:
            self.seats.move(slot, FREE, now)

    def vacate(self, slot: Slot, reason: CloseReason, now: float) -> None:
        self.seats.move(slot, NOT_INIT, now)
        self.totals.closes[reason] += 1

    def validate(self, slot: Slot, now: float) -> Validate:
        self.totals.validations += 1
        self.seats.move(slot, VALIDATION, now)
        return Validate(slot.index)

    def settle(self, now: float) -> Iterator[Effect]:
        """Serve those who wait as far as the caps allow."""
        if self.validates_first:
            yield from self._validate_for_waiters(now)
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

    def _validate_for_waiters(self, now: float) -> Iterator[Validate]:
        """Foreground: a free connection is asked whether it works before its next client has it."""
        for lane in [lane for cap in self.seats.caps for lane in cap.waiting if lane.free]:
            unasked = len(lane.waiting) - len(lane.validating)
            for slot in list(islice(reversed(lane.free.values()), max(0, unasked))):
                yield self.validate(slot, now)

    def serve_unasked(self, now: float) -> Iterator[Grant]:
        """Free connections need not be validated first any more: who waits beside one has it."""
        for lane in [lane for cap in self.seats.caps for lane in cap.waiting]:
            while lane.waiting and lane.free and not self.validates_first:
                yield self.serve(lane.first, next(reversed(lane.free.values())), now)

    def validate_stale(self, now: float) -> Iterator[Validate]:
        """Background: those that have been free since before the round began, some at a time, longest first."""
        while len(self.seats.validating) < self.settings.validations_at_once:
            longest = [next(iter(cap.free.values())) for cap in self.seats.caps if cap.free]
            stale = [slot for slot in longest if slot.since < self.round]
            if not stale:
                return
            yield self.validate(min(stale, key=lambda slot: slot.since), now)

    def fill(self, now: float) -> Iterator[Connect]:
        """Open what is missing ahead of clients: into empty seats only, and with half of the connects at most."""
        self.refill_at = math.inf
        for cap in self.seats.caps:
            missing = cap.missing
            if missing > 0 and (lane := self._fillable(cap, now)):
                yield from self._fill(lane, missing, now)

    def _fillable(self, cap: Cap, now: float) -> Lane | None:
        if (key := cap.key) is None or not (self.gate.is_open(key.database) and self.passage.is_open(key.database)):
            return None
        lane = self.lanes.get(key, False, now)
        return lane if lane.cap is cap else None

    def _fill(self, lane: Lane, missing: int, now: float) -> Iterator[Connect]:
        if now < lane.refill_at:
            self.refill_at = min(self.refill_at, lane.refill_at)
            return
        most = max(1, self.settings.connects_at_once // 2)
        while missing > 0 and self.seats.empty and not lane.cap.is_full and len(self.seats.opening) < most:
            if lane.failures and lane.opening:
                return  # a server that failed us is tried with one at a time
            yield Connect(self.seats.open(lane, now).index, lane.key)
            missing -= 1

    def shrink(self, now: float) -> Iterator[Close]:
        """Close free connections beyond limits that have been lowered."""
        for cap in self.seats.caps:
            for slot in list(islice(cap.free.values(), cap.excess)):
                yield self.close(slot, REMOVE, CloseReason.LIMIT_LOWERED, now)

    def next_notice(self) -> float:
        """When somebody is to be told that it waits."""
        timeout = self.settings.wait_notice_timeout
        longest = [first.since for queue in (self.waiters, self.waiters.held) if (first := queue.next_to_notify())]
        return max(self.notice_at, min(longest) + timeout) if timeout and longest else math.inf

    def notify(self, now: float) -> Iterator[Notify]:
        """Tell those who have waited for `wait_notice_timeout`."""
        if now < self.next_notice():
            return
        self.notice_at = now + NOTICE_SPACING
        timeout = self.settings.wait_notice_timeout
        for waiter, position in self.waiters.notify(now, timeout):
            yield Notify(waiter.id, position, waiter.lane.error)
        for waiter, position in self.waiters.held.notify(now, timeout):
            yield Notify(waiter.id, position, waiter.lane.error, paused=True)

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
        self.totals.timeouts += 1
        if lane.error and why not in (WaitReason.LIMIT, WaitReason.MAX_CONNECTIONS):
            return self.refuse(waiter.id, lane.error, RefuseReason.CONNECT_FAILED)
        return self.refuse(waiter.id, full, RefuseReason.POOL_IS_FULL)
