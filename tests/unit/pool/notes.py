"""Notes of what the pool was told and what it answered: plain lists and full scans, no index."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from agroal.pool.effects import CloseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey


class At(Enum):
    """Where a connection is, as the world sees it."""

    OPENING = auto()
    BACK = auto()
    """just opened or just returned: the pool has yet to say what becomes of it"""
    IDLE = auto()
    ASKED = auto()
    """whether it still works"""
    LEASED = auto()
    CLOSING = auto()


@dataclass(eq=False)
class Connection:
    slot: int
    key: PoolKey
    private: bool
    began: float
    client: int | None = None
    at: At = At.OPENING
    lease: int = 0
    free_since: float = 0.0
    """Also since it was validated."""
    idle_since: float = 0.0
    retire_at: float = math.inf
    unwanted: CloseReason | None = None
    """It must not serve another client."""


@dataclass(eq=False)
class Client:
    id: int
    key: PoolKey
    private: bool
    since: float
    alone: bool = False
    """Its own connect is under way."""
    told: bool = False
    """That it waits."""
    held_since: float | None = None
    """A pause holds it."""
    came: float = field(init=False)

    def __post_init__(self) -> None:
        self.came = self.since


@dataclass
class Luck:
    """How the connects of a key have gone lately."""

    failures: int = 0
    retry_at: float = -math.inf
    refill_at: float = -math.inf


@dataclass
class Notes:
    settings: PoolSettings
    limits: list[Limit]
    chance: float = 0.0
    """All the dice ever show."""
    now: float = 100.0
    connections: dict[int, Connection] = field(default_factory=dict)
    """By slot."""
    waiting: list[Client] = field(default_factory=list)
    """In order of arrival, with those whose own connect is under way."""
    luck: dict[PoolKey, Luck] = field(default_factory=dict)
    leases: int = 0
    tried: Counter[PoolKey] = field(default_factory=Counter)
    """Connects that began since somebody began to count them."""
    asked: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    event: str = ""
    grace: dict[int, int] = field(default_factory=dict)
    """By limit: how many connections there were when it was lowered, or fewer."""
    sizes: Counter[tuple[PoolKey, bool]] = field(default_factory=Counter)
    """How many connections each pool had when that was last noted."""
    resized: dict[tuple[PoolKey, bool], float] = field(default_factory=dict)
    """When that changed last."""
    tight_at: dict[int, float] = field(default_factory=dict)
    """By limit: when it last had none to spare above `min_size`."""
    filled: set[tuple[str, str]] = field(default_factory=set)
    """Limits whose `initial_size` has been reached."""
    gates: dict[str | None, bool] = field(default_factory=lambda: {None: True})
    """What was said last of a database, or (None) of all others: whether it is open."""
    passages: dict[str | None, bool] = field(default_factory=lambda: {None: True})
    """Likewise: whether it is not paused."""

    def leased(self) -> list[Connection]:
        """Also those that were closed under their clients, who have yet to notice."""
        return [connection for connection in self.connections.values() if connection.lease]

    def having(self, *at: At) -> list[Connection]:
        return [connection for connection in self.connections.values() if connection.at in at]

    def of(self, like: Connection, at: At, *, wanted: bool) -> list[Connection]:
        mine = [one for one in self.having(at) if (one.key, one.private) == (like.key, like.private)]
        return [one for one in mine if not (wanted and one.unwanted)]

    def queue(self, key: PoolKey, private: bool) -> list[Client]:
        """Those who can be served, in order."""
        mine = [one for one in self.waiting if (one.key, one.private) == (key, private)]
        return [one for one in mine if not one.alone and one.held_since is None]

    def is_paused(self, key: PoolKey) -> bool:
        return not self.passages.get(key.database, self.passages[None])

    def lanes(self) -> set[tuple[PoolKey, bool]]:
        waiting = [client for client in self.waiting if not client.alone and client.held_since is None]
        return {(client.key, client.private) for client in waiting}

    def size(self, key: PoolKey, private: bool) -> int:
        mine = [one for one in self.connections.values() if (one.key, one.private) == (key, private)]
        return sum(one.at is not At.CLOSING for one in mine)

    def note_sizes(self) -> None:
        """After every change."""
        sizes = Counter((one.key, one.private) for one in self.connections.values() if one.at is not At.CLOSING)
        self.resized |= {lane: self.now for lane in sizes | self.sizes if sizes[lane] != self.sizes[lane]}
        self.sizes = sizes

    def limit(self, key: PoolKey) -> Limit | None:
        """The best match, by trying the four kinds one after another."""
        for database, user in ((key.database, key.user), ("all", key.user), (key.database, "all"), ("all", "all")):
            for limit in self.limits:
                if (limit.database, limit.user) == (database, user):
                    return limit
        return None

    def under(self, limit: Limit | None) -> list[Connection]:
        return [connection for connection in self.connections.values() if self.limit(connection.key) is limit]

    def room(self, limit: Limit | None) -> int:
        return limit.max_size - len(self.under(limit)) if limit else self.settings.max_connections

    def empty(self) -> int:
        return self.settings.max_connections - len(self.connections)

    def staying(self, limit: Limit | None) -> int:
        return sum(one.at is not At.CLOSING and not (one.unwanted and one.lease) for one in self.under(limit))

    def excess(self, limit: Limit | None) -> int:
        return max(0, self.staying(limit) - limit.max_size) if limit else 0

    def spare(self, limit: Limit | None) -> int:
        return self.staying(limit) - (limit.min_size if limit else 0)

    def missing(self, limit: Limit) -> int:
        """How many connections are to be opened ahead of clients; below 0: none may be."""
        if "all" in (limit.database, limit.user) or not self.gates.get(limit.database, self.gates[None]):
            return -1
        if not self.passages.get(limit.database, self.passages[None]):
            return -1
        if not any(limit is self.limit(PoolKey(one.database, one.user)) for one in self.limits):
            return -1
        goal = limit.min_size if (limit.database, limit.user) in self.filled else limit.initial_size
        return goal - self.staying(limit)

    def opening(self, private: bool, key: PoolKey) -> int:
        """Connects under way that count for this lane: all private ones together."""
        ones = [one for one in self.having(At.OPENING) if not one.unwanted and one.private == private]
        return sum(private or one.key == key for one in ones)

    def share(self) -> int:
        return max(1, self.settings.connects_at_once // 2)

    def uncovered(self, key: PoolKey, private: bool) -> list[Client]:
        """Those for whom no connection is on its way, as many as the pool may connect for at the moment."""
        luck = Luck() if private else self.luck.get(key, Luck())
        opening = self.opening(private, key)
        share = 1 if luck.failures else self.share()
        if self.now < luck.retry_at:
            return []
        covered = 0 if private else opening + self.asked_of(key)
        return self.queue(key, private)[covered:][: max(0, share - opening)]

    def asked_of(self, key: PoolKey) -> int:
        return sum(one.key == key for one in self.having(At.ASKED))

    def fair(self, connection: Connection, client: Client) -> bool:
        """Whether the rules of room.py let the seat of this connection move to this client's lane now."""
        more = self.size(connection.key, connection.private) - self.size(client.key, client.private)
        patience = self.settings.patience
        own = self.queue(connection.key, private=False)
        if connection.at is At.BACK and own:
            has = self.size(client.key, client.private)
            due = self.resized[connection.key, False] + self.settings.tenure * has <= self.now
            late = due if has else client.since + patience < own[0].since
            return client.id < own[0].id and (more > 1 or (more == 1 and late))
        patience = min(patience, self.settings.blocking_timeout / 2)
        since = self.now if connection.at is At.BACK else connection.free_since
        return more > 1 or self.now >= since + patience or (more == 1 and self.now >= client.since + patience)
