"""`status`: the picture in short. Details are in details.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.commands.databases import ALL
from agroal.management.controls import Call
from agroal.management.layout import block
from agroal.management.phrases import counted
from agroal.management.record import Name, Record, Token
from agroal.management.snapshot import Database, Server, Snapshot
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
    databases: tuple[Database, ...]
    pending_restart: tuple[Name, ...]


async def execute(call: Call) -> Status:
    return summary(call.controls.snapshot())


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
        databases=snapshot.databases,
        pending_restart=snapshot.configuration.pending_restart,
    )


def text(status: Status) -> Iterator[str]:
    waiting = f", {status.waiting} waiting, the longest for {duration(status.oldest_wait_us)}" if status.waiting else ""
    connections = f"{status.active} active, {status.idle} idle, {status.total} of {status.max_connections}"
    pairs = [
        ("agroal", f"{status.version}, {status.status}, up {duration(status.uptime_us)}"),
        ("connections", connections),
        ("clients", f"{status.clients}{waiting}"),
        *(("server", _server(server)) for server in status.servers),
    ]
    pairs += [(state, names) for state in ("disabled", "paused") if (names := _names(status, state))]
    if status.pending_restart:
        pairs.append(("restart", f"needed for {', '.join(status.pending_restart)}"))
    yield from block(pairs)


def _names(status: Status, state: str) -> str:
    """The databases that are disabled, or paused; empty: none."""
    are = {one.name: one.paused if state == "paused" else not one.enabled for one in status.databases}
    if not are.get(ALL[0]):
        return ", ".join(name for name, so in are.items() if so)
    others = [name for name, so in are.items() if not so]
    return f"all, but not {', '.join(others)}" if others else "all"


def _server(server: Server) -> str:
    error = f" ({server.error})" if server.error else ""
    connections = counted(server.connections, "connection")
    return f"{server.name}, {server.host}:{server.port}, {server.role}, {server.state}{error}, {connections}"
