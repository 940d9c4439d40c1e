"""The screens as tables of plain values, for everybody who has no terminal: files, scripts, pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum, auto

from agroal.management.snapshot import Snapshot
from agroal_top.alerts import days_left
from agroal_top.model import QUANTILES, Model
from agroal_top.source import LogLine, Setting, Source

Value = str | int | float | bool | None


class Shape(Enum):
    """How people read a value."""

    TEXT = auto()
    COUNT = auto()
    RATE = auto()
    AMOUNT = auto()
    """octets"""
    DURATION = auto()
    """microseconds"""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: Mapping[str, Shape]
    rows: Sequence[tuple[Value, ...]]
    single: bool = False
    """It has one row and always will: people read it downwards."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a screen is made of: the model, and what only the source knows."""

    model: Model
    log: Sequence[LogLine] = ()
    settings: Sequence[Setting] = ()


LINES = 100
"""Of the log."""

_TEXT, _COUNT, _RATE, _AMOUNT, _DURATION = Shape.TEXT, Shape.COUNT, Shape.RATE, Shape.AMOUNT, Shape.DURATION

_POOLS = {
    "database": _TEXT,
    "user": _TEXT,
    "enabled": _TEXT,
    "active": _COUNT,
    "idle": _COUNT,
    "other": _COUNT,
    "waiting": _COUNT,
    "oldest_wait_us": _DURATION,
    "min": _COUNT,
    "max": _COUNT,
    "tps": _RATE,
    "qps": _RATE,
    "leases_ps": _RATE,
    "waits_ps": _RATE,
    "p95_us": _DURATION,
    "timeouts": _COUNT,
    "failures": _COUNT,
    "error": _TEXT,
    "paused": _TEXT,
}
_SLOTS = {
    "id": _COUNT,
    "state": _TEXT,
    "for_us": _DURATION,
    "database": _TEXT,
    "user": _TEXT,
    "client": _TEXT,
    "application_name": _TEXT,
    "server": _TEXT,
    "server_pid": _COUNT,
    "age_us": _DURATION,
    "leases": _COUNT,
    "queries": _COUNT,
    "transactions": _COUNT,
    "bytes_in": _AMOUNT,
    "bytes_out": _AMOUNT,
    "tls": _TEXT,
}
_CLIENTS = {
    "id": _COUNT,
    "state": _TEXT,
    "for_us": _DURATION,
    "user": _TEXT,
    "database": _TEXT,
    "address": _TEXT,
    "application_name": _TEXT,
    "slot": _COUNT,
    "tls": _TEXT,
}
_SERVERS = {
    "name": _TEXT,
    "host": _TEXT,
    "port": _TEXT,
    "role": _TEXT,
    "state": _TEXT,
    "connections": _COUNT,
    "error": _TEXT,
}
_WAITERS = {
    "wait_us": _DURATION,
    "position": _COUNT,
    "database": _TEXT,
    "user": _TEXT,
    "reason": _TEXT,
    "client": _COUNT,
}
_FAILURES = {
    "ago_us": _DURATION,
    "count": _COUNT,
    "user": _TEXT,
    "database": _TEXT,
    "address": _TEXT,
    "error": _TEXT,
}
_CERTIFICATES = {"file": _TEXT, "key": _TEXT, "subject": _TEXT, "not_after": _TEXT, "days_left": _COUNT}
_SETTINGS = {"key": _TEXT, "value": _TEXT, "default": _TEXT, "origin": _TEXT, "reloadable": _TEXT, "pending": _TEXT}


def screen(name: str, sight: Sight) -> tuple[Table, ...]:
    """The tables of a screen of SCREENS; the model has a snapshot."""
    return SCREENS[name](sight)


def sight(name: str, model: Model, source: Source) -> Sight:
    """What a screen takes. Raises what the source raises."""
    log = source.log_tail("trace", LINES) if name == "log" else ()
    return Sight(model, log, source.settings() if name == "config" else ())


def overview(sight: Sight) -> tuple[Table, ...]:
    alerts = [(alert.level, alert.kind.value, alert.subject, alert.text) for alert in sight.model.alerts]
    heads = dict.fromkeys(("level", "kind", "subject", "text"), Shape.TEXT)
    return _figures(sight.model), *pools(sight), Table("alerts", heads, alerts)


