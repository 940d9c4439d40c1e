"""Who is connected, what they do, which slot they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.snapshot import Client, Snapshot
from agroal_top import format
from agroal_top.views.figures import UNKNOWN
from agroal_top.views.listing import Column, Kind, Listing, worded
from agroal_top.views.text import Part, Tone

_TONES = {
    "waiting": Tone.ERROR,
    "idle-tx": Tone.WARN,
    "closing": Tone.DIM,
    "auth": Tone.ACCENT,
    "active": Tone.OK,
    "idle": Tone.DIM,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The clients of one thing, which the page was opened from."""

    title: str
    database: str | None = None
    user: str | None = None

    def holds(self, database: str, user: str) -> bool:
        return self.database in (None, database) and self.user in (None, user)


def listing(snapshot: Snapshot, *, hide_idle: bool = False, scope: Scope | None = None) -> Listing[Client]:
    clients = snapshot.clients
    if hide_idle:  # neither served nor waiting
        clients = tuple(client for client in clients if client.slot is not None or client.state != "active")
    if scope is not None:
        clients = tuple(client for client in clients if scope.holds(client.database, client.user))
    return Listing(_columns(snapshot.mono_us), clients, lambda client: client.id, "time", reverse=True)


def _columns(now: int) -> tuple[Column[Client], ...]:
    return (
        Column("id", "Id", 7, lambda client: client.id, lambda client: Part(str(client.id)), Kind.NUMBER, 2),
        Column("state", "State", 8, lambda client: client.state, _state),
        Column(
            "time",
            "In state",
            10,
            lambda client: now - client.since_us,
            lambda client: Part(format.duration(now - client.since_us)),
            Kind.DURATION,
        ),
        worded("user", "User", 10, lambda client: client.user),
        worded("database", "Database", 11, lambda client: client.database, grows=True),
        worded("address", "Address", 21, lambda client: client.address, priority=1),
        Column("slot", "Slot", 5, lambda client: client.slot, _slot, Kind.NUMBER, 3),
        worded("app", "Application", 20, lambda client: client.application_name, priority=4),
        Column("tls", "TLS", 8, lambda client: client.tls, _tls, priority=5),
    )


def _state(client: Client) -> Part:
    return Part(client.state, _TONES.get(client.state, Tone.PLAIN))


def _tls(client: Client) -> Part:
    return Part(client.tls) if client.tls else UNKNOWN


def _slot(client: Client) -> Part:
    return UNKNOWN if client.slot is None else Part(str(client.slot))


def details(client: Client, snapshot: Snapshot) -> Iterator[list[Part]]:
    """Everything that is known of one client."""
    slot = next((slot for slot in snapshot.slots if slot.id == client.slot), None)
    waiter = next((waiter for waiter in snapshot.waiters if waiter.client == client.id), None)
    yield [Part(f"{client.user}@{client.database}", Tone.STRONG), Part(f" from {client.address}")]
    yield [_state(client), Part(f" for {format.duration(snapshot.mono_us - client.since_us)}")]
    yield [Part(f"application {client.application_name or '–'}")]
    yield [Part(f"TLS {client.tls or 'no'}")]
    if waiter is not None:
        yield [
            Part(
                f"number {waiter.position} in the queue of {waiter.database}/{waiter.user}: {waiter.reason}", Tone.ERROR
            )
        ]
    if slot is not None:
        yield [Part(f"slot {slot.id}: {slot.database}/{slot.user} on {slot.server}, backend pid {slot.server_pid}")]
        yield [
            Part(
                f"this connection: {slot.queries:,} queries, {slot.transactions:,} transactions, {slot.leases:,} leases"
            )
        ]
