"""What is known of each PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agroal.management.snapshot import Server
from agroal.metrics.family import Family, Kind, Row, one
from agroal.metrics.seen import Seen


def _each(name: str, doc: str, read: Callable[[Server], float | None]) -> Family:
    """A server of which it is not known has no row."""

    def rows(seen: Seen) -> Iterator[Row]:
        for server in seen.snapshot.servers:
            if (value := read(server)) is not None:
                yield (server.name,), value

    return Family(name, Kind.GAUGE, doc, rows, ("server",))


def _errors(seen: Seen) -> Iterator[Row]:
    """Whoever fails is the primary: nothing else is dialled."""
    failures = seen.snapshot.counters.connect_failures
    primary = seen.facts.primary
    for server in seen.snapshot.servers:
        state = "failed" if server.state == "down" else "primary" if server.name == primary else "not_init"
        yield (server.name, state), failures if server.name == primary else 0


SERVERS = (
    one(
        "failed_servers",
        Kind.GAUGE,
        "Servers that could not be reached the last time.",
        lambda seen: sum(server.state == "down" for server in seen.snapshot.servers),
    ),
    Family(
        "server_error",
        Kind.TOTAL,
        "Connects to a server that came to nothing. Its state is primary, failed or not_init, which is any other.",
        _errors,
        ("name", "state"),
    ),
    _each(
        "server_up",
        "1 when the server could be reached the last time, 0 when not; absent as long as nobody has tried.",
        lambda server: {"up": 1, "down": 0}.get(server.state),
    ),
    Family(
        "server_role",
        Kind.GAUGE,
        "1 for the server's role: primary, standby or unknown. PostgreSQL 14 and newer tell it to a connection.",
        lambda seen: (((server.name, server.role), 1) for server in seen.snapshot.servers),
        ("server", "role"),
    ),
    _each("server_connections", "Connections to the server.", lambda server: server.connections),
    _each(
        "server_round_trip_seconds",
        "The round trip to the server, as the kernel measures it on open connections; absent on a Unix socket.",
        lambda server: None if server.rtt_us is None else server.rtt_us / 1e6,
    ),
)
