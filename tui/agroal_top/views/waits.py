"""Why somebody waits: who queues now, what stands in the way, and how long waiting took lately."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from agroal.management.snapshot import Client, Snapshot, Waiter
from agroal_top import format
from agroal_top.views.listing import Column, Kind, Listing
from agroal_top.views.pools import LONG_WAIT_US
from agroal_top.views.text import Part, Tone


def listing(snapshot: Snapshot) -> Listing[Waiter]:
    return Listing(_columns(snapshot), snapshot.waiters, lambda waiter: waiter.client, "waiting", reverse=True)


def _columns(snapshot: Snapshot) -> tuple[Column[Waiter], ...]:
    now, clients = snapshot.mono_us, {client.id: client for client in snapshot.clients}

    def address(waiter: Waiter) -> str:
        client: Client | None = clients.get(waiter.client)
        return client.address if client else f"client {waiter.client}"

    def waited(waiter: Waiter) -> Part:
        us = now - waiter.since_us
        return Part(format.duration(us), Tone.ERROR if us > LONG_WAIT_US else Tone.WARN)

    return (
        Column("waiting", "Waiting", 9, lambda waiter: now - waiter.since_us, waited, Kind.DURATION),
        Column(
            "position", "Pos", 5, lambda waiter: waiter.position, lambda waiter: Part(str(waiter.position)), Kind.NUMBER
        ),
        Column("database", "Database", 11, lambda waiter: waiter.database, lambda waiter: Part(waiter.database)),
        Column("user", "User", 10, lambda waiter: waiter.user, lambda waiter: Part(waiter.user)),
        Column("client", "Client", 21, address, lambda waiter: Part(address(waiter)), priority=1),
        Column(
            "reason",
            "Blocked by",
            30,
            lambda waiter: waiter.reason,
            lambda waiter: Part(blocked_by(waiter, snapshot)),
            grows=True,
        ),
    )


def blocked_by(waiter: Waiter, snapshot: Snapshot) -> str:
    """The reason in words, with the figures that make it one."""
    pool = next((pool for pool in snapshot.pools if (pool.database, pool.user) == (waiter.database, waiter.user)), None)
    match waiter.reason:
        case "limit" if pool is not None:
            return f"limit {waiter.database}/{waiter.user} {pool.active}/{pool.max} in use"
        case "max_connections":
            return f"max_connections: {len(snapshot.slots)}/{snapshot.max_connections} slots taken"
        case "opening":
            return "its connection is being opened"
        case "validating":
            return "its connection is being validated"
        case "retry":
            why = pool.error if pool is not None and pool.error else "it is tried again"
            return f"connecting failed: {why}"
        case "connects":
            return "too many connections are being opened at once"
        case "paused":
            return "the database is paused: R lets it go on"
    return waiter.reason


def bucket_titles(bounds_us: Sequence[int]) -> list[str]:
    """Names of a histogram's buckets; one more than there are bounds."""
    names = [format.duration(bound).replace(".0", "") for bound in bounds_us]
    return [f"≤ {name}" for name in names] + ([f"> {names[-1]}"] if names else [])


def histogram(bounds_us: Sequence[int], counts: Sequence[int], columns: int, rows: int) -> list[list[Part]]:
    """A bar for each bucket, on a logarithmic scale; empty ones at both ends are left out when there is no room."""
    buckets = list(zip(bucket_titles(bounds_us), counts, strict=False))
    while len(buckets) > rows and not buckets[-1][1]:
        buckets.pop()
    while len(buckets) > rows:
        at = min(range(len(buckets) - 1), key=lambda at: buckets[at][1] + buckets[at + 1][1])
        buckets[at : at + 2] = [(buckets[at + 1][0], buckets[at][1] + buckets[at + 1][1])]
    most = max((count for _, count in buckets), default=0)
    room = max(1, columns - 22)
    return [[Part(f"{title:>10} "), *_bar(count, most, room)] for title, count in buckets]


def _bar(count: int, most: int, room: int) -> list[Part]:
    if not count:
        return [Part("0", Tone.DIM)]
    length = max(1, round(room * log10(1 + count) / log10(1 + most)))
    return [Part("█" * length, Tone.ACCENT), Part(f" {count:,}")]


def summary(percentiles: Sequence[int | None], window: str) -> list[Part]:
    """The heading of the histogram."""
    names = zip(("p50", "p95", "p99"), percentiles, strict=True)
    values = "  ".join(f"{name} {format.duration(value)}" for name, value in names)
    return [Part(" time that clients waited", Tone.STRONG), Part(f" · last {window} · {values}")]
