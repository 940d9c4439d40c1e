"""SHOW CONFIG, MEM, VERSION, STATE, and what PgBouncer knows of DNS and of its peers: the daemon itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from agroal.config.units import duration
from agroal.console.face import Face
from agroal.console.table import Column, Show, View
from agroal.console.values import Type
from agroal.management.controls import Setting

PGBOUNCER_VERSION: Final = "1.25.0"
"""Whose columns are shown."""
_PAGE: Final = 4096

EQUIVALENTS: Final = {
    "client_idle_timeout": "disconnect_client",
    "client_login_timeout": "authentication_timeout",
    "default_pool_size": "max_connections",
    "listen_addr": "host",
    "listen_backlog": "backlog",
    "listen_port": "port",
    "max_db_connections": "max_connections",
    "pool_mode": "pipeline",
    "query_wait_timeout": "blocking_timeout",
    "server_connect_timeout": "connect_timeout",
    "server_idle_timeout": "idle_timeout",
    "server_lifetime": "max_connection_age",
}
"""PgBouncer's keys and those of agroal that mean the same."""
_DURATIONS: Final = {name for name in EQUIVALENTS if name.endswith(("timeout", "lifetime"))}


def _configuration(view: View) -> Iterator[Setting]:
    if view.face is Face.PGBOUNCER:
        yield from _as_pgbouncer(view)
    yield from view.settings


def _as_pgbouncer(view: View) -> Iterator[Setting]:
    """Under PgBouncer's names; its durations are numbers of seconds."""
    for name, key in EQUIVALENTS.items():
        if setting := view.setting(key):
            value, default = setting.value, setting.default
            if name in _DURATIONS:
                value, default = _in_seconds(value), _in_seconds(default)
            yield replace(setting, key=name, value=value, default=default)
    for name, number in (("max_client_conn", view.snapshot.max_clients), ("max_user_connections", 0)):
        yield Setting(name, str(number), "", "default", False, None, "")


def _in_seconds(spelled: str) -> str:
    return f"{duration(spelled):g}" if spelled else ""


CONFIG: Final[Show[Setting]] = Show(
    "config",
    "the configuration in force; secrets are masked",
    _configuration,
    (
        Column("key", Type.TEXT, "The key; as pgbouncer also PgBouncer's for the same.", lambda s: s.key),
        Column("value", Type.TEXT, "Its value.", lambda s: s.value),
        Column("default", Type.TEXT, "Its value when nothing is said.", lambda s: s.default),
        Column("changeable", Type.TEXT, "yes, or no: at a restart.", lambda s: "yes" if s.reloadable else "no"),
        Column("origin", Type.TEXT, "The line that says it.", lambda s: s.origin, own=True),
        Column("pending", Type.TEXT, "What waits for a restart.", lambda s: s.pending, own=True),
        Column("doc", Type.TEXT, "What it is for.", lambda s: s.doc, own=True),
    ),
    configured=True,
)


def _version(view: View) -> Iterable[str]:
    ours = f"agroal {view.snapshot.version}"
    return (f"PgBouncer {PGBOUNCER_VERSION} (as shown by {ours})" if view.face is Face.PGBOUNCER else ours,)


VERSION: Final[Show[str]] = Show(
    "version",
    "whose columns are shown, and by which agroal",
    _version,
    (Column("version", Type.TEXT, "In words.", lambda words: words),),
)


def _state(view: View) -> Iterator[tuple[str, bool]]:
    paused = any(database.name == "all" and database.paused for database in view.snapshot.databases)
    yield "active", not paused
    yield "paused", paused
    yield "suspended", False


STATE: Final[Show[tuple[str, bool]]] = Show(
    "state",
    "whether agroal as a whole is paused; it never is suspended",
    _state,
    (
        Column("key", Type.TEXT, "active, paused or suspended.", lambda pair: pair[0]),
        Column("value", Type.TEXT, "yes or no.", lambda pair: "yes" if pair[1] else "no"),
    ),
)


@dataclass(frozen=True, slots=True)
class Memory:
    name: str
    size: int
    used: int
    free: int


def _memory(view: View) -> Iterator[Memory]:
    snapshot = view.snapshot
    yield Memory("resident_pages", _PAGE, view.resident // _PAGE, 0)
    yield Memory("client", 0, len(snapshot.clients), max(0, snapshot.max_clients - len(snapshot.clients)))
    yield Memory("slot", 0, len(snapshot.slots), max(0, snapshot.max_connections - len(snapshot.slots)))


MEM: Final[Show[Memory]] = Show(
    "mem",
    "the process in memory, and what takes the most of it",
    _memory,
    (
        Column("name", Type.TEXT, "resident_pages is the whole process.", lambda m: m.name),
        Column("size", Type.INT4, "Bytes of one; 0: they differ.", lambda m: m.size),
        Column("used", Type.INT4, "How many there are.", lambda m: m.used),
        Column("free", Type.INT4, "How many more there may be.", lambda m: m.free),
        Column("memtotal", Type.INT8, "Bytes of those used.", lambda m: m.size * m.used),
    ),
)


def _none(_: View) -> Iterable[None]:
    return ()


def _empty(name: str, why: str, *columns: tuple[str, Type]) -> Show[None]:
    return Show(name, f"nothing: {why}", _none, tuple(Column(n, t, "Never seen.", lambda _: None) for n, t in columns))


DNS_HOSTS: Final[Show[None]] = _empty(
    *("dns_hosts", "names are looked up for each connect, by the system"),
    *(("hostname", Type.TEXT), ("ttl", Type.INT8), ("addrs", Type.TEXT)),
)
DNS_ZONES: Final[Show[None]] = _empty(
    "dns_zones", "zones are the system's", ("zonename", Type.TEXT), ("serial", Type.INT8), ("count", Type.INT4)
)
PEERS: Final[Show[None]] = _empty(
    *("peers", "there are no peers"),
    *(("peer_id", Type.INT4), ("host", Type.TEXT), ("port", Type.INT4), ("pool_size", Type.INT4)),
)
PEER_POOLS: Final[Show[None]] = _empty(
    *("peer_pools", "there are no peers"),
    *(("peer_id", Type.INT4), ("cl_active_cancel_req", Type.INT4), ("cl_waiting_cancel_req", Type.INT4)),
    *(("sv_active_cancel", Type.INT4), ("sv_login", Type.INT4)),
)
