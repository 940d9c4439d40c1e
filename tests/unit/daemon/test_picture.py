from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from agroal.config.choices import Pipeline
from agroal.daemon.picture import picture
from agroal.daemon.state import State
from agroal.management import snapshot as document
from agroal.net.dial import Address
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.daemon.turning import BEGIN, BEGUN, DISCARD, DISCARDED
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, TERMINATE, message, startup

NOWHERE = Address("pg", "/nowhere", 5432)
NOTHING = document.Counters(**dict.fromkeys(document.Counters.__dataclass_fields__, 0))


@in_a_loop
async def test_an_idle_daemon_has_a_server_of_which_nothing_is_known(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, Address("pg", "/nowhere", 5432), max_connections=7)) as daemon:
        seen = picture(daemon)
        assert (seen.v, seen.status, seen.max_connections) == (1, "running", 7)
        assert (seen.version, seen.instance_id) == (daemon.version, daemon.instance_id)
        assert seen.mono_us >= seen.started_us > 0
        assert (seen.pools, seen.slots, seen.waiters, seen.clients) == ((), (), (), ())
        assert seen.counters == NOTHING
        assert seen.servers == (document.Server("pg", "/nowhere", 5432, "unknown", "unknown", 0, None),)


@in_a_loop
async def test_who_stands_in_line_is_seen_behind_who_is_in_the_queue(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(48213, application_name="psql") << BEGIN >> BEGUN
    script = script << message("Q", b"ROLLBACK\0") >> message("C", b"ROLLBACK\0") + READY
    script = script << DISCARD >> DISCARDED << TERMINATE
    settings = {"pipeline": Pipeline.TRANSACTION, "max_connections": 1}
    async with postgres(script) as address, running(configuration(socket_dir, address, **settings)) as daemon:
        clients = [connect(daemon) for _ in range(4)]
        for number, client in enumerate(clients, 1):
            client.sendall(STARTUP)
            await until(lambda number=number: number in daemon.sessions and daemon.sessions[number].taker)
        clients[0].sendall(BEGIN)
        await until(lambda: received(clients[0]).endswith(BEGUN))
        for number, client in enumerate(clients[1:], 2):
            client.sendall(QUERY)
            await until(lambda number=number: daemon.sessions[number].situation is State.WAITING)
        seen = picture(daemon)
        assert picture(daemon).waiters == seen.waiters
        for client in reversed(clients):
            client.close()
        await until(lambda: not daemon.sessions)
    waits = [(one.client, one.position, one.reason) for one in seen.waiters]
    assert waits == [(number, number - 1, "limit") for number in (2, 3, 4)]
    (pool,) = seen.pools
    assert (pool.active, pool.waiting) == (1, 3)
    assert 0 < seen.mono_us - seen.waiters[0].since_us <= pool.oldest_wait_us + 1


@in_a_loop
async def test_a_client_at_work_and_one_that_waits_behind_it(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(48213, application_name="psql") << QUERY >> ANSWER << TERMINATE
    async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
        with connect(daemon) as first, connect(daemon, unix=True) as second:
            await play(Script() >> STARTUP, first)
            await until(lambda: daemon.sessions and daemon.sessions[1].link)
            await play(Script() >> QUERY, first)
            await until(lambda: waiting_for(first) > 0 and received(first).endswith(ANSWER))
            await play(Script() >> startup("user", "ann", "database", "store"), second)
            await until(lambda: daemon.pool.asking)
            seen = picture(daemon)
    label = daemon_label(seen)
    slot, pool, waiter = seen.slots[0], seen.pools[0], seen.waiters[0]
    assert slot.fd > 2
    assert replace(slot, since_us=0, born_us=0, fd=-1) == document.Slot(
        id=0,
        state="in-use",
        since_us=0,
        database="shop",
        user="ann",
        application_name="psql",
        client=label,
        server="pg",
        server_pid=48213,
        born_us=0,
        leases=1,
        queries=1,
        transactions=1,
        bytes_in=len(QUERY),
        bytes_out=len(ANSWER),
        tls="",
    )
    assert (pool.limit, pool.max, pool.active, pool.idle, pool.waiting) == ("agroal_databases.conf:1", 1, 1, 0, 1)
    assert (pool.leases, pool.waits, pool.pipeline) == (1, 2, "session")
    assert (pool.queries, pool.transactions, pool.bytes_in, pool.bytes_out) == (1, 1, len(QUERY), len(ANSWER))
    assert (waiter.client, waiter.database, waiter.position, waiter.reason) == (2, "shop", 1, "limit")
    assert [(client.id, client.state, client.slot) for client in seen.clients] == [
        (1, "active", 0),
        (2, "waiting", None),
    ]
    assert [client.database for client in seen.clients] == ["shop", "store"], "as they call it"
    assert all(client.connected_us <= client.since_us and client.fd > 2 for client in seen.clients)
    assert seen.max_clients == daemon.max_clients
    assert seen.servers[0].connections == 1
    assert seen.servers[0].state == "up"
    assert seen.counters == replace(
        NOTHING,
        clients=2,
        leases=1,
        waits=2,
        wait_us=seen.counters.wait_us,
        connects=1,
        queries=1,
        transactions=1,
        bytes_in=len(QUERY),
        bytes_out=len(ANSWER),
    )


def daemon_label(seen: document.Snapshot) -> str:
    """The address of the client that is served."""
    (label,) = {client.address for client in seen.clients if client.state == "active"}
    assert label.startswith("127.0.0.1:")
    return label


@in_a_loop
async def test_what_sessions_that_have_ended_relayed_still_counts(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(application_name="psql") << QUERY >> ANSWER << TERMINATE
    async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP + QUERY, client)
            await until(lambda: received(client).endswith(ANSWER))
            await play(Script() >> TERMINATE, client)
            await until(lambda: picture(daemon).slots[0].state == "free" and not daemon.sessions)
            seen = picture(daemon)
    assert (seen.counters.queries, seen.slots[0].queries, seen.pools[0].queries) == (1, 1, 1)
    assert (seen.slots[0].client, seen.slots[0].application_name, seen.clients) == ("", "", ())


@in_a_loop
async def test_a_server_that_can_not_be_reached_is_down_with_the_reason(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, Address("pg", str(socket_dir), 5432))) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.sessions)
            await until(lambda: not daemon.sessions)
        seen = picture(daemon)
    assert (seen.servers[0].state, seen.servers[0].connections) == ("down", 0)
    assert "No such file or directory" in (seen.servers[0].error or "")
    assert (seen.counters.connect_failures, seen.counters.connects) == (1, 0)


