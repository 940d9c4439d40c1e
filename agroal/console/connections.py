"""SHOW CLIENTS, SERVERS, SOCKETS and FDS: each connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agroal.console.pools import client_state, server_state
from agroal.console.table import MICROSECONDS, Column, Show, View, address, nothing, port, seconds, zero
from agroal.console.values import Type
from agroal.management.snapshot import Client, Slot


@dataclass(frozen=True, slots=True)
class Socket:
    """A client's connection or a server's, as both are shown."""

    kind: str
    """C or S"""
    number: int
    user: str
    database: str
    state: str
    address: str
    port: int
    connected: str
    requested: str
    wait_us: int
    is_leaving: bool
    link: str
    pid: int
    tls: str
    application: str
    prepared: int
    fd: int
    since_us: int
    queries: int | None
    transactions: int | None
    bytes_in: int | None
    bytes_out: int | None

    @property
    def name(self) -> str:
        return f"{self.kind}{self.number}"


def _client(view: View, client: Client, waits: dict[int, int]) -> Socket:
    return Socket(
        kind="C",
        number=client.id,
        user=client.user or "(nouser)",
        database=client.database or "(nodb)",
        state=client_state(client),
        address=address(client.address),
        port=port(client.address),
        connected=view.wall(client.connected_us),
        requested=view.wall(client.since_us),
        wait_us=waits.get(client.id, 0),
        is_leaving=client.state == "closing",
        link="" if client.slot is None else f"S{client.slot}",
        pid=0,
        tls=client.tls,
        application=client.application_name,
        prepared=client.prepared,
        fd=client.fd,
        since_us=view.snapshot.mono_us - client.since_us,
        queries=None,
        transactions=None,
        bytes_in=None,
        bytes_out=None,
    )


def _server(view: View, slot: Slot, holders: dict[int, int], hosts: dict[str, tuple[str, int]]) -> Socket:
    host, number = hosts.get(slot.server, ("", 0))
    holder = holders.get(slot.id)
    return Socket(
        kind="S",
        number=slot.id,
        user=slot.user,
        database=slot.database,
        state=server_state(slot),
        address=host,
        port=number,
        connected=view.wall(slot.born_us),
        requested=view.wall(slot.since_us),
        wait_us=0,
        is_leaving=slot.state not in ("init", "free", "in-use", "validation", "idle-check"),
        link="" if holder is None else f"C{holder}",
        pid=slot.server_pid,
        tls=slot.tls,
        application=slot.application_name,
        prepared=slot.prepared,
        fd=slot.fd,
        since_us=view.snapshot.mono_us - slot.since_us,
        queries=slot.queries,
        transactions=slot.transactions,
        bytes_in=slot.bytes_in,
        bytes_out=slot.bytes_out,
    )


def _clients(view: View) -> Iterator[Socket]:
    now = view.snapshot.mono_us
    waits = {waiter.client: now - waiter.since_us for waiter in view.snapshot.waiters}
    return (_client(view, client, waits) for client in view.snapshot.clients if client.state != "auth")


def _servers(view: View) -> Iterator[Socket]:
    holders = {client.slot: client.id for client in view.snapshot.clients if client.slot is not None}
    hosts = {server.name: (server.host, server.port) for server in view.snapshot.servers}
    return (_server(view, slot, holders, hosts) for slot in view.snapshot.slots)


def _sockets(view: View) -> Iterator[Socket]:
    waits: dict[int, int] = {}
    yield from _clients(view)
    yield from _servers(view)
    yield from (_client(view, client, waits) for client in view.snapshot.clients if client.state == "auth")


def _active(view: View) -> Iterator[Socket]:
    return (socket for socket in _sockets(view) if socket.link)


SHARED: Final[tuple[Column[Socket], ...]] = (
    Column("type", Type.TEXT, "C, a client, or S, a server.", lambda s: s.kind),
    Column("user", Type.TEXT, "Its user.", lambda s: s.user),
    Column("database", Type.TEXT, "Its database; a client's as it asked for it.", lambda s: s.database),
    Column("replication", Type.TEXT, "Always none.", lambda _: "none"),
    Column(
        "state",
        Type.TEXT,
        "Of a client active, idle, waiting or login; of a server active, idle, tested or new.",
        lambda s: s.state,
    ),
    Column("addr", Type.TEXT, "The other end's address; unix for a Unix socket.", lambda s: s.address),
    Column("port", Type.INT4, "Its port.", lambda s: s.port),
    Column("local_addr", Type.TEXT, "Always NULL.", nothing),
    Column("local_port", Type.INT4, "Always NULL.", nothing),
    Column("connect_time", Type.TEXT, "When it was opened.", lambda s: s.connected),
    Column("request_time", Type.TEXT, "Since when it has been in this state.", lambda s: s.requested),
    Column("wait", Type.INT4, "How long a client has waited for a server: seconds.", lambda s: seconds(s.wait_us)),
    Column("wait_us", Type.INT4, "The microseconds beyond those.", lambda s: s.wait_us % MICROSECONDS),
    Column("close_needed", Type.INT4, "1 when it will be closed after its use.", lambda s: int(s.is_leaving)),
    Column("ptr", Type.TEXT, "Its name in `link` of others.", lambda s: s.name),
    Column("link", Type.TEXT, "Whom it is connected with; empty: nobody.", lambda s: s.link),
    Column("remote_pid", Type.INT4, "PostgreSQL's process; 0 of a client.", lambda s: s.pid),
    Column("tls", Type.TEXT, "The version of TLS; empty without.", lambda s: s.tls),
    Column("application_name", Type.TEXT, "What the client calls itself.", lambda s: s.application),
    Column("prepared_statements", Type.INT4, "How many it has prepared.", lambda s: s.prepared),
    Column("id", Type.INT4, "A client's number, for KILL_CLIENT; a server's slot.", lambda s: s.number),
)
OWN: Final[tuple[Column[Socket], ...]] = (
    Column("state_us", Type.INT8, "How long it has been in this state.", lambda s: s.since_us, own=True),
)
OF_SERVERS: Final[tuple[Column[Socket], ...]] = (
    Column("queries", Type.INT8, "Queries it has answered.", lambda s: s.queries, own=True),
    Column("transactions", Type.INT8, "Transactions it has finished.", lambda s: s.transactions, own=True),
    Column("bytes_in", Type.INT8, "Bytes of its clients.", lambda s: s.bytes_in, own=True),
    Column("bytes_out", Type.INT8, "Bytes to them.", lambda s: s.bytes_out, own=True),
)
LOW: Final[tuple[Column[Socket], ...]] = tuple(
    Column(name, Type.INT4, "Always 0: there is no such buffer.", zero)
    for name in ("recv_pos", "pkt_pos", "pkt_remain", "send_pos", "send_remain", "pkt_avail", "send_avail")
)

CLIENTS: Final[Show[Socket]] = Show("clients", "each client", _clients, (*SHARED, *OWN))
SERVERS: Final[Show[Socket]] = Show("servers", "each connection to PostgreSQL", _servers, (*SHARED, *OWN, *OF_SERVERS))
SOCKETS: Final[Show[Socket]] = Show("sockets", "clients and servers", _sockets, (*SHARED, *LOW))
ACTIVE_SOCKETS: Final[Show[Socket]] = Show(
    "active_sockets", "those that are connected with each other", _active, (*SHARED, *LOW)
)


UNKNOWN: Final[tuple[Column[Socket], ...]] = tuple(
    Column(name, Type.TEXT, "Always NULL.", nothing)
    for name in ("client_encoding", "std_strings", "datestyle", "timezone")
)


FDS: Final[Show[Socket]] = Show(
    "fds",
    "the descriptor of each connection; none is ever handed over, and no key or password shown",
    _sockets,
    (
        Column("fd", Type.INT4, "The descriptor's number.", lambda s: s.fd),
        Column("task", Type.TEXT, "client or server.", lambda s: "client" if s.kind == "C" else "server"),
        Column("user", Type.TEXT, "Its user.", lambda s: s.user),
        Column("database", Type.TEXT, "Its database.", lambda s: s.database),
        Column("addr", Type.TEXT, "The other end's address.", lambda s: s.address),
        Column("port", Type.INT4, "Its port.", lambda s: s.port),
        Column("cancel", Type.INT8, "Always NULL: it is secret.", nothing),
        Column("link", Type.INT4, "The descriptor of the other half; NULL.", nothing),
        *UNKNOWN,
        Column("password", Type.TEXT, "Always NULL: it is secret.", nothing),
        Column("scram_client_key", Type.TEXT, "Always NULL: it is secret.", nothing),
        Column("scram_server_key", Type.TEXT, "Always NULL: it is secret.", nothing),
    ),
)
