"""Who waits for a connection, in order of arrival."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agroal.pool.lanes import Lane


class WaitReason(StrEnum):
    """What stands between a waiter and its connection. The value is for people, the name for programs."""

    OPENING = "a connection is being opened"
    VALIDATING = "a free connection is being validated"
    LIMIT = "the limit is reached"
    MAX_CONNECTIONS = "max_connections is reached"
    RETRY = "PostgreSQL could not be reached, or refused; it will be tried again"
    CONNECTS = "many connections are being opened at the moment"


@dataclass(slots=True, eq=False)
class Waiter:
    """A client in the queue."""

    id: int
    """Given by the caller; of meaning to the caller only."""
    lane: Lane
    since: float
    turn: int = 0
    """Counts arrivals: who came first has the lower."""


class Waiters:
    """All who wait, indexed by id, by lane and by cap."""

    def __init__(self) -> None:
        self.by_id: OrderedDict[int, Waiter] = OrderedDict()
        """The oldest first. To ask this whether anybody waits is faster than to ask `len`."""
        self._unnotified: OrderedDict[int, Waiter] = OrderedDict()
        self._turns = 0

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Waiter]:
        """The oldest first. Do not change the queue meanwhile."""
        return iter(self.by_id.values())

    def __contains__(self, waiter: int) -> bool:
        return waiter in self.by_id

    def get(self, waiter: int) -> Waiter | None:
        return self.by_id.get(waiter)

    def oldest(self) -> Waiter | None:
        return next(iter(self.by_id.values()), None)

    def next_to_notify(self) -> Waiter | None:
        """Who has waited longest without having been told where it stands."""
        return next(iter(self._unnotified.values()), None)

    def notify(self, now: float, timeout: float) -> Iterator[tuple[Waiter, int]]:
        """Those who have waited for so long, and have not been told yet, with their positions in their lanes."""
        positions: Counter[Lane] = Counter()
        for waiter in self:
            if now < waiter.since + timeout:
                return
            positions[waiter.lane] += 1
            if self._unnotified.pop(waiter.id, None):
                yield waiter, positions[waiter.lane]

    def add(self, waiter: Waiter) -> None:
        lane = waiter.lane
        self._turns += 1
        waiter.turn = self._turns
        self.by_id[waiter.id] = self._unnotified[waiter.id] = lane.waiting[waiter.id] = waiter
        lane.cap.waiting[lane] = None

    def remove(self, waiter: Waiter) -> None:
        lane = waiter.lane
        del self.by_id[waiter.id]
        self._unnotified.pop(waiter.id, None)
        del lane.waiting[waiter.id]
        if not lane.waiting:
            del lane.cap.waiting[lane]
