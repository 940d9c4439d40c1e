"""The pool: *what happened, when* goes in, effects come out, in the order in which they are to be carried out.

Here is no clock, no socket and no dice, so the pool can be proved by a machine that plays the world. `now` is seconds
on any clock that never goes back. The shell carries the effects out and reports what comes of them as new events:

    acquire  ──► Grant ─────────────► release, or decline if the waiter is gone by then
             ├─► Validate ──────────► validated ──► Grant
             ├─► Connect ───────────► connected ──► Grant
             │                    └─► connect_failed ──► Refuse
             ├─► (nothing: it waits) ► tick ──► Notify, Refuse      the shell calls `tick` at `next_deadline`
             └─► Refuse
    Close ──► closed                  a connection may also be `closed` on its own, except while it is being opened

Every event ends in one `_settle`, which serves those who wait as far as the caps allow; room.py has the rules. After
every event, as tests/unit/pool/test_world.py checks,

- a slot has one lease at most, and a grant has the asked key;
- no cap is exceeded, connections being opened or closed included;
- nobody waits beside a free connection of theirs, or while one could be opened for them (where that costs another pool
  a connection, room.py says when);
- no connect begins that nobody needs: no client, and no limit's `initial_size` or `min_size`;
- the waiters of a lane are served in order, and each gets exactly one answer, unless it cancels;
- while anyone waits there is a next deadline;
- a server that refuses us is tried at most once per pause and pool key.

Who is refused when a connect fails? Those whom no other connection can serve any more: if nothing of the lane is
leased, all but as many as there are other connects under way. While something is leased the waiters keep their place,
because it may come back at any moment; and who waits in vain is told in the end what the server said. But an error that
time won't mend (wrong password, no such database) is told to all of them at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agroal.errors import ClientFacing, IllegalTransition
from agroal.pool import upkeep
from agroal.pool.board import Board
from agroal.pool.effects import CloseReason, Effect, Grant, RefuseReason
from agroal.pool.limits import Limit
from agroal.pool.orders import Orders
from agroal.pool.passing import Passing
from agroal.pool.refusal import is_final
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import (
    CLOSING,
    FLUSH,
    FREE,
    INIT,
    NOT_INIT,
    REMOVE,
    VALIDATION,
    PoolKey,
    Slot,
)
from agroal.pool.upkeep import Random
from agroal.pool.waiters import Waiter


class Pool(Orders, Passing):
    """The slots of all pools. `random` gives numbers from 0 to 1, for jitter.

    Raises IllegalTransition when it is told what can't have happened: that is a bug of the caller.
    """

    def __init__(self, settings: PoolSettings, limits: Sequence[Limit], random: Random, now: float) -> None:
        self._random = random
        self._board = Board(settings, limits)
        self._seats = self._board.seats
        self._now = now
        self._sweep_at = upkeep.next_sweep(self._seats, settings, now)
        self._validate_at = self._next_round(now)
        if any(cap.missing > 0 for cap in self._seats.caps):
            self._board.refill_at = now

    # -- clients

    def acquire(self, waiter: int, key: PoolKey, now: float, *, private: bool = False) -> list[Effect]:
        """A client wants a connection. `private`: one to which it logs in by itself, and which nobody gets after it.

        `waiter` is any number by which nobody else waits.
        """
        grant = self.enroll(waiter, key, now, now, private=private)
        return [grant] if grant else self._settle(now)

    def enroll(self, waiter: int, key: PoolKey, since: float, now: float, *, private: bool = False) -> Grant | None:
        """As `acquire`, for a client that has waited since then. `settle` has to follow: once, where there are many."""
        if not private and (lent := self.lend(key, now)):
            return Grant(waiter, lent.index, lent.lease)
        board = self._board
        lane = board.lanes.get(key, private, now)
        if waiter in board.private or board.waiters.find(waiter):
            raise IllegalTransition(f"waiter {waiter} waits already")
        board.queue(Waiter(waiter, lane, since, held_since=now))
        return None

    def settle(self, now: float) -> list[Effect]:
        """All who were to be enrolled have been."""
        return self._settle(now)

    def lend(self, key: PoolKey, now: float) -> Slot | None:
        """As `acquire`, if there is a free connection: the slot, with its lease. Else nothing is done."""
        board = self._board
        lane = board.lanes.get(key, False, now)
        if not lane.free or board.validates_first:
            return None
        # Nobody waits in this lane, and nobody in another gains by this: there is nothing to settle.
        return board.lease(next(reversed(lane.free.values())), now)

    def cancel(self, waiter: int, now: float) -> list[Effect]:
        """The client no longer waits. No effect on who was answered or has cancelled before."""
        board = self._board
        if queued := board.waiters.find(waiter):
            board.leave(queued, now)
            board.totals.cancelled += 1
        elif slot := board.private.pop(waiter, None):
            board.seats.doom(slot, CloseReason.ABANDONED)
            board.totals.cancelled += 1
        return self._settle(now)

    def release(
        self,
        slot: int,
        lease: int,
        now: float,
        *,
        clean: bool = True,
        reason: CloseReason = CloseReason.DIRTY,
        leases: int = 0,
    ) -> list[Effect]:
        """The client gives its connection back. If it is not clean, `reason` says why nobody else may use it.

        `leases`: how many more clients have had it meanwhile, handed on without a word to the pool.
        """
        back = self._seats.slots[slot]
        if not lease or back.lease != lease:
            has = f"lease {back.lease}" if back.lease else "none"
            raise IllegalTransition(f"slot {slot}: lease {lease} is over, or never was: it has {has}")
        back.lease = 0
        lane, board = back.lane, self._board
        if leases:
            board.recount(back, leases)
        if back.state in CLOSING:  # flush all was first
            return self._settle(now)
        if fault := upkeep.fault(back, None if clean else reason, board.seats, board.settings, now):
            return self._settle(now, board.close(back, *fault, now))
        if lane.waiting:
            return self._settle(now, board.serve(lane.first, back, now))
        self._seats.move(back, FREE, now)
        return self._settle(now)

    def decline(self, slot: int, lease: int, now: float) -> list[Effect]:
        """The waiter was gone when the grant reached it: the connection, as good as it was, goes to the next."""
        effects = self.release(slot, lease, now)
        self._board.totals.declined += 1
        return effects

    # -- servers

    def connected(self, slot: int, now: float) -> list[Effect]:
        """A connect has succeeded."""
        opened, lane, board = self._under_way(slot), self._seats.slots[slot].lane, self._board
        board.totals.connects += 1
        opened.retire_at = upkeep.retirement(self._board.settings, self._random, now)
        if not lane.private:
            board.lanes.succeeded(lane)
        if opened.doom:
            state = REMOVE if opened.doom is CloseReason.ABANDONED else FLUSH
            return self._settle(now, board.close(opened, state, opened.doom, now), refill=True)
        if opened.waiter is not None:
            del board.private[opened.waiter]
            return self._settle(now, board.grant(opened, opened.waiter, now), refill=True)
        if lane.waiting:
            return self._settle(now, board.serve(lane.first, opened, now), refill=True)
        return self._settle(now, *board.rest(opened, now), refill=True)

    def connect_failed(self, slot: int, error: ClientFacing, now: float) -> list[Effect]:
        """A connect has failed, and `error` is what clients are told."""
        failed, board = self._under_way(slot), self._board
        lane, waiter, began, doomed = failed.lane, failed.waiter, failed.since, failed.doom
        board.totals.connect_failures += 1
        self._seats.move(failed, NOT_INIT, now)
        if waiter is not None:
            del board.private[waiter]
            return self._settle(now, board.refuse(waiter, error, RefuseReason.CONNECT_FAILED), refill=True)
        if lane.private or doomed:  # who waits does not wait for this one
            return self._settle(now, refill=True)
        retry, refill = upkeep.pauses(lane.failures + 1, board.settings, self._random)
        board.lanes.failed(lane, began, error, now + retry, now + refill)
        refused = list(lane.waiting.values()) if is_final(error) else lane.hopeless()
        for hopeless in refused:
            board.leave(hopeless, now)
        told = [board.refuse(one.id, error, RefuseReason.CONNECT_FAILED) for one in refused]
        return self._settle(now, *told, refill=True)

    def _under_way(self, slot: int) -> Slot:
        connecting = self._seats.slots[slot]
        if connecting.state is not INIT:
            raise IllegalTransition(f"slot {slot} is {connecting.state}: no connect is under way")
        return connecting

    def validated(self, slot: int, alive: bool, now: float) -> list[Effect]:
        """A server was asked whether it still works."""
        asked, board = self._seats.slots[slot], self._board
        if asked.state is not VALIDATION:
            raise IllegalTransition(f"slot {slot} is {asked.state}: no validation is under way")
        effects: list[Effect]
        if not alive:
            effects = [board.close(asked, REMOVE, CloseReason.INVALID, now)]
        elif asked.lane.waiting:
            effects = [board.serve(asked.lane.first, asked, now)]
        else:
            effects = [*board.rest(asked, now)]
        return self._settle(now, *effects, *board.validate_stale(now))

    def spoiled(self, slot: int, reason: CloseReason, now: float) -> list[Effect]:
        """A free connection must not be used any more, and is still there."""
        free, board = self._seats.slots[slot], self._board
        if free.state is not FREE:
            raise IllegalTransition(f"slot {slot} is {free.state}: it is not free")
        return self._settle(now, board.close(free, REMOVE, reason, now), refill=True)

    def closed(self, slot: int, now: float, reason: CloseReason = CloseReason.LOST) -> list[Effect]:
        """A connection is gone, on PostgreSQL's side too, and a lease on it is over.

        `reason` is why, if the pool had not asked for it.
        """
        gone = self._seats.slots[slot]
        if gone.state is INIT:
            raise IllegalTransition(f"slot {slot} is init: only connected or connect_failed ends that")
        self._board.vacate(gone, gone.doom if gone.doom and gone.state in CLOSING else reason, now)
        return self._settle(now, *self._board.validate_stale(now), refill=True)

    # -- time

    def tick(self, now: float) -> list[Effect]:
        """Time has passed. Needed at `next_deadline`, harmless at any other time."""
        board = self._board
        effects: list[Effect] = [*board.expire(now), *board.notify(now)]
        if now >= self._sweep_at:
            worn = list(upkeep.worn(self._seats, board.settings, now))
            effects += [board.close(slot, state, reason, now) for slot, state, reason in worn]
            self._sweep_at = upkeep.next_sweep(self._seats, board.settings, now)
        if now >= self._validate_at:
            board.round = now
            self._validate_at = self._next_round(now)
            effects += board.validate_stale(now)
        return self._settle(now, *effects, refill=True)

    def next_deadline(self) -> float | None:
        """When `tick` is needed, if nothing else happens before."""
        board = self._board
        deadline = min(self._sweep_at, self._validate_at, board.refill_at, board.next_notice())
        if oldest := board.waiters.oldest():
            deadline = min(deadline, board.again_at)
            if board.settings.blocking_timeout:
                deadline = min(deadline, oldest.since + board.settings.blocking_timeout)
            for lane in board.lanes.failing:
                if lane.waiting and self._now < lane.retry_at < deadline:
                    deadline = lane.retry_at
        return None if deadline == math.inf else deadline

    def _settle(self, now: float, *effects: Effect, refill: bool = False) -> list[Effect]:
        """How every event ends: what it has caused by itself, what the others get of it, and what is left for later."""
        self._now = now
        board = self._board
        settled = [*effects, *board.settle(now)] if board.waiters.by_id else [*effects]
        return [*settled, *board.fill(now)] if refill else settled
