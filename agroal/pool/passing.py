"""What goes on between clients without a word to the pool, and how the pool keeps account of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from functools import partial

from agroal.pool import room, upkeep
from agroal.pool.effects import Grant
from agroal.pool.slot import IN_USE, PoolKey
from agroal.pool.view import PoolView

SHORTEST_PATIENCE = 1.0
"""Seconds. With a shorter `blocking_timeout` every client is known from the moment when it begins to wait."""


class Passing(PoolView):
    """The part of the pool for connections that go from client to client."""

    def recount(self, slot: int, lease: int, now: float, leases: int) -> bool:
        """The lease has gone on to so many more clients. False if it may not go on: it has to be released, then."""
        board = self._board
        back = board.seats.slots[slot]
        if back.lease != lease or back.state is not IN_USE:
            return False
        if upkeep.fault(back, None, board.seats, board.settings, now):
            return False
        board.recount(back, leases)
        return True

    def hand_on(self, slot: int, now: float) -> Grant | None:
        """A lease that may go on is over, and the next in its lane has the connection. None where nobody waits."""
        board = self._board
        back = board.seats.slots[slot]
        return board.serve(back.lane.first, back, now) if back.lane.waiting else None

    def share(self, key: PoolKey) -> object:
        """What this key shares with others: a limit, or (None) more than that. Keys with different ones have nothing
        to do with each other, as long as no connection is opened or closed.
        """
        lane = self._board.lanes.find(key)
        return lane.cap if lane and lane.cap.limit and self._board.seats.empty else None

    def ahead(self, key: PoolKey) -> Sized | None:
        """Who waits for a connection of this key; None if others do who lack one of its seats for more than a while."""
        board = self._board
        lane = board.lanes.find(key)
        if lane is None:
            return None
        rivals = room.rivals(lane, board.seats)
        if any(room.is_poor(len(rival.seats), lane) for rival in rivals):
            return None
        return lane.waiting

    def is_even(self, keys: Iterable[PoolKey], now: float | None = None) -> bool:
        """Whether nobody lacks a seat of others for more than a while; with `now`: not even an odd one that is due.

        Where clients wait, that is; and for each of these keys somebody does.
        """
        board = self._board
        lanes = filter(None, map(board.lanes.find, keys))
        if now is None:
            return room.is_even(lanes, board.seats)
        return room.is_even(lanes, board.seats, partial(room.is_owed, settings=board.settings, now=now))

    def may_make_room(self, key: PoolKey) -> bool:
        """Whether a connection is free, of whatever key, whose seat this one could use."""
        lane, seats = self._board.lanes.find(key), self._board.seats
        return lane is None or room.has_free(lane.cap, seats)

    def is_waiting_in_vain(self, key: PoolKey) -> bool:
        """Whether nothing can be done for those who wait for a connection of this key before one of its own comes back,
        or something happens that is told here.

        Then whoever comes later need not be known here until then.
        """
        board, seats = self._board, self._board.seats
        lane = board.lanes.find(key)
        if lane is None or lane.free or lane.validating or lane.failures or len(lane.seats) == len(lane.opening):
            return False
        if not board.passage.is_open(key.database):
            return False
        exhausted = lane.cap.is_full or not seats.empty
        return exhausted and board.settings.blocking_timeout >= SHORTEST_PATIENCE

    def count_waits(self, key: PoolKey, waits: int, wait_us: int, times: Sequence[int], now: float) -> None:
        """So many clients have waited for a lease that went on, for so long together, each up to one of BOUNDS_US."""
        totals = self._board.lanes.get(key, False, now).totals
        for counted in (self._board.totals, totals):
            counted.waits += waits
            counted.wait_us += wait_us
        totals.wait_histogram.merge(times, wait_us)
