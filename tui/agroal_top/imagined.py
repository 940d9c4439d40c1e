"""An agroal that does not exist: pools with guests who come, wait, work and go, as many as a story wants.

It counts what a real one counts, so that everything the dashboard derives from totals holds here, too. All chance comes
from one generator: the same seed is the same life.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from agroal.management.snapshot import Client, Pool, Slot, Waiter

BOUNDS_US = (
    *(1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000),
    *(1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000, 60_000_000),
)
PATIENCE_US = 30_000_000
"""What `blocking_timeout` is here."""
IDLE_US = 45_000_000
"""How long a connection is kept that nobody wants."""


@dataclass(slots=True)
class Guest:
    id: int
    since_us: int
    address: str
    program: str


@dataclass(slots=True)
class Seat:
    id: int
    since_us: int
    born_us: int
    pid: int
    guest: Guest | None = None
    leases: int = 0
    queries: int = 0
    transactions: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Custom:
    """Who uses a pool, and how."""

    database: str
    user: str
    max: int
    program: str
    pace: float
    """transactions per second of one guest"""
    stay: float
    """seconds that a guest keeps its seat, on average"""
    least: int = 0


@dataclass(slots=True)
class World:
    """What the pools share."""

    dice: Random
    now_us: int
    totals: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    last_guest: int = 0
    seats: set[int] = field(default_factory=set)

    def free_seat(self) -> int:
        """The lowest number that is free."""
        number = next(number for number in range(len(self.seats) + 1) if number not in self.seats)
        self.seats.add(number)
        return number


class ImaginedPool:
    def __init__(self, custom: Custom, line: int, world: World) -> None:
        self.custom = custom
        self.enabled = True
        self.paused = False
        self.reached = False
        """It was at its limit, with somebody waiting, when last seen."""
        self.waiters: deque[Guest] = deque()
        self.seats: list[Seat] = []
        self._line = line
        self._world = world
        self._totals: Counter[str] = Counter()
        self._waits = [0] * (len(BOUNDS_US) + 1)
        for _ in range(custom.least):
            self._open()

    @property
    def name(self) -> str:
        return f"{self.custom.database}/{self.custom.user}"

    @property
    def guests(self) -> int:
        return len(self.waiters) + sum(seat.guest is not None for seat in self.seats)

    def live(self, seconds: float, wanted: int) -> None:
        """The time since the last call passes; then `wanted` guests shall be here."""
        for seat in self.seats:
            if seat.guest:
                self._work(seat, seconds)
        now, dice = self._world.now_us, self._world.dice
        while self.waiters and now - self.waiters[0].since_us > PATIENCE_US and not self.paused:
            self.waiters.popleft()
            self._count("timeouts")
        busy = [seat for seat in self.seats if seat.guest]
        for seat in dice.sample(busy, min(len(busy), max(0, self.guests - wanted))):
            self.leave(seat)
        # These are followed by others: the oldest waiter takes their seat.
        for seat in self.seats:
            if seat.guest and dice.random() < seconds / self.custom.stay:
                self.leave(seat)
        while self.guests < wanted and self.enabled:
            self._arrive()
        self._serve()
        for seat in [seat for seat in self.seats if not seat.guest]:
            if self.paused:
                self.close(seat, "paused")
            elif now - seat.since_us > IDLE_US and len(self.seats) > self.custom.least:
                self.close(seat, "idle")

    def leave(self, seat: Seat) -> None:
        seat.guest, seat.since_us = None, self._world.now_us

    def close(self, seat: Seat, reason: str) -> None:
        self.seats.remove(seat)
        self._world.seats.remove(seat.id)
        self._world.closes[reason] += 1
        self._world.totals["disconnects"] += 1

    def picture(self) -> Pool:
        active = sum(seat.guest is not None for seat in self.seats)
        oldest = self._world.now_us - self.waiters[0].since_us if self.waiters else 0
        custom, totals = self.custom, self._totals
        return Pool(
            database=custom.database,
            user=custom.user,
            limit=f"agroal_databases.conf:{self._line}",
            enabled=self.enabled,
            max=custom.max,
            initial=custom.least,
            min=custom.least,
            active=active,
            idle=len(self.seats) - active,
            other=0,
            waiting=len(self.waiters),
            oldest_wait_us=oldest,
            leases=totals["leases"],
            waits=totals["waits"],
            wait_us=totals["wait_us"],
            wait_hist=tuple(self._waits),
            timeouts=totals["timeouts"],
            failures=0,
            error=None,
            paused=self.paused,
        )

    def slots(self, server: str) -> Iterator[Slot]:
        for seat in self.seats:
            yield Slot(
                id=seat.id,
                state="in-use" if seat.guest else "free",
                since_us=seat.since_us,
                database=self.custom.database,
                user=self.custom.user,
                application_name=seat.guest.program if seat.guest else "",
                client=seat.guest.address if seat.guest else "",
                server=server,
                server_pid=seat.pid,
                born_us=seat.born_us,
                leases=seat.leases,
                queries=seat.queries,
                transactions=seat.transactions,
                bytes_in=seat.bytes_in,
                bytes_out=seat.bytes_out,
                tls="TLSv1.3",
            )

    def clients(self) -> Iterator[Client]:
        here = [(seat.guest, seat) for seat in self.seats if seat.guest]
        for guest, seat in [*here, *((guest, None) for guest in self.waiters)]:
            state, since, slot = ("active", seat.since_us, seat.id) if seat else ("waiting", guest.since_us, None)
            database, user = self.custom.database, self.custom.user
            yield Client(guest.id, state, since, user, database, guest.address, guest.program, slot, "TLSv1.3")

    def queue(self) -> Iterator[Waiter]:
        why = "paused" if self.paused else "limit"
        for position, guest in enumerate(self.waiters, start=1):
            yield Waiter(guest.id, self.custom.database, self.custom.user, guest.since_us, position, why)

    def _arrive(self) -> None:
        world = self._world
        world.last_guest += 1
        address = (
            f"10.0.{world.dice.randrange(1, 9)}.{world.dice.randrange(2, 250)}:{world.dice.randrange(32768, 60999)}"
        )
        self.waiters.append(Guest(world.last_guest, world.now_us, address, self.custom.program))
        world.totals["clients"] += 1
        world.totals["authenticated"] += 1
        self._serve()

    def _serve(self) -> None:
        """Who came first is served first, on a connection that is free or can be opened."""
        now = self._world.now_us
        while self.waiters and not self.paused and (seat := self._free() or self._open()):
            guest = self.waiters.popleft()
            opening = 0 if seat.leases else self._world.dice.randrange(1_500, 14_000)
            if waited := now - guest.since_us + opening:
                self._waits[bisect_left(BOUNDS_US, waited)] += 1
                self._count("waits")
                self._count("wait_us", waited)
            seat.guest, seat.since_us = guest, now
            seat.leases += 1
            self._count("leases")

    def _free(self) -> Seat | None:
        return next((seat for seat in self.seats if not seat.guest), None)

    def _open(self) -> Seat | None:
        if len(self.seats) >= self.custom.max:
            return None
        now, dice = self._world.now_us, self._world.dice
        seat = Seat(self._world.free_seat(), now, now, dice.randrange(20_000, 60_000))
        self.seats.append(seat)
        self._world.totals["connects"] += 1
        return seat

    def _work(self, seat: Seat, seconds: float) -> None:
        dice = self._world.dice
        transactions = round(self.custom.pace * seconds * dice.uniform(0.6, 1.4) + dice.random() - 0.5)
        queries = transactions * dice.randrange(3, 6)
        work = (transactions, queries, queries * dice.randrange(60, 90), queries * dice.randrange(400, 900))
        for name, done in zip(("transactions", "queries", "bytes_in", "bytes_out"), work, strict=True):
            done = max(done, 0)
            setattr(seat, name, getattr(seat, name) + done)
            self._world.totals[name] += done

    def _count(self, name: str, many: int = 1) -> None:
        self._totals[name] += many
        self._world.totals[name] += many