@in_a_loop
async def test_what_administrators_have_decided(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        assert picture(daemon).databases == ()
        daemon.pool.switch("shop", False)
        assert picture(daemon).databases == (document.Database("shop", False),)
        daemon.pool.switch(None, False)
        daemon.pool.switch("billing", True)
        seen = picture(daemon)
        assert seen.databases == (document.Database("all", False), document.Database("billing", True))
        daemon.pool.pause("shop")
        daemon.pool.pause("billing")
        assert picture(daemon).databases == (
            document.Database("all", False),
            document.Database("billing", True, True),
            document.Database("shop", False, True),
        )
        daemon.pool.switch(None, True)
        daemon.pool.pause(None)
        daemon.pool.resume("shop")
        assert picture(daemon).databases == (
            document.Database("all", True, True),
            document.Database("shop", True, False),
        )
        daemon.pool.resume(None)
        assert picture(daemon).databases == ()


@in_a_loop
async def test_a_pool_says_whether_new_clients_may_enter_and_why_its_connects_fail(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, Address("pg", str(socket_dir), 5432))) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.totals.clients and not daemon.sessions)
        (pool,) = picture(daemon).pools
        assert (pool.database, pool.user, pool.enabled, pool.failures) == ("shop", "ann", True, 1)
        assert (pool.max, pool.initial, pool.min) == (1, 0, 0)
        assert "No such file or directory" in (pool.error or "")
        assert (pool.waits, sum(pool.wait_hist), len(pool.wait_hist)) == (1, 1, len(picture(daemon).bounds_us) + 1)
        daemon.pool.switch("shop", False)
        assert not picture(daemon).pools[0].enabled


