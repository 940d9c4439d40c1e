"""The daemon at one instant, as the document that `status`, the dashboard and everything that counts read."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import islice
from operator import add, attrgetter
from typing import TYPE_CHECKING

from agroal.daemon.clearing import since
from agroal.daemon.viewing import Lines
from agroal.management import snapshot as document
from agroal.management.times import microseconds, wall_time
from agroal.net.chosen import Traffic
from agroal.net.rtt import round_trip
from agroal.net.server import Server
from agroal.net.tls import tls_version
from agroal.pool.effects import CloseReason
from agroal.pool.histogram import BOUNDS_FINE_US, BOUNDS_LONG_US, BOUNDS_US
from agroal.pool.slot import PoolKey
from agroal.pool.snapshot import PoolRow, PoolSnapshot, SlotRow

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.session import Session

SINCE = attrgetter("since_us")
MEASURED = 16
"""Connections to a server on which the round trip is looked up."""


def picture(daemon: Daemon, most_clients: int | None = None) -> document.Snapshot:
    """What is true now, with all clients or at most so many."""
    now = daemon.now()
    for session in daemon.sessions.values():
        if session.taker:
            session.taker.link.hand.count()
    pool, lines = daemon.pool.seen(now)
    crossed = _crossed(daemon)
    taken = document.Snapshot(
        v=document.VERSION,
        seq=next(daemon.pictures),
        version=daemon.version,
        instance_id=daemon.instance_id,
        wall=wall_time(time.time()),
        mono_us=microseconds(now),
        started_us=microseconds(daemon.started_mono),
        status=daemon.stop.status,
        configuration=_configuration(daemon),
        max_connections=pool.max_connections,
        bounds_us=BOUNDS_US,
        counters=_counters(daemon, pool, reduce(add, crossed.values(), Traffic())),
        closes=tuple(document.Count(reason.name.lower(), pool.totals.closes[reason]) for reason in CloseReason),
        pools=tuple(_pool(daemon, row, crossed.get((row.database, row.user), Traffic()), lines) for row in pool.pools),
        slots=tuple(_slot(daemon, row) for row in pool.slots),
        servers=tuple(_servers(daemon)),
        waiters=tuple(_waiters(daemon, pool, lines)),
        clients=tuple(_client(session) for session in islice(daemon.sessions.values(), most_clients)),
        databases=tuple(_databases(daemon)),
        authentication_failures=tuple(_failures(daemon)),
        certificates=daemon.encryption.certificates,
        loop=document.Loop(tuple(daemon.watch.lag.counts), len(asyncio.all_tasks()), daemon.watch.lag.sum),
        verified=daemon.pool.verified,
        refused=tuple(document.Count(dirt.name.lower(), count) for dirt, count in daemon.pool.refused.items()),
        pins=tuple(_pins(daemon)),
        bounds_fine_us=BOUNDS_FINE_US,
        bounds_long_us=BOUNDS_LONG_US,
        errors=tuple(document.Count(name, count) for name, count in daemon.totals.errors.items()),
        max_clients=daemon.max_clients,
    )
    return taken if daemon.cleared is None else since(daemon.cleared, taken)


def _configuration(daemon: Daemon) -> document.ConfigurationState:
    reloaded = daemon.reload.at
    return document.ConfigurationState(
        None if reloaded is None else microseconds(reloaded), tuple(daemon.reload.pending)
    )


def _crossed(daemon: Daemon) -> dict[tuple[str, str], Traffic]:
    """What was relayed so far, by database and user."""
    crossed: defaultdict[tuple[str, str], Traffic] = defaultdict(Traffic)
    for pool, traffic in daemon.totals.traffic.items():
        crossed[pool] += traffic
    for session in daemon.sessions.values():
        if session.link:
            crossed[session.key.database, session.key.user] += session.traffic
    return crossed


def _counters(daemon: Daemon, pool: PoolSnapshot, traffic: Traffic) -> document.Counters:
    totals, output = pool.totals, daemon.output
    return document.Counters(
        clients=daemon.totals.clients,
        authenticated=daemon.totals.authenticated,
        rejected=daemon.totals.rejected,
        tls_failures=daemon.totals.tls_failures,
        leases=totals.leases,
        declined=totals.declined,
        waits=totals.waits,
        wait_us=totals.wait_us,
        timeouts=totals.timeouts,
        cancelled=totals.cancelled,
        connects=totals.connects,
        connect_failures=totals.connect_failures,
        validations=totals.validations,
        disconnects=totals.closes.total(),
        queries=traffic.queries,
        transactions=traffic.transactions,
        bytes_in=traffic.bytes_in,
        bytes_out=traffic.bytes_out,
        log_warnings=output.warnings if output else 0,
        log_errors=output.errors if output else 0,
        log_infos=output.infos if output else 0,
        log_fatals=output.fatals if output else 0,
    )


def _pool(daemon: Daemon, row: PoolRow, traffic: Traffic, lines: Lines) -> document.Pool:
    lined = [line for key, line in lines.items() if (key.database, key.user) == (row.database, row.user)]
    timing = daemon.timings.seen(row.database, row.user)
    return document.Pool(
        database=row.database,
        user=row.user,
        limit=row.limit,
        enabled=daemon.pool.gate.is_open(row.database),
        max=row.max,
        initial=row.initial,
        min=row.min,
        active=row.active,
        idle=row.idle,
        other=row.other,
        waiting=row.waiting + sum(map(len, lined)),
        oldest_wait_us=microseconds(max([row.oldest_wait, *(daemon.now() - line[0].since for line in lined)])),
        leases=row.leases,
        waits=row.waits,
        wait_us=row.wait_us,
        wait_hist=row.wait_histogram,
        timeouts=row.timeouts,
        failures=row.failures,
        error=str(row.error) if row.error else None,
        connect_failures=row.connect_failures,
        connect_us=row.connects.sum,
        connect_hist=tuple(row.connects.counts),
        lease_us=row.lease_times.sum,
        lease_hist=tuple(row.lease_times.counts),
        query_us=timing.query.sum,
        query_hist=tuple(timing.query.counts),
        transaction_us=timing.transaction.sum,
        transaction_hist=tuple(timing.transaction.counts),
        paused=not daemon.pool.passage.is_open(row.database),
        pipeline=daemon.pipelines.of(PoolKey(row.database, row.user)).value,
        queries=traffic.queries,
        transactions=traffic.transactions,
        bytes_in=traffic.bytes_in,
        bytes_out=traffic.bytes_out,
    )


def _slot(daemon: Daemon, row: SlotRow) -> document.Slot:
    server = daemon.pool.servers.get(row.index)
    session = daemon.pool.holder(row.index)
    current = session.traffic if session and not session.taker else Traffic()
    traffic = (server.totals if server else Traffic()) + current
    return document.Slot(
        id=row.index,
        state=row.state,
        since_us=microseconds(row.since),
        database=row.database,
        user=row.user,
        application_name=session.application_name if session else "",
        client=session.client.label if session else "",
        server=server.address.name if server else "",
        server_pid=server.pid if server else 0,
        born_us=microseconds(row.born),
        leases=row.leases,
        queries=traffic.queries,
        transactions=traffic.transactions,
        bytes_in=traffic.bytes_in,
        bytes_out=traffic.bytes_out,
        tls=tls_version(server.channel) if server else "",
        prepared=len(server.luggage.prepared) if server else 0,
        fd=server.channel.fd if server else -1,
    )


def _servers(daemon: Daemon) -> list[document.Server]:
    open_now: dict[str, list[Server]] = {}
    for server in daemon.pool.servers.values():
        open_now.setdefault(server.address.name, []).append(server)
    rows = []
    for known in daemon.configuration.servers:
        connections = open_now.get(known.name, [])
        error = daemon.dialler.failure if known is daemon.configuration.primary else None
        state = "down" if error else "up" if connections else "unknown"
        said, rtt = role(connections), _round_trip(connections)
        rows.append(
            document.Server(known.name, known.host, known.port, said, state, len(connections), error, rtt_us=rtt)
        )
    return rows


def role(connections: Sequence[Server]) -> str:
    """As the latest connection has reported it, which PostgreSQL 14 and newer do."""
    recovering = connections[-1].parameters.get("in_hot_standby") if connections else None
    return {"on": "standby", "off": "primary"}.get(recovering or "", "unknown")


def _round_trip(connections: Sequence[Server]) -> int | None:
    """The shortest, in microseconds: the others have more of the server's own work in them."""
    found = (round_trip(server.channel.sock) for server in connections[-MEASURED:] if not server.channel.closed)
    return min((rtt for rtt in found if rtt is not None), default=None)


