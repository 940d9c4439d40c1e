"""SHOW DATABASES, USERS and LISTS: what there is, and how much is used of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agroal.config.units import duration
from agroal.console.table import Column, Show, View, nothing, zero
from agroal.console.values import Type

EVERYTHING: Final = "all"
"""In the databases file, and of the databases that are disabled or paused."""


@dataclass(frozen=True, slots=True)
class DatabaseLine:
    name: str
    real: str
    host: str
    port: int
    size: int
    least: int
    lifetime: int
    mode: str | None
    servers: int
    clients: int
    is_paused: bool
    is_open: bool


def _databases(view: View) -> Iterator[DatabaseLine]:
    snapshot = view.snapshot
    paused = {database.name: database.paused for database in snapshot.databases}
    enabled = {database.name: database.enabled for database in snapshot.databases}
    lifetime = view.setting("max_connection_age")
    server = snapshot.servers[0] if snapshot.servers else None
    servers = Counter(slot.database for slot in snapshot.slots)
    clients = Counter(client.database for client in snapshot.clients)
    limits = [limit for limit in view.limits if limit.database != EVERYTHING]
    names = [name for limit in limits for name in (limit.database, *limit.aliases)]
    for name in dict.fromkeys([*names, *(pool.database for pool in snapshot.pools)]):
        real = view.real(name)
        mine = [limit for limit in limits if limit.database == real]
        modes = {pool.pipeline for pool in snapshot.pools if pool.database == real}
        yield DatabaseLine(
            name=name,
            real=real,
            host=server.host if server else "",
            port=server.port if server else 0,
            size=sum(limit.max for limit in mine) if mine else snapshot.max_connections,
            least=sum(limit.min for limit in mine),
            lifetime=round(duration(lifetime.value)) if lifetime else 0,
            mode=modes.pop() if len(modes) == 1 else None,
            servers=servers[real],
            clients=clients[name],
            is_paused=paused.get(real, paused.get(EVERYTHING, False)),
            is_open=enabled.get(real, enabled.get(EVERYTHING, True)),
        )


DATABASES: Final[Show[DatabaseLine]] = Show(
    "databases",
    "each database of the databases file and of a pool, and each alias",
    _databases,
    (
        Column("name", Type.TEXT, "What clients ask for: a database, or an alias.", lambda line: line.name),
        Column("host", Type.TEXT, "Where PostgreSQL is.", lambda line: line.host),
        Column("port", Type.INT4, "Its port.", lambda line: line.port),
        Column("database", Type.TEXT, "What the name stands for.", lambda line: line.real),
        Column("force_user", Type.TEXT, "Always NULL: clients are who they are.", nothing),
        Column("pool_size", Type.INT4, "Most servers, all users together.", lambda line: line.size),
        Column("min_pool_size", Type.INT4, "Servers that are kept.", lambda line: line.least),
        Column("reserve_pool_size", Type.INT4, "Always 0: there is no reserve.", zero),
        Column("server_lifetime", Type.INT4, "max_connection_age in seconds.", lambda line: line.lifetime),
        Column("pool_mode", Type.TEXT, "That of its pools; NULL when they differ.", lambda line: line.mode),
        Column("load_balance_hosts", Type.TEXT, "Always NULL.", nothing),
        Column("max_connections", Type.INT4, "As pool_size.", lambda line: line.size),
        Column("current_connections", Type.INT4, "Servers it has.", lambda line: line.servers),
        Column("max_client_connections", Type.INT4, "Always 0: clients wait instead.", zero),
        Column("current_client_connections", Type.INT4, "Clients by this name.", lambda line: line.clients),
        Column("paused", Type.INT4, "1 while it is paused.", lambda line: int(line.is_paused)),
        Column("disabled", Type.INT4, "1 while it is disabled.", lambda line: int(not line.is_open)),
    ),
    configured=True,
)


@dataclass(frozen=True, slots=True)
class UserLine:
    name: str
    size: int | None
    servers: int
    clients: int


def _users(view: View) -> Iterator[UserLine]:
    servers = Counter(slot.user for slot in view.snapshot.slots)
    clients = Counter(client.user for client in view.snapshot.clients if client.user)
    pools = [pool.user for pool in view.snapshot.pools]
    limits = [limit for limit in view.limits if limit.user != EVERYTHING]
    for name in dict.fromkeys([*(limit.user for limit in limits), *pools, *clients]):
        sizes = [limit.max for limit in limits if limit.user == name]
        yield UserLine(name, sum(sizes) if sizes else None, servers[name], clients[name])


USERS: Final[Show[UserLine]] = Show(
    "users",
    "each user of the databases file, of a pool, or that is connected",
    _users,
    (
        Column("name", Type.TEXT, "The user.", lambda line: line.name),
        Column(
            "pool_size",
            Type.TEXT,
            "Most servers by lines with this user; empty without one.",
            lambda line: str(line.size or ""),
        ),
        Column("reserve_pool_size", Type.TEXT, "Always empty.", lambda _: ""),
        Column("pool_mode", Type.TEXT, "Always NULL: it goes by lines of the databases file.", nothing),
        Column("max_user_connections", Type.INT4, "The same as a number; 0 without one.", lambda line: line.size or 0),
        Column("current_connections", Type.INT4, "Servers.", lambda line: line.servers),
        Column("max_user_client_connections", Type.INT4, "Always 0: clients wait instead.", zero),
        Column("current_client_connections", Type.INT4, "Clients.", lambda line: line.clients),
    ),
    configured=True,
)


def _lists(view: View) -> Iterator[tuple[str, int]]:
    snapshot = view.snapshot
    states = Counter(client.state for client in snapshot.clients)
    yield "databases", sum(1 for _ in _databases(view))
    yield "users", sum(1 for _ in _users(view))
    yield "peers", 0
    yield "pools", len(snapshot.pools)
    yield "peer_pools", 0
    yield "free_clients", max(0, snapshot.max_clients - len(snapshot.clients))
    yield "used_clients", len(snapshot.clients)
    yield "login_clients", states["auth"]
    yield "free_servers", max(0, snapshot.max_connections - len(snapshot.slots))
    yield "used_servers", len(snapshot.slots)
    for name in ("dns_names", "dns_zones", "dns_queries", "dns_pending"):
        yield name, 0


LISTS: Final[Show[tuple[str, int]]] = Show(
    "lists",
    "how many there are of what",
    _lists,
    (
        Column("list", Type.TEXT, "What is counted; of what agroal does not have there are 0.", lambda pair: pair[0]),
        Column("items", Type.INT4, "How many there are.", lambda pair: pair[1]),
    ),
    configured=True,
)
