from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.servers import ServerSettings
from agroal.daemon import controls as controls_module
from agroal.daemon.controls import DaemonControls
from agroal.errors import ManagementError
from agroal.management.controls import ShutdownMode
from agroal.net.dial import Address
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.postgres import postgres, silent_port
from tests.unit.script import Script

NOWHERE = Address("pg", "/nowhere", 5432)


@in_a_loop
async def test_a_ping_says_of_every_server_whether_it_takes_connections(socket_dir: Path) -> None:
    with silent_port() as silent:
        async with postgres(Script()) as address:
            made = configuration(socket_dir, address)
            down = ServerSettings(name="down", host="127.0.0.1", port=silent.getsockname()[1])
            async with running(replace(made, servers=(*made.servers, down))) as daemon:
                alive, dead = await DaemonControls(daemon).ping_servers()
    assert (alive.name, alive.port, alive.alive, alive.error) == ("pg", address.port, True, None)
    assert alive.rtt_us is not None
    assert (dead.name, dead.alive, dead.rtt_us) == ("down", False, None)
    assert dead.error == f'could not connect to server "down" at 127.0.0.1:{down.port}: Connection refused'


@in_a_loop
async def test_a_server_that_takes_no_connection_in_time_is_down(
    socket_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(controls_module, "reach", never)
    monkeypatch.setattr(controls_module, "PING_TIMEOUT", 0.02)
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        (ping,) = await DaemonControls(daemon).ping_servers()
    assert (ping.alive, ping.error) == (False, "no answer within 0.02 s")


@pytest.mark.parametrize(("asked", "waited"), [(None, 60), (5.0, 5), (0.0, None)])
@in_a_loop
async def test_a_graceful_shutdown_waits_as_long_as_it_is_told(
    socket_dir: Path, asked: float | None, waited: float | None
) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        controls = DaemonControls(daemon)
        with connect(daemon):
            await until(lambda: daemon.sessions)
            assert controls.shutdown(ShutdownMode.GRACEFULLY, asked, dry_run=False) == waited
            assert controls.snapshot().status == "graceful"
            assert controls.shutdown(ShutdownMode.CANCEL, None, dry_run=False) is None
            assert controls.snapshot().status == "running"
            with pytest.raises(ManagementError):
                controls.shutdown(ShutdownMode.CANCEL, None, dry_run=False)


@in_a_loop
async def test_an_immediate_shutdown_waits_for_nobody(socket_dir: Path) -> None:
    async with running(configuration(socket_dir, NOWHERE)) as daemon:
        assert DaemonControls(daemon).shutdown(ShutdownMode.IMMEDIATE, None, dry_run=False) is None
        assert daemon.stop.asked_for.done()