@in_a_loop
async def test_why_connections_were_closed(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(application_name="psql") << TERMINATE
    async with (
        postgres(script, hangs_up=True) as address,
        running(configuration(socket_dir, address)) as daemon,
    ):
        with connect(daemon) as client:
            await play(Script() >> STARTUP + TERMINATE, client)
            await until(lambda: [slot.state for slot in picture(daemon).slots] == ["free"])
        daemon.pool.flush(FlushMode.IDLE)
        assert [slot.state for slot in picture(daemon).slots] == ["flush"]
        await until(lambda: not picture(daemon).slots)
        seen = picture(daemon)
        assert {count.name: count.count for count in seen.closes if count.count} == {"flushed": 1}
        assert {count.name for count in seen.closes} == {reason.name.lower() for reason in CloseReason}
        assert seen.counters.disconnects == 1


@in_a_loop
async def test_who_was_refused(socket_dir: Path) -> None:
    async with running(replace(configuration(socket_dir, NOWHERE), hba=())) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.totals.clients and not daemon.sessions)
        seen = picture(daemon)
        (failure,) = seen.authentication_failures
        assert (failure.user, failure.database, failure.address, failure.count) == ("ann", "shop", "127.0.0.1", 1)
        assert failure.error.startswith("no agroal_hba.conf entry")
        assert seen.started_us <= failure.last_us <= seen.mono_us
        assert seen.counters.rejected == 1


@in_a_loop
async def test_when_it_was_reloaded_and_what_waits_for_a_restart(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        assert picture(daemon).configuration == document.ConfigurationState(None, ())
        daemon.reload.pending["max_connections"] = "9"
        await daemon.reload.set("idle_timeout", "5s", dry_run=False)
        seen = picture(daemon)
        assert seen.configuration.pending_restart == ("max_connections",)
        assert seen.configuration.reloaded_us is not None
        assert seen.started_us <= seen.configuration.reloaded_us <= seen.mono_us


@in_a_loop
async def test_how_the_loop_keeps_up_and_which_picture_it_is(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        daemon.watch.lag.add(3)
        first, second = picture(daemon), picture(daemon)
        assert second.seq == first.seq + 1
        assert sum(first.loop.lag_hist) >= 1
        assert len(first.loop.lag_hist) == len(first.bounds_us) + 1
        assert first.loop.tasks == len(asyncio.all_tasks())


@in_a_loop
async def test_it_can_be_read_as_it_was_written(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        with connect(daemon):
            await until(lambda: daemon.sessions)
            seen = picture(daemon)
    assert document.Snapshot.from_json(json.loads(json.dumps(seen.to_json()))) == seen


@in_a_loop
async def test_how_long_connects_and_leases_took_and_which_role_the_server_has(socket_dir: Path) -> None:
    hello = greeting(application_name="psql", in_hot_standby="on")
    script = Script() << OUR_STARTUP >> hello << TERMINATE
    async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.sessions and daemon.sessions[1].link)
            daemon.timings.of(daemon.sessions[1].key).query.add(70)
            before = picture(daemon)
            await play(Script() >> TERMINATE, client)
            await until(lambda: not daemon.sessions and not daemon.pool.core.leased)
        seen = picture(daemon)
    (pool,), (server,) = seen.pools, seen.servers
    assert (sum(before.pools[0].lease_hist), sum(pool.lease_hist)) == (0, 1)
    assert len(pool.lease_hist) == len(seen.bounds_long_us) + 1
    assert (sum(pool.connect_hist), pool.connect_failures) == (1, 0)
    assert pool.connect_us > 0
    assert pool.lease_us > 0
    assert (pool.query_us, sum(pool.query_hist), len(pool.query_hist)) == (70, 1, len(seen.bounds_fine_us) + 1)
    assert sum(pool.transaction_hist) == 0
    assert server.role == "standby"
    assert server.rtt_us is None or server.rtt_us > 0


@in_a_loop
async def test_errors_that_ended_clients_by_name(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        with connect(daemon) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.totals.clients and not daemon.sessions)
        assert picture(daemon).errors == (document.Count("ServerUnreachable", 1),)
        assert picture(daemon).pools[0].connect_failures == 1
