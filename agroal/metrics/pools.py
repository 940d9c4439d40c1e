"""What is known of each pool: a database and a user, after aliases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agroal.management.snapshot import Pool, Snapshot
from agroal.metrics.family import Family, Kind, Row, Spread, one
from agroal.metrics.seen import Seen, added
from agroal.pool.limits import Limit

LABELS = ("database", "user")
SECOND = 1e6
"""Microseconds."""


def _each(name: str, kind: Kind, doc: str, read: Callable[[Pool], float]) -> Family:
    def rows(seen: Seen) -> Iterator[Row]:
        return (((pool.database, pool.user), read(pool)) for pool in seen.snapshot.pools)

    return Family(name, kind, doc, rows, LABELS)


def _spread(name: str, doc: str, read: Callable[[Snapshot, Pool], Spread]) -> Family:
    """What has not been measured has no row."""

    def rows(seen: Seen) -> Iterator[Row]:
        for pool in seen.snapshot.pools:
            if (spread := read(seen.snapshot, pool)).counts:
                yield (pool.database, pool.user), spread

    return Family(name, Kind.HISTOGRAM, doc, rows, LABELS)


def _connections(seen: Seen) -> Iterator[Row]:
    for pool in seen.snapshot.pools:
        for state in ("active", "idle", "other"):
            yield (pool.database, pool.user, state), getattr(pool, state)


def _lines(seen: Seen) -> Iterator[Limit]:
    """Of those for the same database and user, the first is in force."""
    lines: dict[tuple[str, str], Limit] = {}
    for limit in seen.facts.limits:
        lines.setdefault((limit.database, limit.user), limit)
    yield from lines.values()


def _limits(seen: Seen) -> Iterator[Row]:
    for limit in _lines(seen):
        pools = [pool for pool in seen.facts.snapshot.pools if pool.limit == limit.origin]
        sizes = {"min": limit.min_size, "initial": limit.initial_size, "max": limit.max_size}
        backends = sum(pool.active + pool.idle + pool.other for pool in pools)
        for name, size in (sizes | {"active": sum(pool.active for pool in pools), "backend": backends}).items():
            yield (limit.user, limit.database, name), size


def _awaiting(seen: Seen) -> Iterator[Row]:
    for limit in _lines(seen):
        waiting = (pool.waiting for pool in seen.facts.snapshot.pools if pool.limit == limit.origin)
        yield (limit.user, limit.database), sum(waiting)


def _leases(seen: Seen) -> Spread:
    pools, bounds = seen.snapshot.pools, seen.snapshot.bounds_long_us
    counts = added([(0,) * (len(bounds) + 1), *(pool.lease_hist for pool in pools)])
    return Spread(bounds, counts, sum(pool.lease_us for pool in pools))


POOLS = (
    Family(
        "limit",
        Kind.GAUGE,
        "A line of the databases file: its sizes, how many of its connections clients hold (`active`), and how many "
        "there are (`backend`).",
        _limits,
        ("user", "database", "type"),
    ),
    Family(
        "limit_awaiting",
        Kind.GAUGE,
        "Clients that wait for a connection under a line of the databases file.",
        _awaiting,
        ("user", "database"),
    ),
    one(
        "session_time_seconds",
        Kind.HISTOGRAM,
        "How long clients kept a connection, all pools together: pool_lease_seconds.",
        _leases,
    ),
    Family(
        "pool_connections",
        Kind.GAUGE,
        "Connections to PostgreSQL: held by clients (`active`), free (`idle`), or being opened, validated or closed "
        "(`other`).",
        _connections,
        (*LABELS, "state"),
    ),
    _each("pool_max_connections", Kind.GAUGE, "How many connections the pool may have.", lambda pool: pool.max),
    _each("pool_waiting", Kind.GAUGE, "Clients that wait just now.", lambda pool: pool.waiting),
    _each(
        "pool_oldest_wait_seconds",
        Kind.GAUGE,
        "For how long the client has waited that waits longest; 0 when nobody waits.",
        lambda pool: pool.oldest_wait_us / SECOND,
    ),
    _each("pool_enabled", Kind.GAUGE, "1 while new clients may enter the database.", lambda pool: pool.enabled),
    _each(
        "pool_paused",
        Kind.GAUGE,
        "1 while the clients of the database are held, after a PAUSE.",
        lambda pool: pool.paused,
    ),
    _each("pool_failing_connects", Kind.GAUGE, "Connects that failed in a row, up to now.", lambda pool: pool.failures),
    _each("pool_leases_total", Kind.COUNTER, "How often a client got a connection.", lambda pool: pool.leases),
    _each("pool_waits_total", Kind.COUNTER, "Clients that had to queue, for whatever reason.", lambda pool: pool.waits),
    _each(
        "pool_wait_timeouts_total",
        Kind.COUNTER,
        "Clients that blocking_timeout sent away.",
        lambda pool: pool.timeouts,
    ),
    _each(
        "pool_connect_failures_total",
        Kind.COUNTER,
        "Connects to PostgreSQL that came to nothing.",
        lambda pool: pool.connect_failures,
    ),
    _each(
        "pool_queries_total", Kind.COUNTER, "Queries. The performance pipeline counts none.", lambda pool: pool.queries
    ),
    _each(
        "pool_transactions_total",
        Kind.COUNTER,
        "Transactions. The performance pipeline counts none.",
        lambda pool: pool.transactions,
    ),
    _each("pool_bytes_received_total", Kind.COUNTER, "Bytes from clients.", lambda pool: pool.bytes_in),
    _each("pool_bytes_sent_total", Kind.COUNTER, "Bytes to clients.", lambda pool: pool.bytes_out),
    _spread(
        "pool_wait_seconds",
        "How long clients waited in the queue, however it ended.",
        lambda seen, pool: Spread(seen.bounds_us, pool.wait_hist, pool.wait_us),
    ),
    _spread(
        "pool_connect_seconds",
        "How long it took to connect and log in to PostgreSQL.",
        lambda seen, pool: Spread(seen.bounds_us, pool.connect_hist, pool.connect_us),
    ),
    _spread(
        "pool_lease_seconds",
        "How long connections were out. In the transaction pipeline one that goes from client to client within a "
        "moment is out all the while.",
        lambda seen, pool: Spread(seen.bounds_long_us, pool.lease_hist, pool.lease_us),
    ),
    _spread(
        "pool_query_seconds",
        "How long PostgreSQL took for queries, as agroal has seen it.",
        lambda seen, pool: Spread(seen.bounds_fine_us, pool.query_hist, pool.query_us),
    ),
    _spread(
        "pool_transaction_seconds",
        "How long transactions took, from their first message to the end of the answer to the last.",
        lambda seen, pool: Spread(seen.bounds_fine_us, pool.transaction_hist, pool.transaction_us),
    ),
)