def pools(sight: Sight) -> tuple[Table, ...]:
    model, rows = sight.model, []
    for pool in _latest(sight).pools:
        rates = model.pool_rates(pool.database, pool.user)
        speed = (rates.tps, rates.qps, rates.leases, rates.waits) if rates else (None,) * 4
        [p95] = model.percentiles((pool.database, pool.user), (95,))
        now = (pool.active, pool.idle, pool.other, pool.waiting, pool.oldest_wait_us, pool.min, pool.max)
        trouble = (pool.timeouts, pool.failures, pool.error)
        rows.append((pool.database, pool.user, pool.enabled, *now, *speed, p95, *trouble, pool.paused))
    return (Table("pools", _POOLS, rows),)


def slots(sight: Sight) -> tuple[Table, ...]:
    snapshot = _latest(sight)
    ages = {"for_us": "since_us", "age_us": "born_us"}
    return (_listed("slots", _SLOTS, snapshot.slots, ages, snapshot.mono_us),)


def clients(sight: Sight) -> tuple[Table, ...]:
    snapshot = _latest(sight)
    return (_listed("clients", _CLIENTS, snapshot.clients, {"for_us": "since_us"}, snapshot.mono_us),)


def servers(sight: Sight) -> tuple[Table, ...]:
    return (_listed("servers", _SERVERS, _latest(sight).servers),)


def waits(sight: Sight) -> tuple[Table, ...]:
    snapshot = _latest(sight)
    waiting = _listed("waiting", _WAITERS, snapshot.waiters, {"wait_us": "since_us"}, snapshot.mono_us)
    counted = sight.model.waits()
    rows = [*zip((*snapshot.bounds_us, None), counted, strict=False)]
    return waiting, Table("waits", {"up_to_us": _DURATION, "count": _COUNT}, rows)


def traffic(sight: Sight) -> tuple[Table, ...]:
    rates = sight.model.rates()
    rows = [*asdict(rates).items()] if rates else []
    return (Table("traffic", {"name": _TEXT, "per_second": _RATE}, rows),)


def security(sight: Sight) -> tuple[Table, ...]:
    snapshot = _latest(sight)
    ages = {"ago_us": "last_us"}
    failures = _listed("failures", _FAILURES, snapshot.authentication_failures, ages, snapshot.mono_us)
    rows = [
        (one.file, one.key, one.subject, one.not_after, days_left(one.not_after, snapshot.wall))
        for one in snapshot.certificates
    ]
    return failures, Table("certificates", _CERTIFICATES, rows)


def log(sight: Sight) -> tuple[Table, ...]:
    return (_listed("log", {"level": _TEXT, "text": _TEXT}, sight.log),)


def config(sight: Sight) -> tuple[Table, ...]:
    return (_listed("config", _SETTINGS, sight.settings),)


SCREENS: Mapping[str, Callable[[Sight], tuple[Table, ...]]] = {
    made.__name__: made for made in (overview, pools, slots, clients, servers, waits, traffic, security, log, config)
}

WITH_RATES = frozenset({"overview", "pools", "waits", "traffic"})
"""The screens that take two snapshots."""


def _figures(model: Model) -> Table:
    """One row with the numbers of a whole daemon."""
    snapshot, rates = _latest(Sight(model)), model.rates()
    figures: dict[str, tuple[Shape, Value]] = {
        "status": (_TEXT, snapshot.status),
        "uptime_us": (_DURATION, model.uptime_us),
        "max_connections": (_COUNT, snapshot.max_connections),
    }
    for name, value in model.gauges.items():
        figures[name] = (_DURATION if name.endswith("_us") else _COUNT, value)
    for name in ("tps", "qps", "bytes_in", "bytes_out"):
        figures[f"{name}_ps" if name.startswith("bytes") else name] = (
            _AMOUNT if name.startswith("bytes") else _RATE,
            getattr(rates, name) if rates else None,
        )
    for name, value in zip(QUANTILES, model.percentiles(None, tuple(QUANTILES.values())), strict=True):
        figures[f"{name}_us"] = (_DURATION, value)
    shapes = {name: shape for name, (shape, _) in figures.items()}
    return Table("now", shapes, [tuple(value for _, value in figures.values())], single=True)


def _latest(sight: Sight) -> Snapshot:
    assert sight.model.latest, "a screen is made after the first snapshot"
    return sight.model.latest


def _listed(
    name: str,
    columns: Mapping[str, Shape],
    records: Iterable[object],
    ages: Mapping[str, str] | None = None,
    now_us: int = 0,
) -> Table:
    """Records as rows. `ages`: columns that say how long ago the time in a field is."""
    ages = ages or {}

    def value(record: object, column: str) -> Value:
        field = getattr(record, ages.get(column, column))
        return max(now_us - field, 0) if column in ages else field  # type: ignore[no-any-return]

    return Table(name, columns, [tuple(value(record, column) for column in columns) for record in records])
