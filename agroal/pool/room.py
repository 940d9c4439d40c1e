"""Who gets the next seat.

Inside a lane the order is strict: first come, first served. Between lanes that share an exhausted cap (a limit, or
`max_connections`) two wishes are at odds. The oldest waiter should be next; and a connection should stay with its lane, because
giving its seat to another one costs closing it and logging in anew, a hundred times the price of a query. So:

1. A seat that is empty, or becomes so, goes to the oldest waiter whose caps allow it (`steps`).
2. A free connection that nobody in its lane waits for is closed when a waiter of another lane lacks nothing but its seat: the
   longest free first, never below the `min_size` of a limit that is not the waiter's own (`_victim`).
3. A connection that comes back goes to the first waiter of its own lane, unless another lane's first waiter came earlier and
   has nothing on its way, and
     - either that lane has at least two connections fewer: moving one makes things more even, so it can't go to and fro;
     - or it came earlier by more than `patience`.
   Then the connection is closed to make room (`makes_way`). One at a time: while a seat is being vacated nobody else gives way.

Nobody starves: a waiter ages and those it competes with are served, so in the end it is the oldest by more than `patience`.
Nobody thrashes: a lane that gets a seat by patience has it for that long, so the reconnects are bounded in time, not in queries.
Equal demand gets equal seats, by the first half of rule 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from agroal.pool.lanes import Cap, Lane
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import Slot
from agroal.pool.waiters import Waiter


def share(settings: PoolSettings) -> int:
    """How many connects one lane may have under way."""
    return max(1, settings.connects_at_once // 2)


def steps(seats: Seats, settings: PoolSettings, now: float) -> Iterator[Waiter | Slot]:
    """What to do so that nobody waits for a connection that could be opened: a waiter to connect for, or a slot to close.

    The caller takes each step before it asks for the next.
    """
    permits = settings.connects_at_once - len(seats.opening)
    caps = [cap for cap in seats.caps if cap.waiting and _hopeful(seats, cap)]
    planned: dict[Lane, int] = {}
    claimed: set[Slot] = set()
    while permits > 0 and (waiter := _oldest_in_need(caps, planned, share(settings), now)):
        lane, cap = waiter.lane, waiter.lane.cap
        if not seats.blocker(cap):
            permits -= 1
            yield waiter
            continue
        slot = next((slot for slot in seats.vacating(cap) if slot not in claimed), None)
        if slot is None and (slot := _victim(seats, cap)):
            yield slot
        if slot is None:
            caps.remove(cap)  # what one lane under a cap can't get, none under it can
            continue
        claimed.add(slot)
        permits -= 1
        planned[lane] = planned.get(lane, 0) + 1


def makes_way(slot: Slot, seats: Seats, settings: PoolSettings, now: float) -> bool:
    """Whether a connection that comes back, and is waited for in its own lane, should make room for another lane instead."""
    own, cap = slot.lane, slot.lane.cap
    if len(seats.opening) >= settings.connects_at_once:
        return False
    turn = own.first.turn
    lanes = (lane for other in _helped(slot, seats) for lane in other.waiting if lane is not own)
    needy = (lane.first for lane in lanes if lane.first.turn < turn and lane.next_in_need(now, 0, 1))
    rival = min(needy, key=_turn, default=None)
    if rival is None or seats.vacating(rival.lane.cap):
        return False
    return len(rival.lane.seats) + 2 <= len(own.seats) or rival.since + settings.patience < own.first.since


def _helped(slot: Slot, seats: Seats) -> list[Cap]:
    """The caps under which somebody waits who lacks nothing but this slot's seat."""
    cap = slot.lane.cap
    if cap.is_full and seats.empty:
        return [cap]
    if seats.empty:
        return []
    return [other for other in seats.caps if other.waiting and (other is cap or (not other.is_full and cap.spare > 0))]


def beyond_reach(seats: Seats) -> list[Waiter]:
    """Those who wait for somebody else's connection: none is on its way to them, and a cap keeps one from being opened."""
    out: list[Waiter] = []
    for cap in seats.caps:
        if cap.waiting and seats.blocker(cap):
            vacating = len(seats.vacating(cap))
            for lane in cap.waiting:
                coming = vacating + (0 if lane.private else len(lane.opening))
                out += islice(lane.waiting.values(), coming, None)
    return out


def _hopeful(seats: Seats, cap: Cap) -> bool:
    """Whether it is worth asking who waits under this cap: a seat is empty, or may be."""
    if cap.is_full:
        return bool(cap.free or seats.closing)
    return bool(seats.empty or seats.closing or any(other.free for other in seats.caps))


def _oldest_in_need(caps: Iterable[Cap], planned: dict[Lane, int], share: int, now: float) -> Waiter | None:
    lanes = (lane for cap in caps for lane in cap.waiting)
    needy = (waiter for lane in lanes if (waiter := lane.next_in_need(now, planned.get(lane, 0), share)))
    return min(needy, key=_turn, default=None)


def _victim(seats: Seats, cap: Cap) -> Slot | None:
    """The longest free connection whose seat something under this cap could take."""
    caps = [cap] if cap.is_full else [other for other in seats.caps if other.free and (other is cap or other.spare > 0)]
    longest = (next(iter(other.free.values())) for other in caps if other.free)
    return min(longest, key=_since, default=None)


def _turn(waiter: Waiter) -> int:
    return waiter.turn


def _since(slot: Slot) -> float:
    return slot.since
