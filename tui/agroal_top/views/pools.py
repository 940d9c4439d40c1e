"""The pools: one row for each database and user, those that hurt first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agroal.management.snapshot import Pool
from agroal_top import format
from agroal_top.model import Model
from agroal_top.rates import PoolRates
from agroal_top.views.figures import NOTHING, UNKNOWN
from agroal_top.views.listing import Column, Kind, Listing
from agroal_top.views.text import Part, Tone

BAR = 9
LONG_WAIT_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    pool: Pool
    rates: PoolRates | None

    @property
    def key(self) -> tuple[str, str]:
        return self.pool.database, self.pool.user

    @property
    def use(self) -> float:
        return self.pool.active / self.pool.max if self.pool.max else 0.0

    @property
    def pain(self) -> float:
        """How urgently somebody should look: who waits counts more than any use, a failure more than who waits."""
        return 1e6 * bool(self.pool.error) + 10.0 * self.pool.waiting + self.use


def rows(model: Model) -> list[Row]:
    pools = model.latest.pools if model.latest else ()
    return [Row(pool, model.pool_rates(pool.database, pool.user)) for pool in pools]


def listing(model: Model) -> Listing[Row]:
    return Listing(COLUMNS, sorted(rows(model), key=lambda row: -row.pain), lambda row: row.key, "wait", reverse=True)


def use_tone(row: Row) -> Tone:
    if row.pool.active >= row.pool.max > 0:
        return Tone.ERROR
    return Tone.WARN if row.use >= 0.75 else Tone.OK


def wait_tone(waiting: int, oldest_us: int) -> Tone:
    return Tone.ERROR if waiting > 5 or oldest_us > LONG_WAIT_US else Tone.WARN


def _use(row: Row) -> Part:
    pool = row.pool
    return Part(f"{format.bar((pool.active,), pool.max, BAR)} {pool.active}/{pool.max}", use_tone(row))


def _state(row: Row) -> str:
    return "off" if not row.pool.enabled else "paused" if row.pool.paused else "on"


def _enabled(row: Row) -> Part:
    return {"on": Part("on", Tone.DIM), "off": Part("OFF", Tone.ERROR), "paused": Part("PAU", Tone.WARN)}[_state(row)]


def _waiting(row: Row) -> Part:
    pool = row.pool
    return Part(str(pool.waiting), wait_tone(pool.waiting, pool.oldest_wait_us)) if pool.waiting else NOTHING


def _oldest(row: Row) -> Part:
    pool = row.pool
    if not pool.oldest_wait_us:
        return NOTHING
    return Part(format.duration(pool.oldest_wait_us), wait_tone(pool.waiting, pool.oldest_wait_us))


def _rate(value: float | None) -> Part:
    return UNKNOWN if value is None else Part(format.number(value))


def _per_second(id: str, title: str, priority: int, of: Callable[[PoolRates], float]) -> Column[Row]:
    def value(row: Row) -> float | None:
        return None if row.rates is None else of(row.rates)

    return Column(id, title, 8, value, lambda row: _rate(value(row)), Kind.NUMBER, priority)


def _count(value: int, tone: Tone = Tone.PLAIN) -> Part:
    return Part(format.number(value), tone) if value else NOTHING


COLUMNS: tuple[Column[Row], ...] = (
    Column("database", "Database", 11, lambda row: row.pool.database, lambda row: Part(row.pool.database), grows=True),
    Column("user", "User", 10, lambda row: row.pool.user, lambda row: Part(row.pool.user)),
    Column("enabled", "En", 3, _state, _enabled, priority=4),
    Column("use", "Use", 16, lambda row: row.use, _use, Kind.NUMBER, left=True),
    Column("idle", "Idle", 5, lambda row: row.pool.idle, lambda row: Part(str(row.pool.idle)), Kind.NUMBER, 7),
    Column("other", "Other", 5, lambda row: row.pool.other, lambda row: _count(row.pool.other), Kind.NUMBER, 9),
    Column("min", "Min", 4, lambda row: row.pool.min, lambda row: Part(str(row.pool.min)), Kind.NUMBER, 8),
    Column("wait", "Wait", 6, lambda row: row.pool.waiting, _waiting, Kind.NUMBER),
    Column("maxwait", "MaxWait", 8, lambda row: row.pool.oldest_wait_us, _oldest, Kind.DURATION, 1),
    _per_second("tps", "TPS", 2, lambda rates: rates.tps),
    _per_second("qps", "QPS", 4, lambda rates: rates.qps),
    _per_second("leases", "Lease/s", 6, lambda rates: rates.leases),
    _per_second("waits", "Waits/s", 6, lambda rates: rates.waits),
    Column(
        "timeouts",
        "Timeout",
        7,
        lambda row: row.pool.timeouts,
        lambda row: _count(row.pool.timeouts, Tone.WARN),
        Kind.NUMBER,
        5,
    ),
    Column(
        "failures",
        "Fail",
        5,
        lambda row: row.pool.failures,
        lambda row: _count(row.pool.failures, Tone.ERROR),
        Kind.NUMBER,
        3,
    ),
    Column("limit", "Limit", 26, lambda row: row.pool.limit, lambda row: Part(row.pool.limit, Tone.DIM), priority=10),
)


def details(row: Row, model: Model, points: int, ascii: bool = False) -> Iterator[list[Part]]:
    """What the pane below the table says of the pool under the cursor, with `points` of its curves."""
    pool = row.pool
    yield [
        Part(f"{pool.database}/{pool.user}", Tone.STRONG),
        Part(f"  max {pool.max} initial {pool.initial} min {pool.min}   limit "),
        Part(pool.limit or "none: no line of the databases file matches", Tone.DIM),
    ]
    p50, p95, p99 = (format.duration(each) for each in model.percentiles(row.key, (50, 95, 99)))
    yield [
        Part(f"waits {pool.waits:,}  timeouts {pool.timeouts:,}  leases {pool.leases:,}   "),
        Part(f"wait p50 {p50}  p95 {p95}  p99 {p99}", Tone.ACCENT),
    ]
    mean = pool.wait_us / pool.waits if pool.waits else None
    yield [Part(f"slots {pool.active} in use, {pool.idle} idle, {pool.other} other; mean wait {format.duration(mean)}")]
    if pool.error:
        yield [Part(f"{pool.failures} connects failed in a row: {pool.error}", Tone.ERROR)]
    if not pool.enabled:
        yield [Part("disabled: new clients are refused; E lets them in", Tone.ERROR)]
    if pool.paused:
        yield [Part("paused: clients are held; R lets them go on", Tone.WARN)]
    series = model.pool_series(row.key, max(points, 1))
    now = row.rates.qps if row.rates else None
    for title, curve, last in (
        ("queries/s", series.qps, _rate(now).text),
        ("in use", series.active, str(pool.active)),
        ("waiting", series.waiting, str(pool.waiting)),
    ):
        yield [
            Part(f"{title:10}"),
            Part(format.sparkline(curve, ascii=ascii), Tone.ACCENT),
            Part(f" {last}", Tone.STRONG),
        ]
