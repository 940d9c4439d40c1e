"""A workload, described as data, on virtual time: clients that ask, work, think and ask again."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from agroal.pool.core import Pool
from agroal.pool.effects import Close, CloseReason, Connect, Effect, Grant, Refuse
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey


@dataclass
class Load:
    """Clients of one user. Times are seconds; each is drawn evenly from half to one and a half of what is given."""

    user: str
    clients: int
    work: float
    think: float = 0.0


@dataclass
class Simulation:
    settings: PoolSettings
    limits: list[Limit]
    loads: list[Load]
    connect: float = 0.005
    close: float = 0.001
    now: float = 0.0
    served: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=dict)
    closes: Counter[CloseReason] = field(default_factory=Counter)
    connects: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._dice = Random(1)
        self._pool = Pool(self.settings, self.limits, self._dice.random, 0.0)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._entries = 0
        self._asked = 0
        self._clients: dict[int, tuple[Load, float]] = {}
        for load in self.loads:
            self.waits[load.user] = []
            for _ in range(load.clients):
                self._later(self._dice.random() * 0.01, partial(self._ask, load))

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

    def _later(self, delay: float, happen: Callable[[], None]) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (self.now + delay, self._entries, happen))

    def _about(self, seconds: float) -> float:
        return seconds * (0.5 + self._dice.random())

    def _ask(self, load: Load) -> None:
        self._asked += 1
        self._clients[self._asked] = load, self.now
        self._do(self._pool.acquire(self._asked, PoolKey("shop", load.user), self.now))

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
                    load, since = self._clients.pop(waiter)
                    self.waits[load.user].append(self.now - since)
                    self._later(self._about(load.work), partial(self._return, load, slot, lease))
                case Refuse(waiter):
                    load, _ = self._clients.pop(waiter)
                    self.refused += 1
                    self._later(self._about(load.think), partial(self._ask, load))

    def _connected(self, slot: int) -> None:
        self._do(self._pool.connected(slot, self.now))

    def _closed(self, slot: int) -> None:
        self._do(self._pool.closed(slot, self.now))

    def _return(self, load: Load, slot: int, lease: int) -> None:
        self.served[load.user] += 1
        self._do(self._pool.release(slot, lease, self.now))
        self._later(self._about(load.think), partial(self._ask, load))
