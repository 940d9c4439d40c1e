"""SHOW POOLS: who waits for what, and who has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agroal.console.table import MICROSECONDS, Column, Show, View, nothing, seconds, zero
from agroal.console.values import Type
from agroal.management.snapshot import Client, Pool, Slot

LEASED: Final = frozenset({"in-use", "gracefully"})


def server_state(slot: Slot) -> str:
    """PgBouncer's word for what a server connection does."""
    match slot.state:
        case "init":
            return "new"
        case "free":
            return "idle"
        case state if state in LEASED and slot.client:
            return "active"
    return "tested"  # being cleaned behind its client, validated, or closed


def client_state(client: Client) -> str:
    return {"auth": "login", "waiting": "waiting", "active": "active"}.get(client.state, "idle")


@dataclass(frozen=True, slots=True)
class PoolLine:
    pool: Pool
    clients: Counter[str]
    """By PgBouncer's word for their state."""
    servers: Counter[str]


def _pools(view: View) -> Iterator[PoolLine]:
    clients: dict[tuple[str, str], Counter[str]] = {}
    servers: dict[tuple[str, str], Counter[str]] = {}
    for client in view.snapshot.clients:
        clients.setdefault((view.real(client.database), client.user), Counter())[client_state(client)] += 1
    for slot in view.snapshot.slots:
        servers.setdefault((slot.database, slot.user), Counter())[server_state(slot)] += 1
    for pool in view.snapshot.pools:
        key = pool.database, pool.user
        yield PoolLine(pool, clients.get(key, Counter()), servers.get(key, Counter()))


POOLS: Final[Show[PoolLine]] = Show(
    "pools",
    "each pool, that is, each pair of a database and a user",
    _pools,
    (
        Column("database", Type.TEXT, "The database, not an alias of it.", lambda line: line.pool.database),
        Column("user", Type.TEXT, "The user.", lambda line: line.pool.user),
        Column(
            "cl_active",
            Type.INT4,
            "Clients that have a server, or want none just now.",
            lambda line: line.clients["active"] + line.clients["idle"],
        ),
        Column("cl_waiting", Type.INT4, "Clients that wait for a server.", lambda line: line.pool.waiting),
        Column("cl_active_cancel_req", Type.INT4, "Always 0: cancel requests are no clients.", zero),
        Column("cl_waiting_cancel_req", Type.INT4, "Always 0.", zero),
        Column("sv_active", Type.INT4, "Servers that a client holds.", lambda line: line.servers["active"]),
        Column("sv_active_cancel", Type.INT4, "Always 0.", zero),
        Column("sv_being_canceled", Type.INT4, "Always 0: they are among sv_tested.", zero),
        Column("sv_idle", Type.INT4, "Servers that are free.", lambda line: line.servers["idle"]),
        Column("sv_used", Type.INT4, "Always 0: a server is looked at when it is handed out.", zero),
        Column(
            "sv_tested",
            Type.INT4,
            "Servers that are being cleaned, validated or closed.",
            lambda line: line.servers["tested"],
        ),
        Column("sv_login", Type.INT4, "Servers that are being opened.", lambda line: line.servers["new"]),
        Column(
            "maxwait",
            Type.INT4,
            "How long the oldest waiter has waited, in whole seconds.",
            lambda line: seconds(line.pool.oldest_wait_us),
        ),
        Column(
            "maxwait_us",
            Type.INT4,
            "The microseconds beyond those.",
            lambda line: line.pool.oldest_wait_us % MICROSECONDS,
        ),
        Column("pool_mode", Type.TEXT, "session or transaction.", lambda line: line.pool.pipeline),
        Column("load_balance_hosts", Type.TEXT, "Always NULL.", nothing),
        Column("limit", Type.TEXT, "The line of the databases file in force.", lambda line: line.pool.limit, own=True),
        Column("max", Type.INT4, "Most servers it may have.", lambda line: line.pool.max, own=True),
        Column("initial", Type.INT4, "Servers opened at the start.", lambda line: line.pool.initial, own=True),
        Column("min", Type.INT4, "Servers it keeps.", lambda line: line.pool.min, own=True),
        Column("leases", Type.INT8, "Servers handed out.", lambda line: line.pool.leases, own=True),
        Column("waits", Type.INT8, "Clients that had to wait.", lambda line: line.pool.waits, own=True),
        Column("timeouts", Type.INT8, "Clients that waited in vain.", lambda line: line.pool.timeouts, own=True),
        Column("failures", Type.INT4, "Failed connects in a row.", lambda line: line.pool.failures, own=True),
        Column("error", Type.TEXT, "Why the last connect failed.", lambda line: line.pool.error, own=True),
    ),
    configured=True,
)
