"""The servers of PostgreSQL as agroal sees them."""

from __future__ import annotations

from collections.abc import Iterator

from agroal.management.snapshot import Server, Snapshot
from agroal_top import format
from agroal_top.views.figures import NOTHING
from agroal_top.views.listing import Column, Kind, Listing, worded
from agroal_top.views.text import Part, Tone


def listing(snapshot: Snapshot) -> Listing[Server]:
    return Listing(COLUMNS, snapshot.servers, lambda server: server.name, "server")


def _state(server: Server) -> Part:
    match server.state:
        case "up":
            return Part("up", Tone.OK)
        case "down":
            return Part("DOWN", Tone.ERROR)
    return Part("?", Tone.WARN)


def _error(server: Server) -> Part:
    return Part(server.error, Tone.ERROR) if server.error else NOTHING


COLUMNS: tuple[Column[Server], ...] = (
    worded("server", "Server", 10, lambda server: server.name),
    worded("host", "Host:port", 22, lambda server: f"{server.host}:{server.port}", priority=2),
    worded("role", "Role", 8, lambda server: "?" if server.role == "unknown" else server.role),
    Column("state", "State", 6, lambda server: server.state, _state),
    Column(
        "conns",
        "Conns",
        6,
        lambda server: server.connections,
        lambda server: Part(format.number(server.connections)),
        Kind.NUMBER,
    ),
    Column("error", "Last error", 12, lambda server: server.error, _error, priority=1, grows=True),
)


def details(server: Server, snapshot: Snapshot) -> Iterator[list[Part]]:
    """What is known of one server."""
    yield [Part(server.name, Tone.STRONG), Part(f"  {server.host}:{server.port}  {server.role}  "), _state(server)]
    states: dict[str, int] = {}
    for slot in snapshot.slots:
        if slot.server == server.name:
            states[slot.state] = states.get(slot.state, 0) + 1
    shown = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
    yield [Part(f"connections: {shown}")]
    encrypted = sum(1 for slot in snapshot.slots if slot.server == server.name and slot.tls)
    yield [Part(f"encrypted: {encrypted} of {server.connections}")]
    if server.error:
        yield [Part(f"the last connect failed: {server.error}", Tone.ERROR)]


def topology(snapshot: Snapshot) -> Iterator[list[Part]]:
    """The primary, and the standbys below it."""
    primaries = [server for server in snapshot.servers if server.role == "primary"]
    others = [server for server in snapshot.servers if server.role != "primary"]
    for primary in primaries:
        yield [Part(primary.name, Tone.STRONG), Part(" primary "), _state(primary)]
    if not primaries:
        yield [Part("no primary is known", Tone.WARN)]
    for at, server in enumerate(others):
        branch = "└─ " if at == len(others) - 1 else "├─ "
        yield [
            Part(f"  {branch}{server.name} {server.role} "),
            _state(server),
            Part(f"  {server.error or ''}", Tone.DIM),
        ]
