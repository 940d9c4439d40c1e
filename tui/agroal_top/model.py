"""What is known of the daemon: the newest snapshot, what happened, and how fast its totals grow.

Pure: whoever feeds it says what time it is, in seconds on a clock of his that does not go back. Rates and charts are
measured on the daemon's own clock, so that a late snapshot, or a recording played fast, changes none of them. Across a
restart that clock may begin anew; then history goes on at the feeder's pace.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from agroal.management.client import Event
from agroal.management.snapshot import Pool, Slot, Snapshot
from agroal_top.alerts import DEGRADED, Alert, alerts
from agroal_top.compare import GAUGES, cleared, gauges, rewound
from agroal_top.history import History, Key, Mark, PoolsMark
from agroal_top.points import PoolSeries, peak_of, percentile_of, pool_peak, pool_rate, rate_of, seconds_between
from agroal_top.rates import (
    COUNTERS,
    PLACES,
    POOL_TOTALS,
    QUERIES,
    PoolRates,
    Rates,
    SlotRates,
    differences,
    percentile,
    pool_rates,
    rates,
    slot_rates,
    slot_totals,
)

State = Literal["connecting", "live", "stale", "lost"]

EVENTS_KEPT = 1000
WINDOWS = (60.0, 300.0, 900.0, 3600.0, 21600.0)
"""Seconds that are worth choosing for `window`."""

_NOTHING_DONE = (0, 0, 0, 0)
QUANTILES = {"p50": 50, "p95": 95, "p99": 99}
SERIES = (*PLACES, *GAUGES, *QUANTILES)
"""The names that `series` knows."""


class Model:
    def __init__(self, interval: float = 1.0, window: float = 60.0) -> None:
        self.interval = interval
        """Seconds between snapshots, as they were asked for."""
        self.window = window
        """Seconds over which rates and percentiles are taken, and that charts show."""
        self.latest: Snapshot | None = None
        self.instance_id = ""
        self.started = 0.0
        """When the daemon started, on the clock of `at`."""
        self.restarts = 0
        """How often another daemon was found in the place of the one before."""
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        """Newest last."""
        self.alerts: list[Alert] = []
        self.state: State = "connecting"
        self.cause = ""
        self.retry_at: float | None = None
        self.retries = 0
        self._fed_at = 0.0
        self._history = History()
        self._before: Snapshot | None = None
        """The one before the latest, of the same daemon."""
        self._run = 0
        self._time = 0.0
        """Of the newest mark."""
        self._ahead = 0.0
        """Seconds that marks are ahead of the daemon's clock."""
        self._worked: dict[Key, array[int]] = {}
        """What the slots of each pool did, in the order of SlotRates, since we look."""
        self._waits = array("q")
        """Waits of all pools by duration, since we look."""

    # What happens

    def feed(self, snapshot: Snapshot, at: float) -> None:
        """Another instance is a restart. An earlier snapshot than the latest means that a recording was rewound."""
        before = self.latest
        if before is not None and rewound(before, snapshot):
            self.forget()
            before = None
        if before is not None and snapshot.instance_id != before.instance_id:
            self.restarts += 1
            before = None
            self._begin()
        elif before is None or cleared(before, snapshot):
            self._begin()
        self._tell_time(snapshot, at)
        self._count(before, snapshot)
        self._before, self.latest = before, snapshot
        self._history.put(self._mark(before, snapshot), self._pools_mark(snapshot))
        self.instance_id = snapshot.instance_id
        self.started = at - (snapshot.mono_us - snapshot.started_us) / 1e6
        self.state, self.cause, self.retry_at, self.retries = "live", "", None, 0
        self.alerts = alerts(snapshot, self._counted("log_errors"))

    def feed_events(self, events: Iterable[Event]) -> None:
        self.events.extend(events)

    def lost(self, cause: str, at: float, retry_at: float | None) -> None:
        """`retry_at` is None when nobody will try again by himself."""
        self.state, self.cause, self.retry_at = "lost", cause, retry_at
        self.retries += 1

    def connecting(self, at: float) -> None:
        self.state, self.retry_at = "connecting", None

    def tick(self, at: float) -> None:
        """Time has passed, whether or not something came."""
        if self.state == "live" and at - self._fed_at > 3 * self.interval:
            self.state = "stale"

    def forget(self) -> None:
        """Everything but the state of the connection: what comes next is not what follows."""
        self._history.clear()
        self.events.clear()
        self.latest = self._before = None
        self.alerts = []
        self._worked.clear()
        self._time = self._ahead = 0.0

    # What it means

    @property
    def degraded(self) -> bool:
        """A server is down, a pool can't connect, or a client waits for longer than a second."""
        return any(alert.kind in DEGRADED for alert in self.alerts)

    @property
    def uptime_us(self) -> int | None:
        return None if self.latest is None else self.latest.mono_us - self.latest.started_us

    @property
    def gauges(self) -> dict[str, int | None]:
        """GAUGES as they are now; the lag is the worst since the snapshot before."""
        if self.latest is None:
            return dict.fromkeys(GAUGES)
        now = gauges(self._before, self.latest)
        return {name: None if value < 0 else value for name, value in zip(GAUGES, now, strict=True)}

    def rates(self) -> Rates | None:
        """Over the window, or as much of it as there is; None before there are two snapshots."""
        ends = self._history.ends(self.window)
        return ends and rates(ends[0].totals, ends[1].totals, seconds_between(*ends))

    def pool_rates(self, database: str, user: str) -> PoolRates | None:
        ends = self._history.pool_ends(self.window)
        if ends is None:
            return None
        first, last = (mark.totals.get((database, user)) for mark in ends)
        return None if first is None or last is None else pool_rates(first, last, seconds_between(*ends))

    def slot_rates(self, slot_id: int) -> SlotRates | None:
        """Between the last two snapshots. A client's are those of the slot that it holds."""
        if self.latest is None or self._before is None or self.latest.mono_us == self._before.mono_us:
            return None
        first, last = (_slot(snapshot, slot_id) for snapshot in (self._before, self.latest))
        seconds = (self.latest.mono_us - self._before.mono_us) / 1e6
        return None if first is None or last is None else slot_rates(first, last, seconds)

    def percentiles(self, pool: Key | None = None, quantiles: Sequence[float] = (50, 95, 99)) -> tuple[int | None, ...]:
        """Microseconds that clients waited who had to, of one pool or all; None when nobody had to in the window."""
        counts = self.waits(pool)
        bounds = self.latest.bounds_us if self.latest else ()
        return tuple(percentile(bounds, counts, quantile) for quantile in quantiles)

    def waits(self, pool: Key | None = None) -> Sequence[int]:
        """How many waits ended in the window, by duration: the buckets of the snapshot's `bounds_us`."""
        if pool is None:
            ends = self._history.ends(self.window)
            return differences(*(mark.totals[len(COUNTERS) :] for mark in ends)) if ends else ()
        pool_ends = self._history.pool_ends(self.window)
        if pool_ends is None:
            return ()
        first, last = (mark.totals.get(pool) for mark in pool_ends)
        if last is None:
            return ()
        grown = differences(first, last) if first and len(first) == len(last) else list(last)
        return (grown if min(grown) >= 0 else list(last))[POOL_TOTALS:]

    def series(self, name: str, points: int) -> list[float | None]:
        """The window in so many parts, oldest first, for a chart; None where there is nothing to show.

        Of what is counted (a field of Rates) each is the rate in that part, of GAUGES the greatest value in it, of
        QUANTILES the percentile of the waits that ended in it.
        """
        of: Callable[[Sequence[Mark]], float | None]
        if name in PLACES:
            of = rate_of(PLACES[name])
        elif name in GAUGES:
            of = peak_of(GAUGES.index(name))
        else:
            of = percentile_of(QUANTILES[name], self.latest.bounds_us if self.latest else ())
        columns = self._history.columns(self.window, points, self.interval)
        return [of(marks) if marks else None for marks in columns]

    def pool_series(self, pool: Key, points: int) -> PoolSeries:
        """The window of one pool in so many parts, as `series` has it of all."""
        columns = list(self._history.pool_columns(self.window, points, self.interval))
        return PoolSeries(
            [pool_rate(marks, pool, QUERIES) for marks in columns],
            [pool_peak(marks, pool, 0) for marks in columns],
            [pool_peak(marks, pool, 1) for marks in columns],
        )

    # How it is kept

    def _begin(self) -> None:
        """Totals can't be compared to those before."""
        self._run += 1
        self._worked.clear()
        self._waits = array("q")

    def _tell_time(self, snapshot: Snapshot, at: float) -> None:
        clock = snapshot.mono_us / 1e6
        if clock + self._ahead < self._time:
            self._ahead = self._time + max(at - self._fed_at, 1.0) - clock
        self._time = clock + self._ahead
        self._fed_at = at

    def _count(self, before: Snapshot | None, snapshot: Snapshot) -> None:
        """What has to be added up snapshot by snapshot, because its owners come and go."""
        known = {slot.id: slot for slot in before.slots} if before else {}
        for slot in snapshot.slots if before else ():
            old, done = known.get(slot.id), slot_totals(slot)
            earlier = slot_totals(old) if old is not None and old.born_us == slot.born_us else _NOTHING_DONE
            if done != earlier:
                worked = self._worked.setdefault((slot.database, slot.user), array("q", _NOTHING_DONE))
                for at, (now, then) in enumerate(zip(done, earlier, strict=True)):
                    worked[at] += now - then
        pools = {} if before is None else {(pool.database, pool.user): pool.wait_hist for pool in before.pools}
        if len(self._waits) != len(snapshot.bounds_us) + 1:
            self._waits = array("q", bytes(8 * (len(snapshot.bounds_us) + 1)))
        for pool in snapshot.pools if before else ():
            grown = differences(pools.get((pool.database, pool.user), (0,) * len(pool.wait_hist)), pool.wait_hist)
            _add(self._waits, grown if min(grown, default=0) >= 0 else pool.wait_hist)

    def _mark(self, before: Snapshot | None, snapshot: Snapshot) -> Mark:
        totals = array("q", [getattr(snapshot.counters, name) for name in COUNTERS])
        totals.extend(self._waits)
        return Mark(self._time, self._run, snapshot.mono_us, self.restarts, totals, gauges(before, snapshot))

    def _pools_mark(self, snapshot: Snapshot) -> PoolsMark:
        totals = {(pool.database, pool.user): self._pool_totals(pool) for pool in snapshot.pools}
        now = {(pool.database, pool.user): (pool.active, pool.waiting) for pool in snapshot.pools}
        return PoolsMark(self._time, self._run, snapshot.mono_us, self.restarts, totals, now)

    def _pool_totals(self, pool: Pool) -> array[int]:
        worked = self._worked.get((pool.database, pool.user), (0, 0, 0, 0))
        return array("q", [*worked, pool.leases, pool.waits, pool.wait_us, pool.timeouts, *pool.wait_hist])

    def _counted(self, name: str) -> int:
        """How much a counter has grown in the window."""
        ends = self._history.ends(self.window)
        place = COUNTERS.index(name)
        return ends[1].totals[place] - ends[0].totals[place] if ends else 0


def _slot(snapshot: Snapshot, slot_id: int) -> Slot | None:
    return next((slot for slot in snapshot.slots if slot.id == slot_id), None)


def _add(totals: array[int], done: Sequence[int]) -> None:
    for at, count in enumerate(done[: len(totals)]):
        totals[at] += count
