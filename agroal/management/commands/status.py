"""`status`, `status details` and `snapshot`: one picture, in the detail that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.controls import Call
from agroal.management.layout import block, table
from agroal.management.record import Record, Token
from agroal.management.snapshot import Server, Snapshot
from agroal.management.times import duration


@dataclass(frozen=True, slots=True)
class Status(Record):
    version: Token
    status: Token
    uptime_us: int
    active: int
    idle: int
    total: int
    """Slots that hold a server connection or are about to, whatever they do."""
    max_connections: int
    clients: int
    waiting: int
    oldest_wait_us: int
    servers: tuple[Server, ...]


async def execute(call: Call) -> Status:
    return summary(call.controls.snapshot())


async def execute_details(call: Call) -> Snapshot:
    return call.controls.snapshot()


def summary(snapshot: Snapshot) -> Status:
    return Status(
        version=snapshot.version,
        status=snapshot.status,
        uptime_us=snapshot.mono_us - snapshot.started_us,
        active=sum(pool.active for pool in snapshot.pools),
        idle=sum(pool.idle for pool in snapshot.pools),
        total=len(snapshot.slots),
        max_connections=snapshot.max_connections,
        clients=len(snapshot.clients),
        waiting=len(snapshot.waiters),
        oldest_wait_us=max((pool.oldest_wait_us for pool in snapshot.pools), default=0),
        servers=snapshot.servers,
    )


def text(status: Status) -> Iterator[str]:
    waiting = f", {status.waiting} waiting, the longest for {duration(status.oldest_wait_us)}" if status.waiting else ""
    connections = f"{status.active} active, {status.idle} idle, {status.total} of {status.max_connections}"
    servers = [("server", _server(server)) for server in status.servers]
    yield from block(
        [
            ("agroal", f"{status.version}, {status.status}, up {duration(status.uptime_us)}"),
            ("connections", connections),
            ("clients", f"{status.clients}{waiting}"),
            *servers,
        ]
    )


def text_details(snapshot: Snapshot) -> Iterator[str]:
    yield from text(summary(snapshot))
    for title, lines in (("pools", _pools(snapshot)), ("slots", _slots(snapshot)), ("clients", _clients(snapshot))):
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def text_snapshot(snapshot: Snapshot) -> Iterator[str]:
    yield json.dumps(snapshot.to_json(), indent=2)


def _server(server: Server) -> str:
    connections = f"{server.connections} connection{'' if server.connections == 1 else 's'}"
    error = f" ({server.error})" if server.error else ""
    return f"{server.name}, {server.host}:{server.port}, {server.role}, {server.state}{error}, {connections}"


def _pools(snapshot: Snapshot) -> Iterator[str]:
    heads = ("database", "user", "limit", "max", "initial", "min", "active", "idle", "other", "waiting", "oldest wait")
    rows = [
        (
            *(pool.database, pool.user, pool.limit or None, pool.max, pool.initial, pool.min),
            *(pool.active, pool.idle, pool.other, pool.waiting),
            duration(pool.oldest_wait_us) if pool.waiting else None,
        )
        for pool in snapshot.pools
    ]
    return table(heads, rows)


def _slots(snapshot: Snapshot) -> Iterator[str]:
    heads = ("slot", "state", "for", "database", "user", "application", "client", "server", "pid", "age", "queries")
    rows = [
        (
            *(slot.id, slot.state, duration(snapshot.mono_us - slot.since_us), slot.database, slot.user),
            *(slot.application_name or None, slot.client or None, slot.server, slot.server_pid or None),
            *(duration(snapshot.mono_us - slot.born_us), slot.queries),
        )
        for slot in snapshot.slots
    ]
    return table(heads, rows)


def _clients(snapshot: Snapshot) -> Iterator[str]:
    heads = ("client", "state", "for", "user", "database", "address", "application", "slot")
    rows = [
        (
            *(client.id, client.state, duration(snapshot.mono_us - client.since_us), client.user, client.database),
            *(client.address, client.application_name or None, client.slot),
        )
        for client in snapshot.clients
    ]
    return table(heads, rows)
