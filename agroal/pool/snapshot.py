"""The pool at one instant, for status, dashboard and metrics. Times are seconds on the clock of `now`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agroal.errors import ClientFacing
from agroal.pool.effects import CloseReason, RefuseReason
from agroal.pool.histogram import Histogram
from agroal.pool.lanes import Lane, PoolTotals
from agroal.pool.refusal import wait_reason
from agroal.pool.seats import Seats
from agroal.pool.slot import FREE, LEASED, SlotState
from agroal.pool.waiters import Waiters, WaitReason


@dataclass(slots=True)
class Totals:
    """What happened since the start. Only ever grows."""

    leases: int = 0
    declined: int = 0
    """Leases that nobody was there to take any more."""
    waits: int = 0
    wait_us: int = 0
    timeouts: int = 0
    cancelled: int = 0
    connects: int = 0
    connect_failures: int = 0
    validations: int = 0
    refusals: Counter[RefuseReason] = field(default_factory=Counter)
    closes: Counter[CloseReason] = field(default_factory=Counter)

    def copy(self) -> Totals:
        return replace(self, refusals=Counter(self.refusals), closes=Counter(self.closes))


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool key as people see it: what only a secret keeps apart is added up."""

    database: str
    user: str
    limit: str
    """file:line of the limit; empty when none matches."""
    max: int
    initial: int
    min: int
    active: int
    idle: int
    other: int
    """Being opened, validated or closed."""
    waiting: int
    oldest_wait: float
    leases: int
    waits: int
    wait_us: int
    wait_histogram: tuple[int, ...]
    timeouts: int
    failures: int
    """Connects that failed in a row."""
    error: ClientFacing | None
    """What the server said to the last of them."""
    connects: Histogram
    connect_failures: int
    """All of them."""
    lease_times: Histogram
    """These two are copies."""


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A slot that is not empty."""

    index: int
    state: SlotState
    since: float
    database: str
    user: str
    lease: int
    """0 when it is not leased."""
    born: float
    age: float
    leases: int


@dataclass(frozen=True, slots=True)
class WaiterRow:
    """Somebody in the queue. `position` counts from 1 within its pool."""

    waiter: int
    database: str
    user: str
    since: float
    position: int
    reason: WaitReason


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    now: float
    max_connections: int
    pools: tuple[PoolRow, ...]
    slots: tuple[SlotRow, ...]
    waiters: tuple[WaiterRow, ...]
    """The oldest first."""
    totals: Totals
    """A copy."""


def take(seats: Seats, waiters: Waiters, lanes: Iterable[Lane], totals: Totals, now: float) -> PoolSnapshot:
    pools: dict[PoolTotals, list[Lane]] = {}
    for lane in lanes:
        pools.setdefault(lane.totals, []).append(lane)
    states: dict[PoolTotals, Counter[SlotState]] = {pool: Counter() for pool in pools}
    for slot in seats.taken():
        states.setdefault(slot.lane.totals, Counter())[slot.state] += 1
    return PoolSnapshot(
        now,
        len(seats.slots),
        tuple(_pool(pool, counts, pools.get(pool, []), len(seats.slots), now) for pool, counts in states.items()),
        tuple(
            SlotRow(
                slot.index,
                slot.state,
                slot.since,
                slot.lane.key.database,
                slot.lane.key.user,
                slot.lease,
                slot.born,
                now - slot.born,
                slot.leases,
            )
            for slot in seats.taken()
        ),
        tuple(_waiters(seats, waiters)),
        totals.copy(),
    )


def _pool(pool: PoolTotals, states: Counter[SlotState], lanes: list[Lane], max_connections: int, now: float) -> PoolRow:
    limit = pool.limit
    failing = max(lanes, key=lambda lane: lane.failures, default=None)
    active, idle = sum(states[state] for state in LEASED), states[FREE]
    return PoolRow(
        pool.database,
        pool.user,
        limit.origin if limit else "",
        limit.max_size if limit else max_connections,
        limit.initial_size if limit else 0,
        limit.min_size if limit else 0,
        active,
        idle,
        states.total() - active - idle,
        sum(len(lane.waiting) + len(lane.held) for lane in lanes),
        max((now - longest.came for lane in lanes if (longest := lane.longest)), default=0.0),
        pool.leases,
        pool.waits,
        pool.wait_us,
        tuple(pool.wait_histogram.counts),
        pool.timeouts,
        failing.failures if failing else 0,
        failing.error if failing else None,
        pool.connects.copy(),
        pool.connect_failures,
        pool.lease_times.copy(),
    )


def _waiters(seats: Seats, waiters: Waiters) -> Iterable[WaiterRow]:
    positions: Counter[Lane] = Counter()
    for waiter in waiters.everybody():
        lane = waiter.lane
        reason = WaitReason.PAUSED if waiter.id in waiters.held else wait_reason(seats, lane, positions[lane])
        positions[lane] += 1
        yield WaiterRow(waiter.id, lane.key.database, lane.key.user, waiter.came, positions[lane], reason)
