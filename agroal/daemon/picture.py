"""The daemon at one instant, as the document that `status`, the dashboard and everything that counts read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from agroal.daemon.clearing import since
from agroal.management import snapshot as document
from agroal.management.times import microseconds, wall_time
from agroal.net.server import Traffic
from agroal.net.tls import tls_version
from agroal.pool.effects import CloseReason
from agroal.pool.histogram import BOUNDS_US
from agroal.pool.snapshot import PoolRow, PoolSnapshot, SlotRow

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.session import Session


def picture(daemon: Daemon) -> document.Snapshot:
    """What is true now."""
    now = daemon.now()
    for session in daemon.sessions.values():
        if session.taker:
            session.taker.count()
    pool = daemon.pool.core.snapshot(now)
    reloaded = daemon.reload.at
    taken = document.Snapshot(
        v=document.VERSION,
        seq=next(daemon.pictures),
        version=daemon.version,
        instance_id=daemon.instance_id,
        wall=wall_time(time.time()),
        mono_us=microseconds(now),
        started_us=microseconds(daemon.started_mono),
        status=daemon.stop.status,
        configuration=document.ConfigurationState(
            None if reloaded is None else microseconds(reloaded), tuple(daemon.reload.pending)
        ),
        max_connections=pool.max_connections,
        bounds_us=BOUNDS_US,
        counters=_counters(daemon, pool),
        closes=tuple(document.Count(reason.name.lower(), pool.totals.closes[reason]) for reason in CloseReason),
        pools=tuple(_pool(daemon, row) for row in pool.pools),
        slots=tuple(_slot(daemon, row) for row in pool.slots),
        servers=tuple(_servers(daemon)),
        waiters=tuple(_waiters(daemon, pool)),
        clients=tuple(_client(session) for session in daemon.sessions.values()),
        databases=tuple(_databases(daemon)),
        authentication_failures=tuple(_failures(daemon)),
        certificates=daemon.encryption.certificates,
        loop=document.Loop(tuple(daemon.watch.lag.counts), len(asyncio.all_tasks())),
        verified=daemon.pool.verified,
        refused=tuple(document.Count(dirt.name.lower(), count) for dirt, count in daemon.pool.refused.items()),
        pins=tuple(
            document.Pin(trace.name.lower(), user, application, count)
            for (trace, user, application), count in daemon.pins.items()
        ),
    )
    return taken if daemon.cleared is None else since(daemon.cleared, taken)


def _counters(daemon: Daemon, pool: PoolSnapshot) -> document.Counters:
    traffic = reduce(add, (session.traffic for session in daemon.sessions.values()), daemon.ended_traffic)
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
    )


def _pool(daemon: Daemon, row: PoolRow) -> document.Pool:
    return document.Pool(
        database=row.database,
        user=row.user,
        limit=row.limit,
        enabled=daemon.pool.core.gate.is_open(row.database),
        max=row.max,
        initial=row.initial,
        min=row.min,
        active=row.active,
        idle=row.idle,
        other=row.other,
        waiting=row.waiting,
        oldest_wait_us=microseconds(row.oldest_wait),
        leases=row.leases,
        waits=row.waits,
        wait_us=row.wait_us,
        wait_hist=row.wait_histogram,
        timeouts=row.timeouts,
        failures=row.failures,
        error=str(row.error) if row.error else None,
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
    )


def _servers(daemon: Daemon) -> list[document.Server]:
    open_now = [server.address.name for server in daemon.pool.servers.values()]
    rows = []
    for server in daemon.configuration.servers:
        connections = open_now.count(server.name)
        error = daemon.dialler.failure if server is daemon.configuration.primary else None
        state = "down" if error else "up" if connections else "unknown"
        rows.append(document.Server(server.name, server.host, server.port, "unknown", state, connections, error))
    return rows


def _waiters(daemon: Daemon, pool: PoolSnapshot) -> list[document.Waiter]:
    asking = daemon.pool.asking
    return [
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
    )


def _databases(daemon: Daemon) -> Iterator[document.Database]:
    gate = daemon.pool.core.gate
    if not gate.is_open_by_default:
        yield document.Database("all", False)
    for name, is_open in gate.exceptions.items():
        yield document.Database(name, is_open)


def _failures(daemon: Daemon) -> Iterator[document.AuthenticationFailure]:
    for one in daemon.failures:
        yield document.AuthenticationFailure(
            one.user, one.database, one.address, one.error, one.count, microseconds(one.last)
        )
