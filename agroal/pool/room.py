"""Who gets the next seat.

Inside a lane the order is strict: first come, first served. Between lanes under one exhausted cap (a limit, or
`max_connections`) two wishes are at odds. The oldest waiter should be next; but a connection should stay in its lane,
because to give its seat to another means to close it and to log in anew, at a hundred times the price of a query. So:

1. A seat that is empty, or becomes so, goes to the oldest waiter whose caps allow it (`steps`).
2. A free connection that nobody in its lane waits for is closed when somebody in another lane lacks nothing but its
   seat: the longest free first, never below the `min_size` of a limit that is not the waiter's own (`_victim`).
3. A connection that comes back goes to the first waiter of its own lane, unless the first waiter of another lane came
   earlier and has nothing on its way, and
     - either that lane has at least two connections fewer: to move one makes things more even, and can't go to and fro;
     - or it came earlier by more than `patience`.
   Then the connection is closed to make room (`makes_way`), one at a time: while a seat is being vacated for the other
   lane, nobody else gives way to it.

Nobody starves: a waiter ages while those it competes with are served, so in the end it is the oldest by more than
`patience`. Equal demand gets equal seats, by the first half of rule 3. And nobody thrashes: what patience moves, it
moves at most once per connect, and only while the queues' ages differ by more than `patience`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from agroal.pool.lanes import Cap, Lane
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import Slot
from agroal.pool.waiters import Waiter, WaitReason


def share(settings: PoolSettings) -> int:
    """How many connects one lane may have under way."""
    return max(1, settings.connects_at_once // 2)


def steps(seats: Seats, settings: PoolSettings, now: float) -> Iterator[Waiter | Slot]:
    """What to do so that nobody waits for a connection that could be opened: a waiter to connect for, a slot to close.

    The caller takes each step before it asks for the next.
    """
    most = settings.connects_at_once
    caps = [cap for cap in seats.caps if cap.waiting and _hopeful(seats, cap)]
    if not caps:
        return
    planned: Counter[Lane] = Counter()  # connects that begin when a seat is vacated
    moving: Counter[Cap] = Counter()  # seats among those that come from under another cap
    claimed: set[int] = set()
    while len(seats.opening) < most and (waiter := _oldest_in_need(caps, planned, share(settings), now)):
        lane, cap = waiter.lane, waiter.lane.cap
        full = len(cap.seats) + moving[cap] >= cap.size  # only a seat under this very cap helps
        if seats.empty and not full:
            yield waiter
            continue
        slot = next((slot for slot in seats.vacating(cap, full) if slot.index not in claimed), None)
        if slot is None and len(claimed) < most and (slot := _victim(seats, cap, full)):
            yield slot
        if slot is None:
            caps.remove(cap)  # what one lane can't get under a cap, none can
            continue
        claimed.add(slot.index)
        planned[lane] += 1
        moving[cap] += slot.lane.cap is not cap


def makes_way(slot: Slot, seats: Seats, settings: PoolSettings, now: float) -> bool:
    """Whether a connection that comes back, though its own lane waits for it, should make room for another lane."""
    own = slot.lane
    if len(seats.opening) >= settings.connects_at_once:
        return False
    turn = own.first.turn
    lanes = (lane for other in _helped(slot, seats) for lane in other.waiting if lane is not own)
    needy = (lane.first for lane in lanes if lane.first.turn < turn and lane.next_in_need(now, 0, 1))
    rival = min(needy, key=_turn, default=None)
    if rival is None or any(seats.vacating(rival.lane.cap, rival.lane.cap.is_full)):
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


def beyond_reach(seats: Seats) -> Iterator[tuple[Waiter, WaitReason]]:
    """Those who wait for somebody else's connection: a cap forbids one of theirs, and no seat is on its way."""
    for cap in seats.caps:
        if cap.waiting and (blocker := seats.blocker(cap)):
            vacating = sum(1 for _ in seats.vacating(cap, cap.is_full))
            for lane in cap.waiting:
                coming = vacating + (0 if lane.private else len(lane.opening))
                yield from ((waiter, blocker) for waiter in islice(lane.waiting.values(), coming, None))


def _hopeful(seats: Seats, cap: Cap) -> bool:
    """Whether it is worth asking who waits under this cap: a seat is empty, or may be."""
    if cap.is_full:
        return bool(cap.free or seats.closing)
    return bool(seats.empty or seats.closing or any(other.free for other in seats.caps))


def _oldest_in_need(caps: Iterable[Cap], planned: Counter[Lane], share: int, now: float) -> Waiter | None:
    lanes = (lane for cap in caps for lane in cap.waiting)
    needy = (waiter for lane in lanes if (waiter := lane.next_in_need(now, planned[lane], share)))
    return min(needy, key=_turn, default=None)


def _victim(seats: Seats, cap: Cap, full: bool) -> Slot | None:
    """The longest free connection whose seat something under this cap could take."""
    caps = [cap] if full else [other for other in seats.caps if other.free and (other is cap or other.spare > 0)]
    longest = (next(iter(other.free.values())) for other in caps if other.free)
    return min(longest, key=_since, default=None)


def _turn(waiter: Waiter) -> int:
    return waiter.turn


def _since(slot: Slot) -> float:
    return slot.since
