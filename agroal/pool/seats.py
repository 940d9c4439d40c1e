"""The slots, indexed by what is asked about them. A slot changes its state and its place in the indexes in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agroal.pool.effects import CloseReason
from agroal.pool.lanes import Cap, Lane
from agroal.pool.slot import CLOSING, FREE, GRACEFULLY, IN_USE, INIT, NOT_INIT, VALIDATION, Slot, SlotState
from agroal.pool.waiters import WaitReason

Observer = Callable[[Slot, SlotState, float], object]
"""Is told of each move of a slot: the slot, the state it was in, and for how many seconds."""


class Seats:
    """`max_connections` slots, and the caps they count against."""

    def __init__(self, size: int, caps: list[Cap]) -> None:
        self.slots = [Slot(index) for index in range(size)]
        self.caps = caps
        self.empty = list(range(size - 1, -1, -1))
        """The lowest is taken first."""
        self.opening: dict[int, Slot] = {}
        self.validating: dict[int, Slot] = {}
        self.closing: dict[int, Slot] = {}
        self.marked: dict[int, Slot] = {}
        """Leased, and closed when they come back."""
        self.observer: Observer | None = None

    def open(self, lane: Lane, now: float) -> Slot:
        """Take an empty slot for a connection of this lane."""
        slot = self.slots[self.empty.pop()]
        slot.lane = lane
        slot.born = now
        slot.leases = 0
        slot.move(INIT, now)
        if self.observer:
            self.observer(slot, NOT_INIT, 0.0)
        lane.seats[slot.index] = lane.cap.seats[slot.index] = slot
        lane.since = now
        lane.opening[slot.index] = self.opening[slot.index] = slot
        return slot

    def move(self, slot: Slot, to: SlotState, now: float) -> None:
        was, began = slot.state, slot.since
        slot.move(to, now)
        lane, index = slot.lane, slot.index
        if self.observer:
            self.observer(slot, was, now - began)
        if was is FREE:
            del lane.free[index], lane.cap.free[index]
        elif was is INIT:
            lane.opening.pop(index, None)
            del self.opening[index]
            _count_connect(slot, to, now)
        elif was is VALIDATION:
            del lane.validating[index], self.validating[index]
        elif was is IN_USE:
            if to is GRACEFULLY:
                slot.leased_at = began
            else:  # the lease is over, though the next may begin at once
                lane.totals.lease_times.add(int((now - began) * 1e6))
        elif was is GRACEFULLY:
            lane.totals.lease_times.add(int((now - slot.leased_at) * 1e6))
            del self.marked[index]
        else:
            del self.closing[index]
        if to is FREE:
            lane.free[index] = lane.cap.free[index] = slot
            if was is not VALIDATION:
                slot.idle_since = now
        elif to is VALIDATION:
            lane.validating[index] = self.validating[index] = slot
        elif to in CLOSING:
            lane.seats.pop(index)
            lane.since = now
            self.closing[index] = slot
        elif to is NOT_INIT:
            self._vacate(slot, now)
        elif to is GRACEFULLY:
            self.marked[index] = slot

    def doom(self, slot: Slot, reason: CloseReason) -> None:
        """A connection under way is not wanted any more. It is closed once it is open."""
        slot.doom = reason
        slot.waiter = None
        del slot.lane.opening[slot.index]

    def _vacate(self, slot: Slot, now: float) -> None:
        if slot.lane.seats.pop(slot.index, None):
            slot.lane.since = now
        del slot.lane.cap.seats[slot.index]
        slot.lease = 0
        slot.waiter = slot.doom = None
        self.empty.append(slot.index)

    def taken(self) -> Iterator[Slot]:
        """Those that are not empty. Do not change them meanwhile."""
        return (slot for slot in self.slots if slot.state is not NOT_INIT)

    def blocker(self, cap: Cap) -> WaitReason | None:
        """The cap that keeps a connection under this one from being opened now."""
        if cap.is_full:
            return WaitReason.LIMIT
        return None if self.empty else WaitReason.MAX_CONNECTIONS

    def vacating(self, cap: Cap, full: bool) -> Iterator[Slot]:
        """Slots being closed whose seat this cap could use: if it is full, only its own."""
        return (slot for slot in self.closing.values() if slot.lane.cap is cap or not full)


def _count_connect(slot: Slot, to: SlotState, now: float) -> None:
    totals = slot.lane.totals
    if to is NOT_INIT:
        totals.connect_failures += 1
    else:
        totals.connects.add(int((now - slot.born) * 1e6))
