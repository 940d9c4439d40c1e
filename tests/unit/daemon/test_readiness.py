from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from unittest.mock import patch

from agroal.daemon import readiness
from agroal.daemon.daemon import Daemon
from agroal.daemon.readiness import REMEMBERED, Readiness
from agroal.net.dial import Address
from tests.unit.daemon.lobby import STARTUP
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE


class Asked(Readiness):
    """With a clock of its own, and how often the primary was asked."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon)
        self.probes = 0

    async def _probe(self, address: Address) -> str | None:
        self.probes += 1
        return await super()._probe(address)


async def served(daemon: Daemon) -> None:
    with connect(daemon) as client:
        await play(Script() >> STARTUP + TERMINATE, client)
        await until(lambda: daemon.pool.servers and not daemon.sessions)


@in_a_loop
async def test_a_pool_with_connections_knows(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(in_hot_standby="off", application_name="psql") << TERMINATE
    async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
        asked = Asked(daemon)
        await served(daemon)
        assert (await asked.why_not(), asked.probes) == (None, 0)


@in_a_loop
async def test_a_standby_will_not_do(socket_dir: Path) -> None:
    script = Script() << OUR_STARTUP >> greeting(in_hot_standby="on", application_name="psql") << TERMINATE
    async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
        await served(daemon)
        assert await Readiness(daemon).why_not() == 'server "pg" is a standby'


@in_a_loop
async def test_a_pool_that_knows_nothing_asks_the_primary(socket_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as primary:
        address = Address("pg", "127.0.0.1", primary.getsockname()[1])
        async with running(configuration(socket_dir, address)) as daemon:
            asked = Asked(daemon)
            assert (await asked.why_not(), asked.probes) == (None, 1)


@in_a_loop
async def test_a_primary_that_is_not_there_is_named(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, Address("pg", str(socket_dir), 5432))) as daemon:
        why = await Readiness(daemon).why_not()
        assert why
        assert "No such file or directory" in why


@in_a_loop
async def test_one_that_does_not_answer_is_not_waited_for_long(socket_dir: Path) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    with patch.object(readiness, "PROBE_TIMEOUT", 0.01), patch.object(readiness, "reach", never):
        async with running(configuration(socket_dir, Address("pg", "/nowhere", 5432))) as daemon:
            why = await Readiness(daemon).why_not()
            assert why == "server /nowhere/.s.PGSQL.5432 did not answer within 0.01 s"


@in_a_loop
async def test_a_failure_of_the_past_is_looked_into_again(socket_dir: Path) -> None:
    """Who is sent no clients because it is not ready would else never learn that it is."""
    with socket.create_server(("127.0.0.1", 0)) as primary:
        address = Address("pg", "127.0.0.1", primary.getsockname()[1])
        async with running(configuration(socket_dir, address)) as daemon:
            daemon.dialler.failure = "it was down"
            assert await Readiness(daemon).why_not() is None


@in_a_loop
async def test_a_crowd_that_asks_makes_one_connection(socket_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as primary:
        address = Address("pg", "127.0.0.1", primary.getsockname()[1])
        async with running(configuration(socket_dir, address)) as daemon:
            asked, now = Asked(daemon), daemon.now()
            with patch.object(daemon, "now", lambda: now):
                assert await asyncio.gather(*(asked.why_not() for _ in range(9))) == [None] * 9
                assert asked.probes == 1
            with patch.object(daemon, "now", lambda: now + REMEMBERED):
                await asked.why_not()
            assert asked.probes == 2


@in_a_loop
async def test_a_daemon_that_stops_is_not_ready(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, Address("pg", "/nowhere", 5432))) as daemon:
        daemon.stop.begun = True
        assert await Readiness(daemon).why_not() == "agroal is shutting down"
