"""The daemon at one instant, as the document that `status`, the dashboard and everything that counts read."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from agroal.management import snapshot as document
from agroal.management.times import microseconds
from agroal.net.dial import Traffic
from agroal.pool.effects import RefuseReason
from agroal.pool.snapshot import PoolRow, PoolSnapshot, SlotRow

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.session import Session


def picture(daemon: Daemon) -> document.Snapshot:
    """What is true now."""
    now = daemon.now()
    pool = daemon.pool.core.snapshot(now)
    return document.Snapshot(
        v=document.VERSION,
        version=daemon.version,
        instance_id=daemon.instance_id,
        wall=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        mono_us=microseconds(now),
        started_us=microseconds(daemon.started_mono),
        status=daemon.stop.status,
        max_connections=pool.max_connections,
        counters=_counters(daemon, pool),
        pools=tuple(map(_pool, pool.pools)),
        slots=tuple(_slot(daemon, row) for row in pool.slots),
        servers=tuple(_servers(daemon)),
        waiters=tuple(_waiters(daemon, pool)),
        clients=tuple(_client(session) for session in daemon.sessions.values()),
    )


def _counters(daemon: Daemon, pool: PoolSnapshot) -> document.Counters:
    traffic = reduce(add, (session.traffic for session in daemon.sessions.values()), daemon.ended_traffic)
    totals = pool.totals
    return document.Counters(
        clients=daemon.totals.clients,
        authenticated=daemon.totals.authenticated,
        rejected=daemon.totals.rejected,
        leases=totals.leases,
        waits=totals.waits,
        wait_us=totals.wait_us,
        timeouts=totals.refusals[RefuseReason.POOL_IS_FULL],
        connects=totals.connects,
        connect_failures=totals.connect_failures,
        disconnects=totals.closes.total(),
        queries=traffic.queries,
        transactions=traffic.transactions,
        bytes_in=traffic.bytes_in,
        bytes_out=traffic.bytes_out,
    )


def _pool(row: PoolRow) -> document.Pool:
    return document.Pool(
        database=row.database,
        user=row.user,
        limit=row.limit,
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
        timeouts=row.timeouts,
    )


def _slot(daemon: Daemon, row: SlotRow) -> document.Slot:
    server = daemon.pool.servers.get(row.index)
    session = daemon.pool.sessions.get(row.index)
    traffic = (server.totals if server else Traffic()) + (session.traffic if session else Traffic())
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
        state=session.state,
        since_us=microseconds(session.since),
        user=startup.user if startup else "",
        database=startup.database if startup else "",
        address=session.client.label,
        application_name=session.application_name,
        slot=session.lease.slot if session.lease else None,
    )
