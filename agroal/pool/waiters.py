"""Who waits for a connection, in order of arrival, and who is held because a pause keeps everybody waiting."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
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
    PAUSED = "the database is paused"


@dataclass(slots=True, eq=False)
class Waiter:
    """A client in the queue."""

    id: int
    """Given by the caller; of meaning to the caller only."""
    lane: Lane
    since: float
    """When it came; later by the time for which it was held. Timeouts and patience count from here."""
    turn: int = 0
    """Counts arrivals: who came first has the lower."""
    held: float = 0.0
    """Seconds for which pauses that are over have held it."""
    held_since: float = 0.0
    """If it is held: since when."""

    @property
    def came(self) -> float:
        return self.since - self.held


class Queue:
    """Waiters, the one with the earliest `since` first."""

    def __init__(self) -> None:
        self.by_id: OrderedDict[int, Waiter] = OrderedDict()
        """To ask this whether anybody waits is faster than to ask `len`."""
        self._unnotified: OrderedDict[int, Waiter] = OrderedDict()

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Waiter]:
        """Do not change the queue meanwhile."""
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

    def append(self, waiter: Waiter) -> None:
        """It comes now."""
        self.by_id[waiter.id] = self._unnotified[waiter.id] = waiter

    def take_out(self, waiter: Waiter) -> bool:
        """Whether it has yet to be told where it stands."""
        del self.by_id[waiter.id]
        return self._unnotified.pop(waiter.id, None) is not None

    def merge(self, others: Iterable[tuple[Waiter, bool]]) -> None:
        """They come from elsewhere, each with whether it has yet to be told where it stands."""
        for waiter, unnotified in others:
            self.by_id[waiter.id] = waiter
            if unnotified:
                self._unnotified[waiter.id] = waiter
        for index in (self.by_id, self._unnotified):
            ordered = sorted(index.values(), key=lambda waiter: (waiter.since, waiter.turn))
            index.clear()
            index.update((waiter.id, waiter) for waiter in ordered)


class Waiters(Queue):
    """All who wait, indexed by id, by lane and by cap. Those who are held are in a queue of their own, `held`."""

    def __init__(self) -> None:
        super().__init__()
        self.held = Queue()
        self._turns = 0

    def everybody(self) -> list[Waiter]:
        """In order of arrival."""
        return sorted([*self, *self.held], key=lambda waiter: waiter.turn)

    def find(self, waiter: int) -> Waiter | None:
        """Held or not."""
        return self.by_id.get(waiter) or self.held.by_id.get(waiter)

    def add(self, waiter: Waiter, *, held: bool = False) -> None:
        lane = waiter.lane
        self._turns += 1
        waiter.turn = self._turns
        if held:
            lane.held[waiter.id] = waiter
            self.held.append(waiter)
            return
        self.append(waiter)
        lane.waiting[waiter.id] = waiter
        lane.cap.waiting[lane] = None

    def remove(self, waiter: Waiter) -> None:
        lane = waiter.lane
        if lane.held.pop(waiter.id, None):
            self.held.take_out(waiter)
            return
        self.take_out(waiter)
        del lane.waiting[waiter.id]
        if not lane.waiting:
            del lane.cap.waiting[lane]

    def hold(self, lanes: Iterable[Lane], now: float) -> None:
        """All in these lanes are held from now on. Somebody has to wait in each."""
        moved = []
        for lane in lanes:
            for waiter in lane.waiting.values():
                waiter.held_since = now
                moved.append((waiter, self.take_out(waiter)))
            lane.held, lane.waiting = lane.waiting, OrderedDict()
            del lane.cap.waiting[lane]
        self.held.merge(moved)

    def free(self, lanes: Iterable[Lane], now: float) -> None:
        """All in these lanes wait again, as long as they did before they were held. Somebody has to be held in each."""
        moved = []
        for lane in lanes:
            for waiter in lane.held.values():
                waiter.held += now - waiter.held_since
                waiter.since += now - waiter.held_since
                moved.append((waiter, self.held.take_out(waiter)))
            lane.waiting, lane.held = lane.held, OrderedDict()
            lane.cap.waiting[lane] = None
        self.merge(moved)
