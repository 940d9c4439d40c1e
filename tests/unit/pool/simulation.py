"""A workload, described as data, on virtual time: clients that ask, work, think and ask again."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from agroal.pool.core import Pool
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Refuse
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey


@dataclass(frozen=True)
class Load:
    """Clients with the same habits. Times are seconds; each is drawn evenly from half to one and a half of it."""

    name: str
    clients: int
    """Of each of its pools."""
    work: float
    think: float = 0.0
    pools: int = 1
    """As many users as that, each with a database of its own."""

    def pool_keys(self) -> list[PoolKey]:
        return [PoolKey(f"db{index}", f"{self.name}{index}") for index in range(self.pools)]


@dataclass
class Simulation:
    """What happened is counted from the start, or since the last `forget`."""

    seats: int
    """Of the one limit that everybody is under."""
    loads: Iterable[Load]
    seed: int = 1
    settings: PoolSettings = field(default_factory=PoolSettings)
    connect: float = 0.005
    close: float = 0.001
    now: float = 0.0
    served: Counter[PoolKey] = field(default_factory=Counter)
    waits: dict[PoolKey, list[float]] = field(default_factory=dict)
    closes: Counter[CloseReason] = field(default_factory=Counter)
    connects: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._dice = Random(self.seed)
        self._pool = Pool(self.settings, [Limit("all", (), "all", self.seats)], self._dice.random, 0.0)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._entries = 0
        self._asked = 0
        self._clients: dict[int, tuple[PoolKey, Load, float]] = {}
        for load in self.loads:
            for key in load.pool_keys():
                self.waits[key] = []
                for _ in range(load.clients):
                    self._later(self._dice.random() * 0.01, partial(self._ask, key, load))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self._agenda and self._agenda[0][0] <= until:
            deadline = self._pool.next_deadline()
            if deadline is not None and deadline < self._agenda[0][0]:
                self.now = deadline
                self._do(self._pool.tick(deadline))
                continue
            self.now, _, happen = heapq.heappop(self._agenda)
            happen()
        self.now = until

    def forget(self) -> None:
        """Count anew."""
        self.served.clear()
        self.closes.clear()
        self.connects = self.refused = 0
        for waits in self.waits.values():
            waits.clear()

    def spread(self, load: Load | None = None) -> float:
        """How often the best served pool (of this load) was served for each time that the worst served one was."""
        served = [self.served[key] for key in (load.pool_keys() if load else self.waits)]
        return max(served) / max(1, min(served))

    def wait(self, part: float, load: Load | None = None) -> float:
        """The wait, in seconds, that this part of the queries (of this load) did not exceed."""
        ordered = sorted(wait for key in (load.pool_keys() if load else self.waits) for wait in self.waits[key])
        return ordered[int(part * (len(ordered) - 1))] if ordered else 0.0

    def _later(self, delay: float, happen: Callable[[], None]) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (self.now + delay, self._entries, happen))

    def _about(self, seconds: float) -> float:
        return seconds * (0.5 + self._dice.random())

    def _ask(self, key: PoolKey, load: Load) -> None:
        self._asked += 1
        self._clients[self._asked] = key, load, self.now
        self._do(self._pool.acquire(self._asked, key, self.now))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Connect(slot):
                    self.connects += 1
                    self._later(self._about(self.connect), partial(self._connected, slot))
                case Close(slot, reason):
                    self.closes[reason] += 1
                    self._later(self._about(self.close), partial(self._closed, slot))
                case Grant(waiter, slot, lease):
                    key, load, since = self._clients.pop(waiter)
                    self.waits[key].append(self.now - since)
                    self._later(self._about(load.work), partial(self._return, key, load, slot, lease))
                case Refuse(waiter):
                    key, load, _ = self._clients.pop(waiter)
                    self.refused += 1
                    self._later(self._about(load.think), partial(self._ask, key, load))

    def _connected(self, slot: int) -> None:
        self._do(self._pool.connected(slot, self.now))

    def _closed(self, slot: int) -> None:
        self._do(self._pool.closed(slot, self.now))

    def _return(self, key: PoolKey, load: Load, slot: int, lease: int) -> None:
        self.served[key] += 1
        self._do(self._pool.release(slot, lease, self.now))
        self._later(self._about(load.think), partial(self._ask, key, load))


@dataclass(frozen=True)
class Workload:
    """Loads that share so many connections, and for how many seconds they are watched once they have settled."""

    name: str
    seats: int
    loads: tuple[Load, ...]
    seconds: float = 5.0
    start: float = 1.0

    def simulate(self, seed: int = 1) -> Simulation:
        simulation = Simulation(self.seats, self.loads, seed)
        simulation.run(self.start)
        simulation.forget()
        simulation.run(self.seconds)
        return simulation


TWELVE = Workload("twelve databases on six connections", 6, (Load("user", 2, 0.005, pools=12),))
FAST_AND_SLOW = Workload("fast beside slow queries", 10, (Load("fast", 10, 0.002), Load("slow", 10, 0.2)))
NOISY_AND_RARE = Workload("noisy beside rare", 10, (Load("noisy", 50, 0.005, pools=2), Load("rare", 1, 0.005, 0.2)))
EQUAL = Workload("equal demand", 20, (Load("user", 10, 0.02, pools=10),))
ONE_AND_TEN = Workload(
    "one user with 100 clients beside ten with one", 10, (Load("big", 100, 0.01), Load("small", 1, 0.01, pools=10))
)
UNEVEN = Workload("ten users on sixteen connections", 16, (Load("user", 10, 0.005, pools=10),), 10.0)
WORKLOADS = (TWELVE, FAST_AND_SLOW, NOISY_AND_RARE, EQUAL, ONE_AND_TEN, UNEVEN)
