"""Who gets the next seat.

Inside a lane the order is strict: first come, first served. Between lanes under one exhausted cap (a limit, or
`max_connections`) two wishes are at odds. The oldest waiter should be next; but a connection should stay in its lane,
because to give its seat to another means to close it and to log in anew, at a hundred times the price of a query. So a
seat moves from a lane to a waiter in another only

- from a lane that has at least two connections more: that makes things more even, and can't go to and fro;
- from a lane that has one more, to one that has none, when `patience` is over: the only seat goes round;
- from a lane that has one more, to one that has some, when it has had as many for `tenure`, times what the other has:
  the odd seat goes round, and the less it matters the more seldom;
- from any lane, when it has been free for `patience`: nobody there seems to want it.

1. A seat that is empty, or becomes so, goes to a waiter whose caps allow it: to the oldest of those whose lanes have
   nothing at all, for they may have had to wait for this seat to move, while the others also wait for their own; else
   to the lane that has least, and of these to the one that has had no more for longest. So who has given an odd seat
   away is the last to have one again, and all get it equally often, however fast each is with it.
2. A free connection is closed to make room when somebody lacks nothing but its seat, by the rule above: patience is
   over when the waiter has waited for so long, or the connection has been free for so long. The longest free goes
   first, and never below the `min_size` of a limit that is not the waiter's own (`Plan`).
3. A connection that comes back goes to the first waiter of its own lane, unless the first waiter of another lane came
   earlier, has nothing on its way, and may have the seat by the rule above: patience is over when it came so much
   earlier; tenure does not ask how much, for among quick clients nobody waits long. Then the connection is closed to
   make room, and no other while that seat is being vacated (`makes_way`).

Nobody starves: who has no connection has fewer than anybody who has one, and will in the end be the oldest by more than
`patience`; who has some is served by them in order. And nobody thrashes: between lanes as even as can be, a seat moves
once per `patience` or `tenure`, not once per query. tests/unit/pool/test_fairness.py shows both.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Final

from agroal.pool.lanes import Cap, Lane
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import Slot
from agroal.pool.waiters import Waiter, WaitReason

_FREE: Final = attrgetter("free")
"""`any(map(…))` takes half the time of a generator, and `hopeful` is asked at every turn while clients queue."""


class Plan:
    """What to do now so that nobody waits longer than they must, and when to look again.

    Iterate: each step is a waiter to connect for, or a slot to close. Take it before asking for the next.
    """

    def __init__(self, seats: Seats, settings: PoolSettings, caps: list[Cap], now: float) -> None:
        self._seats = seats
        self._settings = settings
        self._now = now
        self._caps = caps
        self._planned: Counter[Lane] = Counter()
        """Connects that begin when a seat is vacated."""
        self._moving: Counter[Cap] = Counter()
        """Seats among those that come from under another cap."""
        self._claimed: set[int] = set()
        self._idle: dict[Cap, tuple[float, int]] = {}
        """What `_look_at` has seen."""
        self._share = max(1, settings.connects_at_once // 2)
        """How many connects one lane may have under way."""
        self._patience = min(settings.patience, settings.blocking_timeout / 2)
        self.again_at = math.inf
        """When patience is over, where that is all that is missing."""

    def __iter__(self) -> Iterator[Waiter | Slot]:
        seats, most = self._seats, self._settings.connects_at_once
        needy = [(self._rank(one), one) for cap in self._caps for lane in cap.waiting if (one := self._in_need(lane))]
        heapq.heapify(needy)
        while needy and len(seats.opening) < most:
            _, waiter = heapq.heappop(needy)
            lane, cap = waiter.lane, waiter.lane.cap
            if self._in_need(lane) is not waiter:  # the private lanes' share of the connects is spent
                continue
            full = len(cap.seats) + self._moving[cap] >= cap.size  # only a seat under this very cap helps
            if seats.empty and not full:
                yield waiter
            elif (slot := self._vacated(cap, full)) is not None:
                self._claim(slot, lane)
            elif len(self._claimed) < most and (slot := self._victim(waiter, full)) is not None:
                yield slot
                self._idle.clear()
                self._claim(slot, lane)
            else:
                continue
            if following := self._in_need(lane):
                heapq.heappush(needy, (self._rank(following), following))

    def _in_need(self, lane: Lane) -> Waiter | None:
        return lane.next_in_need(self._now, self._planned[lane], self._share)

    def _rank(self, waiter: Waiter) -> tuple[int, float, int]:
        """Who has least first, then who has had no more for longest; of those that have nothing, the oldest.

        Clients that have yet to prove who they are do not go first.
        """
        lane = waiter.lane
        has = len(lane.seats) + self._planned[lane]
        if not (has or lane.private):
            return 0, 0.0, waiter.turn
        return max(1, has), math.inf if lane.private else lane.since, waiter.turn

    def _claim(self, slot: Slot, lane: Lane) -> None:
        self._claimed.add(slot.index)
        self._planned[lane] += 1
        self._moving[lane.cap] += slot.lane.cap is not lane.cap

    def _vacated(self, cap: Cap, full: bool) -> Slot | None:
        """A slot that is being closed already, and whose seat nobody older counts on."""
        return next((slot for slot in self._seats.vacating(cap, full) if slot.index not in self._claimed), None)

    def _victim(self, waiter: Waiter, full: bool) -> Slot | None:
        """The longest free connection that may make room for this waiter."""
        own = waiter.lane.cap
        ripe = [self._ripe(cap, waiter) for cap in ([own] if full else self._seats.caps) if cap.free]
        return min((slot for slot in ripe if slot), key=lambda slot: slot.since, default=None)

    def _ripe(self, cap: Cap, waiter: Waiter) -> Slot | None:
        """The longest free under one cap. Mostly there is none, and that is seen without looking at each."""
        if cap is not waiter.lane.cap and cap.spare <= 0:
            return None
        now, patience = self._now, self._patience
        size = len(waiter.lane.seats) + self._planned[waiter.lane]
        oldest, largest = self._idle.get(cap) or self._look_at(cap)
        waited = waiter.since + patience
        ripe_at = oldest + patience if largest <= size else min(oldest + patience, waited)
        if largest < size + 2 and ripe_at > now:
            self.again_at = min(self.again_at, ripe_at)
            return None

        def may_go(slot: Slot) -> bool:
            more = len(slot.lane.seats) - size
            return more > 1 or (more == 1 and waited <= now) or slot.since + patience <= now

        return next(filter(may_go, cap.free.values()))

    def _look_at(self, cap: Cap) -> tuple[float, int]:
        """Since when the longest free connection has been free, and how many the largest lane with a free one has."""
        oldest = next(iter(cap.free.values())).since
        largest = max(len(slot.lane.seats) for slot in cap.free.values())
        self._idle[cap] = oldest, largest
        return oldest, largest


def makes_way(slot: Slot, seats: Seats, settings: PoolSettings, now: float) -> bool:
    """Whether a connection that comes back, though its own lane waits for it, should make room for another lane."""
    if len(seats.opening) >= settings.connects_at_once:
        return False
    own, first = slot.lane, slot.lane.first

    def gains(lane: Lane) -> bool:
        rival = lane.first
        if rival.turn > first.turn or not is_owed(len(lane.seats), own, settings, now):
            return False
        fair = lane.seats or len(own.seats) > 1 or rival.since + settings.patience < first.since
        return fair and lane.next_in_need(now, 0, 1) is rival and not any(seats.vacating(lane.cap, lane.cap.is_full))

    return any(map(gains, rivals(own, seats)))


def is_poor(has: int, own: Lane) -> bool:
    """Whether a lane that has so many connections lacks one of `own` for more than a while."""
    more = len(own.seats) - has
    return more > 1 or (more == 1 and not has)


def is_owed(has: int, own: Lane, settings: PoolSettings, now: float) -> bool:
    """Whether a lane that has so many connections may have one of `own`, by what both have and since when."""
    return is_poor(has, own) or (len(own.seats) > has and own.since + settings.tenure * has <= now)


def is_even(lanes: Iterable[Lane], seats: Seats, owed: Callable[[int, Lane], bool] = is_poor) -> bool:
    """Whether nobody who waits is owed a connection of others who do. Somebody waits in each of these lanes, too."""
    waiting = {*lanes, *(lane for cap in seats.caps for lane in cap.waiting)}
    least: dict[Cap, int] = {}
    for lane in waiting:
        least[lane.cap] = min(least.get(lane.cap, sys.maxsize), len(lane.seats))
    movable = () if seats.empty else (least[cap] for cap in least if not cap.is_full)
    anywhere = min(movable, default=sys.maxsize)

    def owes(lane: Lane) -> bool:
        has = least[lane.cap]
        if anywhere < has and lane.cap.spare > 0:
            has = anywhere
        return not lane.private and owed(has, lane)

    return not any(map(owes, waiting))


def rivals(own: Lane, seats: Seats) -> Iterator[Lane]:
    """The other lanes in which somebody waits who lacks nothing but one of this lane's seats."""
    return (lane for cap in _helped(own.cap, seats) for lane in cap.waiting if lane is not own)


