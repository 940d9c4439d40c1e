"""What happens to the imagined agroal, over and over in five minutes: a usual load, a queue, a server that is down for
a while, an attack on a password, a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import sin, tau
from random import Random
from typing import Final

from agroal.management.client import Event
from agroal.management.snapshot import (
    AuthenticationFailure,
    Certificate,
    ConfigurationState,
    Count,
    Counters,
    Database,
    Loop,
    Server,
    Snapshot,
)
from agroal_top.imagined import BOUNDS_US, Custom, ImaginedPool, World
from agroal_top.rates import COUNTERS

CHAPTER: Final = 300.0
"""Seconds until the story begins anew, with the restart."""
QUEUE: Final = (60.0, 110.0)
DOWN: Final = (150.0, 185.0)
ATTACK: Final = (200.0, 220.0)

BEGAN: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MAX_CONNECTIONS: Final = 100
VERSION: Final = "0.1.0"

CUSTOMS: Final = (
    Custom("shop", "web", 40, "shop-web", 12.0, 20.0, 5),
    Custom("shop", "batch", 10, "nightly", 3.0, 90.0),
    Custom("shop", "ro_api", 20, "api", 9.0, 15.0, 2),
    Custom("analytics", "bi", 4, "metabase", 0.4, 4.0),
    Custom("billing", "billing", 5, "billingd", 2.0, 30.0, 1),
    Custom("keycloak", "keycloak", 10, "keycloak", 2.5, 60.0, 2),
)
_SERVERS: Final = (("pg-a", "10.0.0.11", "primary"), ("pg-b", "10.0.0.12", "standby"))
_REFUSED: Final = "connection refused"


class Story:
    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)
        self._world = World(self._dice, 5_000_000_000)
        self._seconds = 0.0
        self._events: list[Event] = []
        self._begin()

    def advance(self, seconds: float) -> tuple[Event, ...]:
        """What happens within that time."""
        before = self._moment
        self._seconds += seconds
        self._world.now_us += round(seconds * 1e6)
        if self._moment < before:
            self._begin()
        for pool in self.pools:
            pool.live(seconds, self._wanted(pool.custom))
        self._watch_limits()
        self._watch_server(before)
        self._attack(seconds)
        self._lag[1 if self._dice.random() < 0.05 else 0] += 1
        return self.told()

    def told(self) -> tuple[Event, ...]:
        """The events that were not told yet."""
        events, self._events = self._events, []
        return tuple(events)

    def tell(self, kind: str, level: str, text: str) -> None:
        self._seq += 1
        self._events.append(Event(self._seq, self._world.now_us, self._wall, kind, level, text))
        if level == "warn":
            self._world.totals["log_warnings"] += 1

    def snapshot(self) -> Snapshot:
        self._pictures += 1
        world, pools = self._world, self.pools
        return Snapshot(
            v=1,
            seq=self._pictures,
            version=VERSION,
            instance_id=self.instance_id,
            wall=self._wall,
            mono_us=world.now_us,
            started_us=self.started_us,
            status="running",
            configuration=ConfigurationState(None, ()),
            max_connections=MAX_CONNECTIONS,
            bounds_us=BOUNDS_US,
            counters=Counters(*(world.totals[name] for name in COUNTERS)),
            closes=tuple(Count(name, count) for name, count in sorted(world.closes.items())),
            pools=tuple(pool.picture() for pool in pools),
            slots=tuple(sorted((slot for pool in pools for slot in pool.slots("pg-a")), key=lambda slot: slot.id)),
            servers=tuple(self._servers()),
            waiters=tuple(sorted((w for pool in pools for w in pool.queue()), key=lambda waiter: waiter.since_us)),
            clients=tuple(sorted((c for pool in pools for c in pool.clients()), key=lambda client: client.id)),
            databases=tuple(self._databases()),
            authentication_failures=self._failures(),
            certificates=(_certificate("server.crt", 9), _certificate("metrics.crt", 270)),
            loop=Loop(tuple(self._lag), 40 + len(pools)),
        )

    @property
    def now_us(self) -> int:
        return self._world.now_us

    def clear(self) -> None:
        """All totals begin anew."""
        self._world.totals.clear()
        self._world.closes.clear()

    def _begin(self) -> None:
        """Another instance, whose clients come back at once."""
        world = self._world = World(self._dice, self._world.now_us)
        self.instance_id = f"{self._dice.randrange(1 << 32):08x}"
        self.started_us = world.now_us
        self.pools = [ImaginedPool(custom, line, world) for line, custom in enumerate(CUSTOMS, start=3)]
        self._seq = self._pictures = 0
        self._lag = [0] * (len(BOUNDS_US) + 1)
        self._bad_passwords, self._last_bad_us = 0, 0
        self.tell("started", "info", f"agroal {VERSION} started")

    @property
    def _moment(self) -> float:
        return self._seconds % CHAPTER

    @property
    def _wall(self) -> str:
        wall = BEGAN + timedelta(seconds=round(self._seconds, 3))
        return wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _wanted(self, custom: Custom) -> int:
        """How many guests a pool has now: a slow swell, some noise, and more than there is room for in the queue."""
        if custom.user == "bi":
            return custom.max + 8 if _within(self._moment, QUEUE) else 2
        swell = 0.5 + 0.3 * sin(self._seconds / 120 * tau + len(custom.user))
        return max(0, round(custom.max * (swell + self._dice.uniform(-0.1, 0.1))))

    def _watch_limits(self) -> None:
        for pool in self.pools:
            waiting = len(pool.waiters)
            if waiting and not pool.reached:
                limit = f"{len(pool.seats)}/{pool.custom.max}"
                self.tell("limit-reached", "warn", f"{pool.name} at limit {limit}, {waiting} clients waiting")
            elif pool.reached and not waiting:
                self.tell("limit-cleared", "info", f"{pool.name} has room again")
            pool.reached = waiting > 0

    def _watch_server(self, before: float) -> None:
        was, is_ = _within(before, DOWN), _within(self._moment, DOWN)
        if is_ and not was:
            self._world.totals["log_errors"] += 1
            self.tell("server-down", "warn", f"server pg-b is down: {_REFUSED}")
        elif was and not is_:
            self.tell("server-up", "info", "server pg-b is up")

    def _attack(self, seconds: float) -> None:
        if _within(self._moment, ATTACK):
            tries = round(seconds * self._dice.uniform(1, 4))
            self._bad_passwords += tries
            self._last_bad_us = self._world.now_us
            self._world.totals["clients"] += tries
            self._world.totals["rejected"] += tries

    def _failures(self) -> tuple[AuthenticationFailure, ...]:
        if not self._bad_passwords:
            return ()
        error = "password authentication failed"
        return (AuthenticationFailure("root", "postgres", "10.0.9.66", error, self._bad_passwords, self._last_bad_us),)

    def _servers(self) -> Iterator[Server]:
        for name, host, role in _SERVERS:
            down = name == "pg-b" and _within(self._moment, DOWN)
            connections = sum(len(pool.seats) for pool in self.pools) if role == "primary" else 0
            error = _REFUSED if down else None
            yield Server(name, host, 5432, role, "down" if down else "up", connections, error)

    def _databases(self) -> list[Database]:
        seen = {pool.custom.database: pool for pool in self.pools if pool.paused or not pool.enabled}
        return [Database(name, pool.enabled, pool.paused) for name, pool in sorted(seen.items())]


def _within(moment: float, span: tuple[float, float]) -> bool:
    return span[0] <= moment < span[1]


def _certificate(file: str, days: int) -> Certificate:
    ends = (BEGAN + timedelta(days=days, hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Certificate(f"/etc/agroal/{file}", f"{file.split('.')[0]}_cert_file", f"CN={file}", ends)
