"""SHOW WAITS, ERRORS and PREPARED: what PgBouncer does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agroal.console.table import Column, Show, View
from agroal.console.values import Type
from agroal.management.snapshot import Pin


@dataclass(frozen=True, slots=True)
class Wait:
    client: int
    database: str
    user: str
    waited_us: int
    position: int
    reason: str


def _waits(view: View) -> Iterator[Wait]:
    for w in view.snapshot.waiters:
        yield Wait(w.client, w.database, w.user, view.snapshot.mono_us - w.since_us, w.position, w.reason)


WAITS: Final[Show[Wait]] = Show(
    "waits",
    "each client that waits for a server, the oldest first",
    _waits,
    (
        Column("client", Type.INT8, "Its id in CLIENTS.", lambda wait: wait.client),
        Column("database", Type.TEXT, "The database.", lambda wait: wait.database),
        Column("user", Type.TEXT, "The user.", lambda wait: wait.user),
        Column("wait_us", Type.INT8, "How long, in microseconds.", lambda wait: wait.waited_us),
        Column("position", Type.INT4, "Its place in the queue of its pool.", lambda wait: wait.position),
        Column("reason", Type.TEXT, "What stands in its way.", lambda wait: wait.reason),
    ),
    own=True,
)


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: str
    name: str
    count: int
    database: str | None = None
    user: str | None = None
    address: str | None = None
    last: str | None = None


def _errors(view: View) -> Iterator[Trouble]:
    snapshot = view.snapshot
    for refused in snapshot.authentication_failures:
        last = view.wall(refused.last_us)
        yield Trouble("login", refused.error, refused.count, refused.database, refused.user, refused.address, last)
    for pool in snapshot.pools:
        if pool.error or pool.failures:
            yield Trouble("connect", pool.error or "connects fail", pool.failures, pool.database, pool.user)
    for server in snapshot.servers:
        if server.error:
            yield Trouble("server", server.error, 1, address=f"{server.host}:{server.port}")
    for kind, counts in (("client", snapshot.errors), ("hand-over", snapshot.refused), ("close", snapshot.closes)):
        for count in counts:
            if count.count:
                yield Trouble(kind, count.name, count.count)


ERRORS: Final[Show[Trouble]] = Show(
    "errors",
    "what went wrong since the start, and what does just now",
    _errors,
    (
        Column(
            "kind",
            Type.TEXT,
            "login: refused logins; connect, server: PostgreSQL can't be used now; client: clients ended by an error; "
            "hand-over: servers that were not clean; close: servers that were closed.",
            lambda trouble: trouble.kind,
        ),
        Column("error", Type.TEXT, "Which error, or reason.", lambda trouble: trouble.name),
        Column("count", Type.INT8, "How often; of connect, how often in a row.", lambda trouble: trouble.count),
        Column("database", Type.TEXT, "Whose database, where that is known.", lambda trouble: trouble.database),
        Column("user", Type.TEXT, "Which user.", lambda trouble: trouble.user),
        Column("addr", Type.TEXT, "Where it came from, or which server.", lambda trouble: trouble.address),
        Column("last", Type.TEXT, "When it happened last.", lambda trouble: trouble.last),
    ),
    own=True,
)


def _pins(view: View) -> tuple[Pin, ...]:
    return view.snapshot.pins


PINS: Final[Show[Pin]] = Show(
    "pins",
    "how often clients of the transaction pipeline left something behind in the session",
    _pins,
    (
        Column("reason", Type.TEXT, "What it was.", lambda pin: pin.reason),
        Column("user", Type.TEXT, "The user.", lambda pin: pin.user),
        Column("application_name", Type.TEXT, "What the client calls itself.", lambda pin: pin.application_name),
        Column("count", Type.INT8, "How often.", lambda pin: pin.count),
    ),
    own=True,
)


@dataclass(frozen=True, slots=True)
class Holder:
    slot: int
    server: str
    database: str
    user: str
    pid: int
    prepared: int


def _prepared(view: View) -> Iterator[Holder]:
    for slot in view.snapshot.slots:
        if slot.prepared:
            yield Holder(slot.id, slot.server, slot.database, slot.user, slot.server_pid, slot.prepared)


PREPARED: Final[Show[Holder]] = Show(
    "prepared",
    "how many prepared statements of clients of the transaction pipeline each server has",
    _prepared,
    (
        Column("slot", Type.INT4, "Its id in SERVERS.", lambda holder: holder.slot),
        Column("server", Type.TEXT, "Its name in agroal.conf.", lambda holder: holder.server),
        Column("database", Type.TEXT, "The database.", lambda holder: holder.database),
        Column("user", Type.TEXT, "The user.", lambda holder: holder.user),
        Column("remote_pid", Type.INT4, "PostgreSQL's process.", lambda holder: holder.pid),
        Column("statements", Type.INT4, "How many; at most max_prepared_statements.", lambda holder: holder.prepared),
    ),
    own=True,
)