def _waiters(daemon: Daemon, pool: PoolSnapshot, lines: Lines) -> list[document.Waiter]:
    asking = daemon.pool.asking
    rows = [
        document.Waiter(
            client=asking[row.waiter].number if row.waiter in asking else 0,
            database=row.database,
            user=row.user,
            since_us=microseconds(row.since),
            position=row.position,
            reason=row.reason.name.lower(),
        )
        for row in pool.waiters
    ]
    for key, line in lines.items():
        reason = daemon.pool.reason(key).name.lower()
        behind = 1 + sum((row.database, row.user) == (key.database, key.user) for row in rows)
        rows += [
            document.Waiter(hand.holder.number, key.database, key.user, microseconds(hand.since), position, reason)
            for position, hand in enumerate(line, behind)
        ]
    return sorted(rows, key=SINCE) if lines else rows


def _client(session: Session) -> document.Client:
    startup = session.startup
    return document.Client(
        id=session.number,
        state=session.situation,
        since_us=microseconds(session.since),
        user=startup.user if startup else "",
        database=startup.database if startup else "",
        address=session.client.label,
        application_name=session.application_name,
        slot=session.slot,
        tls=tls_version(session.client),
        connected_us=microseconds(session.born),
        prepared=len(session.taker.turn.names) if session.taker else 0,
        fd=session.client.fd,
    )


def _databases(daemon: Daemon) -> Iterator[document.Database]:
    gate, passage = daemon.pool.gate, daemon.pool.passage
    if not (gate.is_open_by_default and passage.is_open_by_default):
        yield document.Database("all", gate.is_open_by_default, not passage.is_open_by_default)
    for name in {**gate.exceptions, **passage.exceptions}:
        yield document.Database(name, gate.is_open(name), not passage.is_open(name))


def _pins(daemon: Daemon) -> Iterator[document.Pin]:
    for (trace, user, application), count in daemon.pins.items():
        yield document.Pin(trace.name.lower(), user, application, count)


def _failures(daemon: Daemon) -> Iterator[document.AuthenticationFailure]:
    for one in daemon.failures:
        yield document.AuthenticationFailure(
            one.user, one.database, one.address, one.error, one.count, microseconds(one.last)
        )
