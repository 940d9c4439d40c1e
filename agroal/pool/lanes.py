"""A lane is what one pool key has: connections, a queue, its luck with the server. A cap is what lanes share.

All gauges are lengths of these indexes. `Seats` and `Waiters` keep them.
"""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from agroal.errors import ClientFacing
from agroal.pool.histogram import BOUNDS_LONG_US, Histogram
from agroal.pool.limits import ALL, Limit, best_match
from agroal.pool.slot import FREE, IN_USE, INIT, STAYING, PoolKey, Slot

if TYPE_CHECKING:
    from agroal.pool.waiters import Waiter


@dataclass(slots=True, eq=False)
class Cap:
    """A limit at work, or (`limit` None) all keys that no limit matches: those only `max_connections` bounds."""

    limit: Limit | None
    filling: bool = True
    """Its `initial_size` has not been reached yet."""
    size: int = field(init=False)
    """How many connections it allows."""
    seats: dict[int, Slot] = field(default_factory=dict)
    free: dict[int, Slot] = field(default_factory=dict)
    """The longest free first."""
    waiting: dict[Lane, None] = field(default_factory=dict)
    """Lanes in which somebody waits."""

    def __post_init__(self) -> None:
        self.size = self.limit.max_size if self.limit else sys.maxsize

    @property
    def is_full(self) -> bool:
        return len(self.seats) >= self.size

    @property
    def spare(self) -> int:
        """How many connections may go before `min_size` is touched."""
        if not self.limit or not self.limit.min_size:
            return len(self.seats)
        return self.staying - self.limit.min_size

    @property
    def staying(self) -> int:
        """Connections that are not on their way out."""
        return sum(slot.state in STAYING for slot in self.seats.values())

    @property
    def excess(self) -> int:
        """How many of those are too many, since the limit was lowered."""
        return max(0, self.staying - self.size)

    @property
    def key(self) -> PoolKey | None:
        """The one pool key that can be filled ahead of clients; None when the limit is for several."""
        limit = self.limit
        return None if limit is None or ALL in (limit.database, limit.user) else PoolKey(limit.database, limit.user)

    @property
    def missing(self) -> int:
        """Connections that are to be opened ahead of clients: to `initial_size` at first, to `min_size` ever after."""
        if not self.limit or not self.limit.initial_size:
            return 0
        staying = self.staying
        opened = staying - sum(slot.state is INIT for slot in self.seats.values())
        self.filling &= opened < self.limit.initial_size
        return (self.limit.initial_size if self.filling else self.limit.min_size) - staying


@dataclass(slots=True, eq=False)
class PoolTotals:
    """What happened for one database and user since the start, whatever else is in the key."""

    database: str
    user: str
    limit: Limit | None
    leases: int = 0
    waits: int = 0
    """Clients that had to queue, for whatever reason."""
    wait_us: int = 0
    """What those waited together, however it ended."""
    wait_histogram: Histogram = field(default_factory=Histogram)
    timeouts: int = 0
    connects: Histogram = field(default_factory=Histogram)
    """Those that have succeeded: from the beginning to the end of the log-in."""
    connect_failures: int = 0
    lease_times: Histogram = field(default_factory=lambda: Histogram(BOUNDS_LONG_US))
    """Of leases that are over. In the transaction pipeline one may have gone through the hands of many clients."""


@dataclass(slots=True, eq=False)
class Lane:
    """The connections and waiters of one pool key.

    Clients that log in to PostgreSQL by themselves are in a private lane of their key: it has no free connections, and
    a waiter leaves its queue when its own connect begins.
    """

    key: PoolKey
    cap: Cap
    totals: PoolTotals
    opening: dict[int, Slot] = field(default_factory=dict)
    """Connects under way that are still wanted. Private lanes share one such index: the unproved count as one pool."""
    private: bool = False
    seats: dict[int, Slot] = field(default_factory=dict)
    """Without those that are being closed: they are nobody's any more, though their caps still count them."""
    since: float = -math.inf
    """When the number of its seats changed last."""
    free: dict[int, Slot] = field(default_factory=dict)
    """The last one back is the last, and the first to go again: the others may then become idle."""
    validating: dict[int, Slot] = field(default_factory=dict)
    waiting: OrderedDict[int, Waiter] = field(default_factory=OrderedDict)
    held: OrderedDict[int, Waiter] = field(default_factory=OrderedDict)
    """Who waits while the database is paused: then nobody is in `waiting`, and at other times nobody here."""
    failures: int = 0
    """Connects that failed in a row; those that began together count once."""
    retry_at: float = -math.inf
    refill_at: float = -math.inf
    """When a connection that nobody waits for may be tried again: later than those that somebody waits for."""
    error: ClientFacing | None = None
    """What the server said to the last connect, if it failed."""

    @property
    def first(self) -> Waiter:
        """Who has waited longest."""
        return next(iter(self.waiting.values()))

    @property
    def longest(self) -> Waiter | None:
        """Who has waited longest, held or not."""
        return next(iter((self.waiting or self.held).values()), None)

    def next_in_need(self, now: float, planned: int, share: int) -> Waiter | None:
        """The longest-waiting client for whom no connection is on its way yet, if one may be opened now.

        `planned` connects will begin when a seat is vacated. A server that failed us is tried with one at a time.
        """
        coming = len(self.opening) + planned
        if now < self.retry_at or coming >= (1 if self.failures else share):
            return None
        covered = planned if self.private else coming + len(self.validating)
        return next(islice(self.waiting.values(), covered, None), None)

    def hopeless(self) -> list[Waiter]:
        """Those whom no connection of this lane, leased or being opened, can serve any more."""
        if any(slot.state is IN_USE for slot in self.seats.values()):
            return []
        return list(self.waiting.values())[len(self.opening) + len(self.validating) :]


