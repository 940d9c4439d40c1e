"""What is counted: the parts of a snapshot that only ever grow."""

from __future__ import annotations

from dataclasses import dataclass

from agroal.management.record import Name, Record, Token


@dataclass(frozen=True, slots=True)
class Counters(Record):
    """Totals since the daemon started."""

    clients: int
    """connections taken from the listening sockets"""
    authenticated: int
    rejected: int
    """refused by a line of the HBA file, by the lack of one, or for want of the right password"""
    tls_failures: int
    """handshakes with clients that came to nothing"""
    leases: int
    declined: int
    """leases whose client was gone by then"""
    waits: int
    """clients that had to queue, for whatever reason"""
    wait_us: int
    timeouts: int
    """waiters that `blocking_timeout` sent away"""
    cancelled: int
    """waiters that gave up"""
    connects: int
    connect_failures: int
    validations: int
    disconnects: int
    """of servers; `closes` has the reasons"""
    queries: int
    transactions: int
    bytes_in: int
    """from clients"""
    bytes_out: int
    """to clients"""
    log_warnings: int
    log_errors: int
    log_infos: int = 0
    log_fatals: int = 0
    """`log_errors` has these, too"""


@dataclass(frozen=True, slots=True)
class Count(Record):
    """How often something happened since the daemon started."""

    name: Token
    count: int


@dataclass(frozen=True, slots=True)
class Pin(Record):
    """How often clients of one user and application left something behind in the session, since the daemon started."""

    reason: Token
    user: Name
    application_name: Name
    count: int


@dataclass(frozen=True, slots=True)
class Loop(Record):
    """How well the daemon's event loop keeps up."""

    lag_hist: tuple[int, ...]
    """How late a timer was that asks once a second, in the buckets of the snapshot's `bounds_us`."""
    tasks: int
    lag_us: int = 0
    """All that is in `lag_hist`, together."""
