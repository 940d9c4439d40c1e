"""`ping`: agroal answers, and each server is asked whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.controls import Call, ServerPing
from agroal.management.layout import table
from agroal.management.record import Record, Token
from agroal.management.times import duration


@dataclass(frozen=True, slots=True)
class Ping(Record):
    version: Token
    servers: tuple[ServerPing, ...]


async def execute(call: Call) -> Ping:
    return Ping(call.controls.version, await call.controls.ping_servers())


def all_alive(ping: Ping) -> bool:
    return all(server.alive for server in ping.servers)


def text(ping: Ping) -> Iterator[str]:
    yield f"agroal {ping.version} is alive"
    yield from table(("server", "address", "role", "state", "answered in"), [_row(server) for server in ping.servers])


def _row(server: ServerPing) -> tuple[str, str, str, str, str | None]:
    state = "alive" if server.alive else f"down: {server.error}" if server.error else "down"
    answered = None if server.rtt_us is None else duration(server.rtt_us)
    return server.name, f"{server.host}:{server.port}", server.role, state, answered
