"""Who comes in, who is kept out, who waits, and what crosses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from agroal import errors
from agroal.errors import ClientFacing
from agroal.management.snapshot import Count, Counters
from agroal.metrics.family import Family, Kind, Row, one
from agroal.metrics.seen import Seen, Sort

REFUSALS: Final = {
    "bad_password": "AuthenticationFailed",
    "not_permitted": "NotPermitted",
    "timed_out": "AuthenticationTimedOut",
    "lookup_failed": "LookupFailed",
}
"""How an authentication can end, and the error that says so."""
IN_THE_CLEAR: Final = "none"
ERRORS: Final = tuple(
    name
    for name, error in vars(errors).items()
    if isinstance(error, type) and issubclass(error, ClientFacing) and error is not ClientFacing
)


def total(name: str, doc: str, read: Callable[[Counters], int], kind: Kind = Kind.COUNTER) -> Family:
    return one(name, kind, doc, lambda seen: read(seen.snapshot.counters))


def counted(counts: Iterable[Count], names: Iterable[str] = ()) -> Iterator[Row]:
    """`names` are shown even before they have been counted: else `increase()` would miss the first time."""
    found = dict.fromkeys(names, 0) | {count.name: count.count for count in counts}
    return (((name,), count) for name, count in found.items())


def by(values: Iterable[str]) -> Iterator[Row]:
    """How many there are of each."""
    return (((value,), count) for value, count in Counter(values).items())


def _sorts(seen: Seen, named: Callable[[Sort], str]) -> Iterator[Row]:
    counts: Counter[str] = Counter()
    for sort, count in seen.facts.clients.items():
        counts[named(sort)] += count
    return (((name,), count) for name, count in counts.items())


def _refused(seen: Seen, error: str) -> int:
    return sum(count.count for count in seen.snapshot.errors if count.name == error)


def _authentications(seen: Seen) -> Iterator[Row]:
    yield ("ok",), seen.snapshot.counters.authenticated
    for result, error in REFUSALS.items():
        yield (result,), _refused(seen, error)


def _errors(seen: Seen) -> int:
    """Those that are no wrong password."""
    others = (error for result, error in REFUSALS.items() if result != "bad_password")
    return seen.snapshot.counters.tls_failures + sum(_refused(seen, error) for error in others)


def _oldest_wait(seen: Seen) -> float:
    return max((pool.oldest_wait_us for pool in seen.snapshot.pools), default=0) / 1e6


def _waiting(seen: Seen) -> int:
    return len(seen.snapshot.waiters)


CLIENTS = (
    one(
        "client_active",
        Kind.GAUGE,
        "Clients that hold a connection.",
        lambda seen: sum(count for sort, count in seen.facts.clients.items() if sort.holds),
    ),
    one("client_wait", Kind.GAUGE, "Clients that wait for a connection.", _waiting),
    one("connection_awaiting", Kind.GAUGE, "Clients that wait for a connection: client_wait.", _waiting),
    one("client_sockets", Kind.GAUGE, "Sockets of clients.", lambda seen: sum(seen.facts.clients.values())),
    one(
        "wait_time",
        Kind.GAUGE,
        "For how long the client has waited that waits longest, in seconds: oldest_wait_seconds.",
        _oldest_wait,
    ),
    one(
        "auth_user_success",
        Kind.TOTAL,
        "Clients that have proved who they are.",
        lambda seen: seen.snapshot.counters.authenticated,
    ),
    one(
        "auth_user_bad_password",
        Kind.TOTAL,
        "Clients that gave a wrong password, or a wrong name.",
        lambda seen: _refused(seen, REFUSALS["bad_password"]),
    ),
    one(
        "auth_user_error",
        Kind.TOTAL,
        "Clients that were refused before a password counted: by the HBA file, for want of time, in TLS.",
        _errors,
    ),
    total("network_sent", "Bytes from clients.", lambda counters: counters.bytes_in, Kind.TOTAL),
    total("network_received", "Bytes to clients.", lambda counters: counters.bytes_out, Kind.TOTAL),
    total(
        "query_count", "Queries. The performance pipeline counts none.", lambda counters: counters.queries, Kind.TOTAL
    ),
    total(
        "tx_count",
        "Transactions. The performance pipeline counts none.",
        lambda counters: counters.transactions,
        Kind.TOTAL,
    ),
    total("client_connections_total", "Connections of clients that were taken.", lambda counters: counters.clients),
    Family(
        "client_states",
        Kind.GAUGE,
        "Clients by what they do: auth, waiting, active, idle or closing.",
        lambda seen: _sorts(seen, lambda sort: sort.state),
        ("state",),
    ),
    Family(
        "client_tls",
        Kind.GAUGE,
        "Clients by version of TLS; none is in the clear.",
        lambda seen: _sorts(seen, lambda sort: sort.tls or IN_THE_CLEAR),
        ("version",),
    ),
    total("client_tls_failures_total", "TLS handshakes with clients that came to nothing.", lambda c: c.tls_failures),
    Family("authentications_total", Kind.COUNTER, "How authentications ended.", _authentications, ("result",)),
    Family(
        "client_errors_total",
        Kind.COUNTER,
        "Clients that were ended by an error of agroal's, by its name in docs/errors.md.",
        lambda seen: counted(seen.snapshot.errors, ERRORS),
        ("error",),
    ),
    Family(
        "waiting",
        Kind.GAUGE,
        "Clients that wait, by what stands in their way.",
        lambda seen: by(waiter.reason for waiter in seen.snapshot.waiters),
        ("reason",),
    ),
    one(
        "oldest_wait_seconds",
        Kind.GAUGE,
        "For how long the client has waited that waits longest; 0 when nobody waits.",
        _oldest_wait,
    ),
    total("waits_total", "Clients that had to queue, for whatever reason.", lambda counters: counters.waits),
    total(
        "wait_timeouts_total",
        "Clients in the queue that blocking_timeout sent away.",
        lambda counters: counters.timeouts,
    ),
    total(
        "wait_cancels_total", "Clients in the queue that gave up by themselves.", lambda counters: counters.cancelled
    ),
)
