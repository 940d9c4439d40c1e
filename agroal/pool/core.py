"""The pool: *what happened, when* goes in, effects come out, in the order in which they are to be carried out.

Here is no clock, no socket and no dice, so the pool can be proved by a machine that plays the world. `now` is seconds
on any clock that never goes back. The shell carries the effects out and reports what comes of them as new events:

    acquire  ──► Grant ─────────────► release, or decline if the waiter is gone by then
             ├─► Connect ───────────► connected ──► Grant
             │                    └─► connect_failed ──► Refuse
             ├─► (nothing: it waits) ► tick ──► Refuse      the shell calls `tick` at `next_deadline`
             └─► Refuse
    Close ──► closed                  a connection may also be `closed` on its own, except while it is being opened

Every event ends in one `_settle`, which serves those who wait as far as the caps allow; room.py has the rules. After
every event, as tests/unit/pool/test_world.py checks,

- a slot has one lease at most, and a grant has the asked key;
- no cap is exceeded, connections being opened or closed included;
- nobody waits beside a free connection of theirs, or while one could be opened for them (where that costs another pool
  a connection, room.py says when);
- no connect begins that nobody needs;
- the waiters of a lane are served in order, and each gets exactly one answer, unless it cancels;
- while anyone waits there is a next deadline;
- a server that refuses us is tried at most once per pause and pool key.

Who is refused when a connect fails? Those whom no other connection can serve any more: if nothing of the lane is
leased, all but as many as there are other connects under way. While something is leased the waiters keep their place,
because it may come back at any moment; and who waits in vain is told in the end what the server said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agroal.errors import ClientFacing, IllegalTransition, ServerLost
from agroal.pool import room, snapshot, upkeep
from agroal.pool.board import Board
from agroal.pool.effects import CloseReason, Effect, RefuseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import (
    CLOSING,
    FLUSH,
    FREE,
    GRACEFULLY,
    INIT,
    LEASED,
    MAX_CONNECTION_AGE,
    NOT_INIT,
    REMOVE,
    PoolKey,
    Slot,
    SlotState,
)
from agroal.pool.upkeep import FlushMode, Random
from agroal.pool.waiters import Waiter


class Pool:
    """The slots of all pools. `random` gives numbers from 0 to 1, for jitter.

    Raises IllegalTransition when it is told what can't have happened: that is a bug of the caller.
    """

    def __init__(self, settings: PoolSettings, limits: Sequence[Limit], random: Random, now: float) -> None:
        self._random = random
        self._board = Board(settings, limits)
        self._seats = self._board.seats
        self._now = now
        self._sweep_at = upkeep.next_sweep(self._seats, settings, now)

    def __repr__(self) -> str:
        total = len(self._seats.slots)
        taken = total - len(self._seats.empty)
        return f"<Pool {taken} of {total} slots, {self.leased} leased, {len(self._board.waiters)} waiting>"

    @property
    def leased(self) -> int:
        """How many clients hold a connection."""
        return sum(slot.state in LEASED for slot in self._seats.slots)

    def snapshot(self, now: float) -> snapshot.PoolSnapshot:
        board = self._board
        return snapshot.take(board.seats, board.waiters, board.lanes, board.totals, now)

    # -- clients

    def acquire(self, waiter: int, key: PoolKey, now: float, *, private: bool = False) -> list[Effect]:
        """A client wants a connection. `private`: one to which it logs in by itself, and which nobody gets after it.

        `waiter` is any number by which nobody else waits.
        """
        lane = self._board.lanes.get(key, private, now)
        if lane.free:
            # Then nobody waits in this lane, and nobody in another gains by this: there is nothing to settle.
            return [self._board.grant(next(reversed(lane.free.values())), waiter, now)]
        if waiter in self._board.private or waiter in self._board.waiters:
            raise IllegalTransition(f"waiter {waiter} waits already")
        self._board.queue(Waiter(waiter, lane, now))
        return self._settle(now)

    def cancel(self, waiter: int, now: float) -> list[Effect]:
        """The client no longer waits. No effect on who was answered or has cancelled before."""
        board = self._board
        if queued := board.waiters.get(waiter):
            board.leave(queued, now)
            board.totals.cancelled += 1
        elif slot := board.private.pop(waiter, None):
            board.seats.doom(slot, CloseReason.ABANDONED)
            board.totals.cancelled += 1
        return self._settle(now)

    def release(
        self, slot: int, lease: int, now: float, *, clean: bool = True, reason: CloseReason = CloseReason.DIRTY
    ) -> list[Effect]:
        """The client gives its connection back. If it is not clean, `reason` says why nobody else may use it."""
        back = self._seats.slots[slot]
        if not lease or back.lease != lease:
            has = f"lease {back.lease}" if back.lease else "none"
            raise IllegalTransition(f"slot {slot}: lease {lease} is over, or never was: it has {has}")
        back.lease = 0
        lane = back.lane
        if back.state in CLOSING:  # flush all was first
            return self._settle(now)
        if fault := self._fault(back, None if clean else reason, now):
            return self._settle(now, self._board.close(back, *fault, now))
        if lane.waiting:
            return self._settle(now, self._board.serve(lane.first, back, now))
        self._seats.move(back, FREE, now)
        return self._settle(now)

    def _fault(self, back: Slot, dirt: CloseReason | None, now: float) -> tuple[SlotState, CloseReason] | None:
        """Why a connection that came back does not go to the next client, and the state in which it is closed."""
        if back.state is GRACEFULLY:
            return FLUSH, dirt or back.doom or CloseReason.FLUSHED
        if dirt:
            return REMOVE, dirt
        if back.lane.private:
            return REMOVE, CloseReason.PASS_THROUGH
        if now >= back.retire_at:
            return MAX_CONNECTION_AGE, CloseReason.TOO_OLD
        if back.lane.waiting and room.makes_way(back, self._seats, self._board.settings, now):
            return REMOVE, CloseReason.MAKING_ROOM
        return None

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
            return self._settle(now, board.close(opened, state, opened.doom, now))
        if opened.waiter is not None:
            del board.private[opened.waiter]
            return self._settle(now, board.grant(opened, opened.waiter, now))
        if lane.waiting:
            return self._settle(now, board.serve(lane.first, opened, now))
        self._seats.move(opened, FREE, now)
        return self._settle(now)

    def connect_failed(self, slot: int, error: ClientFacing, now: float) -> list[Effect]:
        """A connect has failed, and `error` is what clients are told."""
        failed, board = self._under_way(slot), self._board
        lane, waiter, began = failed.lane, failed.waiter, failed.since
        board.totals.connect_failures += 1
        self._seats.move(failed, NOT_INIT, now)
        if waiter is not None:
            del board.private[waiter]
            return self._settle(now, board.refuse(waiter, error, RefuseReason.CONNECT_FAILED))
        if lane.private:
            return self._settle(now)
        pause = upkeep.pause(lane.failures + 1, self._board.settings, self._random)
        board.lanes.failed(lane, began, error, now + pause)
        refused = lane.hopeless()
        for hopeless in refused:
            board.leave(hopeless, now)
        return self._settle(now, *(board.refuse(one.id, error, RefuseReason.CONNECT_FAILED) for one in refused))

    def _under_way(self, slot: int) -> Slot:
        connecting = self._seats.slots[slot]
        if connecting.state is not INIT:
            raise IllegalTransition(f"slot {slot} is {connecting.state}: no connect is under way")
        return connecting

    def closed(self, slot: int, now: float, reason: CloseReason = CloseReason.LOST) -> list[Effect]:
        """A connection is gone, on PostgreSQL's side too, and a lease on it is over.

        `reason` is why, if the pool had not asked for it.
        """
        gone = self._seats.slots[slot]
        if gone.state is INIT:
            raise IllegalTransition(f"slot {slot} is init: only connected or connect_failed ends that")
        self._board.vacate(gone, gone.doom if gone.doom and gone.state in CLOSING else reason, now)
        return self._settle(now)

    # -- time and administrators

    def tick(self, now: float) -> list[Effect]:
        """Time has passed. Needed at `next_deadline`, harmless at any other time."""
        effects = list(self._board.expire(now))
        if now >= self._sweep_at:
            worn = list(upkeep.worn(self._seats, self._board.settings, now))
            effects += [self._board.close(slot, state, reason, now) for slot, state, reason in worn]
            self._sweep_at = upkeep.next_sweep(self._seats, self._board.settings, now)
        return self._settle(now, *effects)

    def next_deadline(self) -> float | None:
        """When `tick` is needed, if nothing else happens before."""
        deadline = self._sweep_at
        if oldest := self._board.waiters.oldest():
            deadline = min(deadline, self._board.again_at)
            if self._board.settings.blocking_timeout:
                deadline = min(deadline, oldest.since + self._board.settings.blocking_timeout)
            for lane in self._board.lanes.failing:
                if lane.waiting and self._now < lane.retry_at < deadline:
                    deadline = lane.retry_at
        return None if deadline == math.inf else deadline

    def flush(
        self, mode: FlushMode, database: str | None, now: float, reason: CloseReason = CloseReason.FLUSHED
    ) -> list[Effect]:
        """Close the connections to one database (its real name), or (None) to all, as far as the mode goes."""
        taken = [slot for slot in self._seats.taken() if database in (None, slot.lane.key.database)]
        return self._settle(now, *(effect for slot in taken for effect in self._flush(slot, mode, reason, now)))

    def _flush(self, slot: Slot, mode: FlushMode, reason: CloseReason, now: float) -> list[Effect]:
        board = self._board
        match slot.state:
            case SlotState.FREE | SlotState.VALIDATION:
                return [board.close(slot, FLUSH, reason, now)]
            case SlotState.IN_USE if mode is FlushMode.GRACEFULLY:
                slot.doom = reason
                board.seats.move(slot, GRACEFULLY, now)
            case SlotState.IN_USE | SlotState.GRACEFULLY if mode is FlushMode.ALL:
                return [board.close(slot, FLUSH, reason, now)]
            case SlotState.INIT if mode is FlushMode.ALL and not slot.doom:
                waiter = slot.waiter
                board.seats.doom(slot, reason)
                if waiter is not None:
                    del board.private[waiter]
                    flushed = ServerLost("the connection was flushed while it was being opened")
                    return [board.refuse(waiter, flushed, RefuseReason.FLUSHED)]
        return []

    def _settle(self, now: float, *effects: Effect) -> list[Effect]:
        """How every event ends: what it has caused by itself, and then what the others get of it."""
        self._now = now
        return [*effects, *self._board.settle(now)] if self._board.waiters else [*effects]
