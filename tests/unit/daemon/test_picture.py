from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agroal.daemon.picture import picture
from agroal.management import snapshot as document
from agroal.net.dial import Address
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE, startup

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
    assert replace(slot, since_us=0, born_us=0) == document.Slot(
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
    assert (pool.leases, pool.waits) == (1, 2)
    assert (waiter.client, waiter.database, waiter.position, waiter.reason) == (2, "shop", 1, "limit")
    assert [(client.id, client.state, client.slot) for client in seen.clients] == [
        (1, "active", 0),
        (2, "waiting", None),
    ]
    assert [client.database for client in seen.clients] == ["shop", "store"], "as they call it"
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
            await until(lambda: picture(daemon).slots[0].state == "free")
            seen = picture(daemon)
    assert (seen.counters.queries, seen.slots[0].queries) == (1, 1)
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
