"""`status details` and `snapshot`: the whole picture, in tables or as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

from agroal.management.commands.status import summary, text
from agroal.management.controls import Call
from agroal.management.layout import table
from agroal.management.phrases import amount, counted
from agroal.management.snapshot import Pool, Snapshot
from agroal.management.times import duration


async def execute(call: Call) -> Snapshot:
    return call.controls.snapshot()


def text_snapshot(snapshot: Snapshot) -> Iterator[str]:
    yield json.dumps(snapshot.to_json(), indent=2)


def text_details(snapshot: Snapshot) -> Iterator[str]:
    yield from text(summary(snapshot))
    yield from _section("pools", _pools(snapshot))
    yield from _section("slots", _slots(snapshot))
    yield from _section("clients", _clients(snapshot))
    if snapshot.waiters:
        yield from _section("queue", _queue(snapshot))
    if snapshot.verified or snapshot.refused:
        yield from _section("hand-overs", _hand_overs(snapshot))
    if snapshot.pins:
        yield from _section("left behind by clients of the transaction pipeline", _pins(snapshot))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


def _pools(snapshot: Snapshot) -> Iterator[str]:
    heads = ("database", "user", "limit", "max/initial/min", "active", "idle", "other", "waiting", "longest", "state")
    rows = [
        (
            *(pool.database, pool.user, pool.limit or None, f"{pool.max}/{pool.initial}/{pool.min}"),
            *(pool.active, pool.idle, pool.other, pool.waiting),
            *(duration(pool.oldest_wait_us) if pool.waiting else None, _state(pool)),
        )
        for pool in snapshot.pools
    ]
    yield from table(heads, rows)
    for pool in snapshot.pools:
        if pool.error or pool.failures:
            failed = f" ({counted(pool.failures, 'failed connect')} in a row)" if pool.failures else ""
            yield f"{pool.database}/{pool.user}: {pool.error or 'connects fail'}{failed}"


def _state(pool: Pool) -> str:
    if states := [word for word, so in (("disabled", not pool.enabled), ("paused", pool.paused)) if so]:
        return ", ".join(states)
    return "failing" if pool.failures else "enabled"


def _slots(snapshot: Snapshot) -> Iterator[str]:
    heads = (
        *("slot", "state", "for", "database", "user", "application", "client", "server", "pid"),
        *("age", "queries", "trans", "bytes"),
    )
    rows = [
        (
            *(slot.id, slot.state, duration(snapshot.mono_us - slot.since_us), slot.database, slot.user),
            *(slot.application_name or None, slot.client or None, slot.server or None, slot.server_pid or None),
            *(duration(snapshot.mono_us - slot.born_us), slot.queries, slot.transactions),
            amount(slot.bytes_in + slot.bytes_out),
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


def _queue(snapshot: Snapshot) -> Iterator[str]:
    heads = ("client", "database", "user", "position", "for", "because of")
    rows = [
        (
            *(waiter.client, waiter.database, waiter.user, waiter.position),
            *(duration(snapshot.mono_us - waiter.since_us), waiter.reason),
        )
        for waiter in snapshot.waiters
    ]
    return table(heads, rows)


def _hand_overs(snapshot: Snapshot) -> Iterator[str]:
    refused = ", ".join(f"{one.count} × {one.name}" for one in snapshot.refused)
    yield f"{counted(snapshot.verified, 'server')} proved clean, refused: {refused or 'none'}"


def _pins(snapshot: Snapshot) -> Iterator[str]:
    rows = [(pin.reason, pin.user, pin.application_name or None, pin.count) for pin in snapshot.pins]
    return table(("what", "user", "application", "times"), rows)