class Lanes:
    """All lanes, each found by its key, and their caps."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.caps = [*map(Cap, limits), Cap(None)]
        self.failing: set[Lane] = set()
        """Those whose last connect failed."""
        self._limits = limits
        self._shared: dict[PoolKey, Lane] = {}
        self._private: dict[PoolKey, Lane] = {}
        self._private_opening: dict[int, Slot] = {}
        self._totals: dict[tuple[str, str], PoolTotals] = {}
        self._sweep_size = 64

    def __iter__(self) -> Iterator[Lane]:
        yield from self._shared.values()
        yield from self._private.values()

    def get(self, key: PoolKey, private: bool, now: float) -> Lane:
        return (self._private if private else self._shared).get(key) or self._add(key, private, now)

    def find(self, key: PoolKey) -> Lane | None:
        """The shared lane of this key, if there is one."""
        return self._shared.get(key)

    def failed(self, lane: Lane, began: float, error: ClientFacing, retry_at: float, refill_at: float) -> None:
        """A connect failed. It is a failure of its own if it had begun after the pause for the last one."""
        lane.error = error
        self.failing.add(lane)
        if began >= lane.retry_at:
            lane.failures += 1
            lane.retry_at = retry_at
            lane.refill_at = refill_at

    def succeeded(self, lane: Lane) -> None:
        lane.failures = 0
        lane.retry_at = lane.refill_at = -math.inf
        lane.error = None
        self.failing.discard(lane)

    def _add(self, key: PoolKey, private: bool, now: float) -> Lane:
        if len(self._shared) + len(self._private) >= self._sweep_size:
            self._forget(now)
        cap = self._cap(key)
        totals = self._totals.setdefault((key.database, key.user), PoolTotals(key.database, key.user, cap.limit))
        totals.limit = cap.limit
        if private:
            lane = self._private[key] = Lane(key, cap, totals, self._private_opening, private=True)
        else:
            lane = self._shared[key] = Lane(key, cap, totals)
        return lane

    def _cap(self, key: PoolKey) -> Cap:
        limit = best_match(self._limits, key)
        return next(cap for cap in self.caps if cap.limit is limit)

    def reconfigure(self, limits: Sequence[Limit], slots: Sequence[Slot]) -> None:
        """Other limits are in force; `slots` are those that are not empty. Nobody loses a connection by this."""
        known = {(cap.limit.database, cap.limit.user) for cap in self.caps if cap.limit and not cap.filling}
        self._limits = limits
        self.caps[:] = [*(Cap(limit, (limit.database, limit.user) not in known) for limit in limits), Cap(None)]
        for lane in {*self, *(slot.lane for slot in slots)}:
            lane.cap = self._cap(lane.key)
            lane.totals.limit = lane.cap.limit
            if lane.waiting:
                lane.cap.waiting[lane] = None
        for slot in sorted(slots, key=lambda slot: slot.since):
            cap = slot.lane.cap
            cap.seats[slot.index] = slot
            if slot.state is FREE:
                cap.free[slot.index] = slot

    def _forget(self, now: float) -> None:
        """Drop lanes that hold nothing, so that clients who try passwords or names don't fill the memory."""
        for lanes in (self._shared, self._private):
            for key, lane in list(lanes.items()):
                used = lane.totals.leases and not key.secret and not lane.private
                if not (lane.seats or lane.waiting or lane.held or used or now < max(lane.retry_at, lane.refill_at)):
                    del lanes[key]
                    self.failing.discard(lane)
        kept = {id(lane.totals) for lane in self}
        self._totals = {name: totals for name, totals in self._totals.items() if totals.leases or id(totals) in kept}
        self._sweep_size = max(64, 2 * (len(self._shared) + len(self._private)))
