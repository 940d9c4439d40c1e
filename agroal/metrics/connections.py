"""Connections to PostgreSQL: how many, why they end, and whether they were clean when they went on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agroal.management.snapshot import Slot
from agroal.metrics.clients import IN_THE_CLEAR, by, counted, total
from agroal.metrics.family import Family, Kind, Row, one
from agroal.metrics.seen import MOST_SLOTS, Seen
from agroal.pipeline.evidence import Trace
from agroal.pipeline.ledger import Dirt

HELD = ("in-use", "gracefully")
"""States in which a client has the slot."""


def _closes(seen: Seen, *reasons: str) -> int:
    return sum(count.count for count in seen.snapshot.closes if count.name in reasons)


def _closed(name: str, doc: str, *reasons: str) -> Family:
    return one(name, Kind.TOTAL, doc, lambda seen: _closes(seen, *reasons))


def _returns(seen: Seen) -> int:
    return seen.snapshot.verified + sum(count.count for count in seen.snapshot.refused)


def _labels(slot: Slot) -> tuple[str, ...]:
    return str(slot.id), slot.user, slot.database, slot.application_name


def _slots(seen: Seen) -> Iterator[Row]:
    for slot in seen.snapshot.slots:
        yield (*_labels(slot), slot.state.replace("-", "_")), slot.state in HELD


def _queries(seen: Seen) -> Iterator[Row]:
    return ((_labels(slot), slot.queries) for slot in seen.snapshot.slots)


def _pins(seen: Seen) -> Iterator[Row]:
    reasons = Counter({trace.name.lower(): 0 for trace in Trace})
    for pin in seen.snapshot.pins:
        reasons[pin.reason] += pin.count
    return (((reason,), count) for reason, count in reasons.items())


SLOT = ("id", "user", "database", "application_name")

CONNECTIONS = (
    one(
        "active_connections",
        Kind.GAUGE,
        "Connections that clients hold.",
        lambda seen: sum(slot.state in HELD for slot in seen.facts.snapshot.slots),
    ),
    one(
        "total_connections",
        Kind.GAUGE,
        "Connections, those included that are being opened or closed.",
        lambda seen: len(seen.facts.snapshot.slots),
    ),
    one(
        "max_connections",
        Kind.GAUGE,
        "How many connections there may be: the key max_connections.",
        lambda seen: seen.snapshot.max_connections,
    ),
    one(
        "self_sockets",
        Kind.GAUGE,
        "Sockets of connections to PostgreSQL.",
        lambda seen: sum(bool(slot.server) for slot in seen.facts.snapshot.slots),
    ),
    Family(
        "connection",
        Kind.GAUGE,
        f"A slot with a connection: 1 while a client has it, else 0. The first {MOST_SLOTS} slots are shown.",
        _slots,
        (*SLOT, "state"),
    ),
    Family(
        "connection_query_count",
        Kind.TOTAL,
        "Queries on the connection in a slot.",
        _queries,
        SLOT,
    ),
    total("connection_get", "How often a client got a connection.", lambda counters: counters.leases, Kind.TOTAL),
    one("connection_return", Kind.TOTAL, "How often a connection came back from a client.", _returns),
    total(
        "connection_success",
        "Connects to PostgreSQL that have succeeded.",
        lambda counters: counters.connects,
        Kind.TOTAL,
    ),
    total("connection_error", "Connects to PostgreSQL that came to nothing.", lambda c: c.connect_failures, Kind.TOTAL),
    total("connection_timeout", "Clients that blocking_timeout sent away.", lambda c: c.timeouts, Kind.TOTAL),
    total(
        "connection_kill", "Connections to PostgreSQL that ended.", lambda counters: counters.disconnects, Kind.TOTAL
    ),
    _closed(
        "connection_remove",
        "Connections that ended because they were not fit for another client.",
        *("dirty", "reset_failed", "spoke_while_idle", "pass_through", "abandoned"),
    ),
    _closed(
        "connection_invalid", "Connections that ended because they did not answer when they were validated.", "invalid"
    ),
    _closed("connection_idletimeout", "Connections that ended because of idle_timeout.", "idle"),
    _closed("connection_max_connection_age", "Connections that ended because of max_connection_age.", "too_old"),
    _closed("connection_flush", "Connections that ended because they were flushed.", "flushed"),
    Family(
        "connection_closes_total",
        Kind.COUNTER,
        "Connections that ended, by the reasons of docs/errors.md.",
        lambda seen: counted(seen.snapshot.closes),
        ("reason",),
    ),
    total("validations_total", "Free connections that were asked whether they work.", lambda c: c.validations),
    total("declined_leases_total", "Leases whose client was gone by then.", lambda counters: counters.declined),
    one(
        "handovers_verified_total",
        Kind.COUNTER,
        "How often a connection was proved clean before its next client, or the pool, had it.",
        lambda seen: seen.snapshot.verified,
    ),
    Family(
        "handovers_refused_total",
        Kind.COUNTER,
        "How often a connection was closed instead of handed on, by reason.",
        lambda seen: counted(seen.snapshot.refused, (dirt.name.lower() for dirt in Dirt)),
        ("reason",),
    ),
    Family(
        "pins_total",
        Kind.COUNTER,
        "How often a client of the transaction pipeline made what outlives a transaction, by what that was.",
        _pins,
        ("reason",),
    ),
    Family(
        "server_tls",
        Kind.GAUGE,
        "Connections to PostgreSQL by version of TLS; none is in the clear.",
        lambda seen: by(slot.tls or IN_THE_CLEAR for slot in seen.facts.snapshot.slots if slot.server),
        ("version",),
    ),
)
