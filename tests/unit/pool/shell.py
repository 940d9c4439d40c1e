"""A shell for tests: carries out what it is told to, and remembers the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from agroal.errors import ClientFacing, ServerRefused
from agroal.pool.core import Pool
from agroal.pool.effects import Close, Connect, Effect, Grant, Notify, Refuse, Validate
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey

WEB = PoolKey("shop", "web")
BATCH = PoolKey("shop", "batch")
BOOKS = PoolKey("books", "web")

STARTING = ServerRefused({"C": "57P03", "M": "the database system is starting up"})
WRONG_PASSWORD = ServerRefused({"C": "28P01", "M": 'password authentication failed for user "web"'})


@dataclass
class Shell:
    """Every call is at `now`, which only a test moves. Answers are kept by waiter, until they are taken."""

    settings: PoolSettings = field(default_factory=PoolSettings)
    limits: list[Limit] = field(default_factory=list)
    chance: float = 0.0
    now: float = 0.0
    connects: list[Connect] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)
    grants: dict[int, Grant] = field(default_factory=dict)
    refusals: dict[int, Refuse] = field(default_factory=dict)
    questions: list[Validate] = field(default_factory=list)
    notices: list[Notify] = field(default_factory=list)
    _waiters: int = 0

    def __post_init__(self) -> None:
        self.pool = Pool(self.settings, self.limits, lambda: self.chance, self.now)

    def do(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            match effect:
                case Connect():
                    self.connects.append(effect)
                case Close():
                    self.closes.append(effect)
                case Grant():
                    self.grants[effect.waiter] = effect
                case Refuse():
                    self.refusals[effect.waiter] = effect
                case Validate():
                    self.questions.append(effect)
                case Notify():
                    self.notices.append(effect)
        return effects

    def ask(self, key: PoolKey = WEB, *, private: bool = False) -> int:
        """A new waiter's number."""
        self._waiters += 1
        self.do(self.pool.acquire(self._waiters, key, self.now, private=private))
        return self._waiters

    def ask_all(self, number: int, key: PoolKey = WEB) -> list[int]:
        return [self.ask(key) for _ in range(number)]

    def connect(self) -> None:
        """The oldest connect under way succeeds."""
        self.do(self.pool.connected(self.connects.pop(0).slot, self.now))

    def connect_all(self) -> None:
        while self.connects:
            self.connect()

    def fail(self, error: ClientFacing = STARTING) -> None:
        """The oldest connect under way fails."""
        self.do(self.pool.connect_failed(self.connects.pop(0).slot, error, self.now))

    def close(self) -> None:
        """The oldest connection that is to be closed is gone."""
        self.do(self.pool.closed(self.closes.pop(0).slot, self.now))

    def answer(self, alive: bool = True) -> None:
        """The server that was asked first does still work, or does not."""
        self.do(self.pool.validated(self.questions.pop(0).slot, alive, self.now))

    def lease(self, key: PoolKey = WEB, *, private: bool = False) -> Grant:
        """A client that has got its connection."""
        waiter = self.ask(key, private=private)
        self.connect_all()
        return self.grants.pop(waiter)

    def leases(self, number: int, key: PoolKey = WEB) -> list[Grant]:
        return [self.lease(key) for _ in range(number)]

    def release(self, grant: Grant) -> list[Effect]:
        return self.do(self.pool.release(grant.slot, grant.lease, self.now))

    def free(self, number: int, key: PoolKey = WEB) -> None:
        """So many free connections."""
        for grant in self.leases(number, key):
            self.release(grant)

    def wait(self, seconds: float) -> None:
        """Time passes, with a tick at its end."""
        self.now += seconds
        self.do(self.pool.tick(self.now))

    def states(self) -> list[str]:
        """Of the slots that are not empty, by index."""
        return [str(row.state) for row in self.pool.snapshot(self.now).slots]
