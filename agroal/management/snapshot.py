"""The whole daemon at one instant: the document behind `status`, the dashboard and everything that counts.

It holds monotonic totals and gauges, never averages: a reader that wants a rate subtracts two snapshots. A total that
went backwards, or another `instance_id`, means that the daemon was started anew. Points in time (`since_us`,
`born_us`) are on the clock of `mono_us`, so that they stay the same from one snapshot to the next; what is called
`…_wait_us` is a length.

agroal-top reads these very types, so nothing of the daemon is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from agroal.errors import ManagementError
from agroal.management.record import Line, Name, Record, Token
from agroal.management.totals import Count as Count
from agroal.management.totals import Counters as Counters
from agroal.management.totals import Loop as Loop
from agroal.management.totals import Pin as Pin

VERSION = 1


@dataclass(frozen=True, slots=True)
class Pool(Record):
    """The slots and waiters of one pool key: a database and a user, after aliases."""

    database: Name
    user: Name
    limit: Line
    """The line in force, as file:line; empty when none of the databases file matches."""
    enabled: bool
    """New clients may enter the database."""
    max: int
    initial: int
    min: int
    active: int
    idle: int
    other: int
    """Slots that are neither: being opened, validated or closed."""
    waiting: int
    oldest_wait_us: int
    leases: int
    waits: int
    wait_us: int
    wait_hist: tuple[int, ...]
    """How many waits ended up to each of the snapshot's `bounds_us`; the last are those beyond."""
    timeouts: int
    failures: int
    """Connects that failed in a row."""
    error: Line | None
    """Why the last connect failed; None when it did not."""
    connect_failures: int = 0
    """All of them."""
    connect_us: int = 0
    connect_hist: tuple[int, ...] = ()
    """How long the connects took that succeeded, as in `wait_hist`."""
    lease_us: int = 0
    lease_hist: tuple[int, ...] = ()
    """How long leases took that are over, in the buckets of `bounds_long_us`. In the transaction pipeline one may have
    gone through the hands of many clients."""
    query_us: int = 0
    query_hist: tuple[int, ...] = ()
    """How long PostgreSQL took for a query, in the buckets of `bounds_fine_us`."""
    transaction_us: int = 0
    transaction_hist: tuple[int, ...] = ()
    """How long transactions took, in the same buckets."""
    paused: bool = False
    """Clients are held: none of them is granted a connection."""
    pipeline: Token = ""
    """session, transaction or performance"""
    queries: int = 0
    transactions: int = 0
    bytes_in: int = 0
    """from clients"""
    bytes_out: int = 0
    """to clients"""


@dataclass(frozen=True, slots=True)
class Slot(Record):
    """A seat that holds a server connection, or is about to.

    The empty ones are left out: `max_connections` counts all.
    """

    tabular: ClassVar[bool] = True

    id: int
    state: Token
    since_us: int
    database: Name
    user: Name
    application_name: Token
    client: Token
    """The client's address; empty when nobody holds the slot."""
    server: Name
    server_pid: int
    born_us: int
    leases: int
    """How often this connection has been leased."""
    queries: int
    transactions: int
    bytes_in: int
    bytes_out: int
    tls: Token
    """The version of TLS towards the server; empty when the connection is not encrypted."""
    prepared: int = 0
    """Prepared statements of clients of the transaction pipeline that it has."""
    fd: int = -1
    """The descriptor's number."""


@dataclass(frozen=True, slots=True)
class Server(Record):
    name: Name
    host: Line
    port: int
    role: Token
    """primary, standby or unknown"""
    state: Token
    """up, down or unknown"""
    connections: int
    error: Line | None
    """Why the last connect failed; None when it did not."""
    rtt_us: int | None = None
    """The round trip to it, as the kernel measures it on open connections; None without any, and on a Unix socket."""


@dataclass(frozen=True, slots=True)
class Waiter(Record):
    """A client in the queue; they come oldest first."""

    client: int
    database: Name
    user: Name
    since_us: int
    position: int
    """Counts from 1 within its pool."""
    reason: Token
    """What stands in its way: opening, validating, limit, max_connections, retry, connects or paused."""


@dataclass(frozen=True, slots=True)
class Client(Record):
    tabular: ClassVar[bool] = True

    id: int
    state: Token
    since_us: int
    user: Name
    database: Name
    address: Token
    application_name: Token
    slot: int | None
    tls: Token
    """The version of TLS; empty when the connection is not encrypted."""
    connected_us: int = 0
    prepared: int = 0
    """Statements that it has prepared by name, in the transaction pipeline."""
    fd: int = -1
    """The descriptor's number."""


@dataclass(frozen=True, slots=True)
class Database(Record):
    """Whether clients may enter, and whether they are held.

    Only those that an administrator named are listed; `all` means all others.
    """

    name: Name
    enabled: bool
    """New clients may enter."""
    paused: bool = False
    """Clients wait until it is resumed."""


@dataclass(frozen=True, slots=True)
class AuthenticationFailure(Record):
    """Refused logins that look the same."""

    user: Name
    database: Name
    address: Token
    """The client's, without its port."""
    error: Line
    count: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Certificate(Record):
    """A certificate that is in use, or an authority's."""

    file: Line
    key: Name
    """The configuration key that names the file."""
    subject: Line
    not_after: Token
    """RFC 3339, UTC"""


@dataclass(frozen=True, slots=True)
class ConfigurationState(Record):
    reloaded_us: int | None
    """When a reload or `conf set` last changed something."""
    pending_restart: tuple[Name, ...]
    """Keys whose new value waits for a restart."""


@dataclass(frozen=True)  # without slots: `super` does not know the class that they would make
class Snapshot(Record):
    v: int
    seq: int
    """Counts the snapshots of this daemon."""
    version: Token
    """agroal's own"""
    instance_id: Token
    wall: Token
    """RFC 3339, UTC"""
    mono_us: int
    started_us: int
    status: Token
    """running, graceful (a shutdown waits for the clients) or stopping"""
    configuration: ConfigurationState
    max_connections: int
    bounds_us: tuple[int, ...]
    """The upper ends of the histograms' buckets; one bucket more is without end."""
    counters: Counters
    closes: tuple[Count, ...]
    """Server connections that ended, by reason."""
    pools: tuple[Pool, ...]
    slots: tuple[Slot, ...]
    servers: tuple[Server, ...]
    waiters: tuple[Waiter, ...]
    clients: tuple[Client, ...]
    databases: tuple[Database, ...]
    authentication_failures: tuple[AuthenticationFailure, ...]
    """Those that happened last, the latest first."""
    certificates: tuple[Certificate, ...]
    loop: Loop
    verified: int = 0
    """How often a server went to its next client, or back to the pool, and was proved clean before."""
    refused: tuple[Count, ...] = ()
    """How often one was closed instead, by reason."""
    pins: tuple[Pin, ...] = ()
    """How often a client of the transaction pipeline made what outlives a transaction."""
    bounds_fine_us: tuple[int, ...] = ()
    """The buckets of queries and transactions."""
    bounds_long_us: tuple[int, ...] = ()
    """Those of leases."""
    errors: tuple[Count, ...] = ()
    """How often a client was ended by an error of ours, by the name that the error has in docs/errors.md."""
    max_clients: int = 0
    """Clients that agroal has descriptors for."""

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Raises ManagementError: `version` for a snapshot of another version, `malformed` for what is none."""
        if isinstance(document, Mapping) and document.get("v", VERSION) != VERSION:
            raise ManagementError(
                "version", f"a snapshot of version {VERSION} was expected: is agroal of another release?"
            )
        return super().from_json(document)