def _helped(own: Cap, seats: Seats) -> list[Cap]:
    """The caps under which somebody waits who lacks nothing but a seat under this one."""
    if seats.empty:
        return [own] if own.is_full else []
    caps = [cap for cap in seats.caps if cap.waiting]
    return [cap for cap in caps if cap is own or (not cap.is_full and own.spare > 0)]


def has_free(own: Cap, seats: Seats) -> bool:
    """Whether a connection is free that may make room under this cap sooner or later."""
    if own.is_full:
        return bool(own.free)
    return any(cap.free and (cap is own or cap.spare > 0) for cap in seats.caps)


def beyond_reach(seats: Seats) -> Iterator[tuple[Waiter, WaitReason]]:
    """Those who wait for somebody else's connection: a cap forbids one of theirs, and no seat is on its way."""
    for cap in seats.caps:
        if cap.waiting and (blocker := seats.blocker(cap)):
            vacating = sum(1 for _ in seats.vacating(cap, cap.is_full))
            for lane in cap.waiting:
                coming = vacating + (0 if lane.private else len(lane.opening) + len(lane.validating))
                yield from ((waiter, blocker) for waiter in islice(lane.waiting.values(), coming, None))


def hopeful(seats: Seats) -> list[Cap]:
    """The caps under which it is worth while to plan for those who wait. When all is in use there is none."""
    anywhere = seats.empty or seats.closing or any(map(_FREE, seats.caps))
    if not anywhere:
        return []
    return [cap for cap in seats.caps if cap.waiting and (not cap.is_full or cap.free or seats.closing)]
