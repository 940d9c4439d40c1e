"""What somebody should look at now, taken from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agroal.management.snapshot import Database, Pool, Snapshot
from agroal_top.format import duration

LONG_WAIT_US = 1_000_000
FEW_DAYS = 30


class Kind(StrEnum):
    SERVER_DOWN = "server-down"
    POOL_FAILING = "pool-failing"
    WAITING = "waiting"
    PAUSED = "paused"
    LIMIT_REACHED = "limit-reached"
    CERTIFICATE = "certificate"
    PENDING_RESTART = "pending-restart"
    LOG_ERRORS = "log-errors"
    STOPPING = "stopping"


DEGRADED = frozenset({Kind.SERVER_DOWN, Kind.POOL_FAILING, Kind.WAITING})
"""What makes a check of the daemon's health fail."""


@dataclass(frozen=True, slots=True)
class Alert:
    kind: Kind
    level: str
    """error, warn or info"""
    subject: str
    """What it is about: a server, `database/user`, a file; empty for the daemon."""
    text: str


def alerts(snapshot: Snapshot, log_errors: int) -> list[Alert]:
    """The gravest first. `log_errors`: lines of errors that came lately."""
    found = [
        *_servers(snapshot),
        *_pools(snapshot),
        *_pauses(snapshot),
        *_waits(snapshot),
        *_log(log_errors),
        *_stopping(snapshot),
        *_certificates(snapshot),
        *_restart(snapshot),
    ]
    return sorted(found, key=lambda alert: ("error", "warn", "info").index(alert.level))


def days_left(not_after: str, wall: str) -> int | None:
    """Whole days between two times of RFC 3339, negative when it is over; None when one of them is none."""
    try:
        return (datetime.fromisoformat(not_after) - datetime.fromisoformat(wall)).days
    except (ValueError, TypeError):
        return None


def _servers(snapshot: Snapshot) -> Iterator[Alert]:
    for server in snapshot.servers:
        if server.state == "down":
            why = f": {server.error}" if server.error else ""
            yield Alert(Kind.SERVER_DOWN, "error", server.name, f"server {server.name} is down{why}")


def _pools(snapshot: Snapshot) -> Iterator[Alert]:
    for pool in snapshot.pools:
        name = f"{pool.database}/{pool.user}"
        if pool.failures:
            why = f": {pool.error}" if pool.error else ""
            text = f"{name} can't connect, {pool.failures} in a row failed{why}"
            yield Alert(Kind.POOL_FAILING, "error", name, text)
        if pool.waiting and not pool.paused and 0 < pool.max <= pool.active + pool.other:
            text = f"{name} at limit {pool.active}/{pool.max}, {pool.waiting} waiting"
            yield Alert(Kind.LIMIT_REACHED, "warn", name, text)


def _pauses(snapshot: Snapshot) -> Iterator[Alert]:
    for database in snapshot.databases:
        if database.paused:
            held = sum(pool.waiting for pool in snapshot.pools if pool.paused and _is_of(database, pool))
            text = f"{database.name} paused, {held} client{'' if held == 1 else 's'} held"
            yield Alert(Kind.PAUSED, "warn", database.name, text)


def _is_of(database: Database, pool: Pool) -> bool:
    return database.name in ("all", pool.database)


def _waits(snapshot: Snapshot) -> Iterator[Alert]:
    for pool in snapshot.pools:
        if pool.waiting and pool.oldest_wait_us > LONG_WAIT_US and not pool.paused:
            name = f"{pool.database}/{pool.user}"
            longest = duration(pool.oldest_wait_us)
            yield Alert(Kind.WAITING, "error", name, f"{name}: {pool.waiting} waiting, the first for {longest}")


def _log(errors: int) -> Iterator[Alert]:
    if errors:
        lines = "line" if errors == 1 else "lines"
        yield Alert(Kind.LOG_ERRORS, "warn", "", f"{errors} {lines} of errors in the log lately")


def _stopping(snapshot: Snapshot) -> Iterator[Alert]:
    if snapshot.status != "running":
        clients = len(snapshot.clients)
        yield Alert(Kind.STOPPING, "warn", "", f"agroal is shutting down ({snapshot.status}), {clients} clients left")


def _certificates(snapshot: Snapshot) -> Iterator[Alert]:
    for certificate in snapshot.certificates:
        days = days_left(certificate.not_after, snapshot.wall)
        if days is not None and days < FEW_DAYS:
            level = "error" if days < 0 else "warn"
            ends = "has expired" if days < 0 else f"expires in {days} d"
            yield Alert(Kind.CERTIFICATE, level, certificate.file, f"certificate {certificate.file} {ends}")


def _restart(snapshot: Snapshot) -> Iterator[Alert]:
    if keys := snapshot.configuration.pending_restart:
        yield Alert(Kind.PENDING_RESTART, "info", "", f"waits for a restart: {', '.join(keys)}")
