from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.load import ROLES
from agroal.config.model import LogLevel
from agroal.config.servers import ServerSettings
from agroal.daemon import controls as controls_module
from agroal.daemon.controls import DaemonControls
from agroal.daemon.daemon import Daemon
from agroal.daemon.log import Line
from agroal.errors import ManagementError
from agroal.management.controls import Alias, Killed, LogLine, ShutdownMode
from agroal.management.event import EventKind
from agroal.net.dial import Address
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP, told
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres, silent_port
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE

NOWHERE = Address("pg", "/nowhere", 5432)
SERVED = Script() << OUR_STARTUP >> greeting(application_name="psql") << QUERY >> ANSWER << TERMINATE


@asynccontextmanager
async def idle(directory: Path, **settings: object) -> AsyncIterator[tuple[Daemon, DaemonControls]]:
    """A daemon without clients."""
    async with running(configuration(directory, NOWHERE, **settings)) as daemon:
        yield daemon, DaemonControls(daemon)


class TestPing:
    @in_a_loop
    async def test_it_says_of_every_server_whether_it_takes_connections(self, socket_dir: Path) -> None:
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
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(controls_module, "reach", never)
        monkeypatch.setattr(controls_module, "PING_TIMEOUT", 0.02)
        async with idle(socket_dir) as (_, controls):
            (ping,) = await controls.ping_servers()
        assert (ping.alive, ping.error) == (False, "no answer within 0.02 s")


class TestShutdown:
    @pytest.mark.parametrize(("asked", "waited"), [(None, 60), (5.0, 5), (0.0, None)])
    @in_a_loop
    async def test_a_graceful_one_waits_as_long_as_it_is_told(
        self, socket_dir: Path, asked: float | None, waited: float | None
    ) -> None:
        async with idle(socket_dir) as (daemon, controls):
            with connect(daemon):
                await until(lambda: daemon.sessions)
                assert controls.shutdown(ShutdownMode.GRACEFULLY, asked, dry_run=True) == waited
                assert controls.snapshot().status == "running"
                assert controls.shutdown(ShutdownMode.GRACEFULLY, asked, dry_run=False) == waited
                assert controls.snapshot().status == "graceful"
                assert controls.shutdown(ShutdownMode.CANCEL, None, dry_run=True) is None
                assert controls.snapshot().status == "graceful"
                assert controls.shutdown(ShutdownMode.CANCEL, None, dry_run=False) is None
                assert controls.snapshot().status == "running"

    @pytest.mark.parametrize("dry_run", [True, False])
    @in_a_loop
    async def test_there_must_be_one_to_take_it_back(self, socket_dir: Path, dry_run: bool) -> None:
        async with idle(socket_dir) as (_, controls):
            with pytest.raises(ManagementError, match="no shutdown is under way"):
                controls.shutdown(ShutdownMode.CANCEL, None, dry_run=dry_run)

    @in_a_loop
    async def test_without_clients_there_is_nothing_to_wait_for(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (daemon, controls):
            assert controls.shutdown(ShutdownMode.GRACEFULLY, 5, dry_run=True) is None
            assert not daemon.stop.begun
            assert controls.shutdown(ShutdownMode.GRACEFULLY, 5, dry_run=False) is None
            assert daemon.stop.asked_for.done()

    @in_a_loop
    async def test_an_immediate_one_waits_for_nobody(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (daemon, controls):
            assert controls.shutdown(ShutdownMode.IMMEDIATE, None, dry_run=True) is None
            assert not daemon.stop.asked_for.done()
            assert controls.shutdown(ShutdownMode.IMMEDIATE, None, dry_run=False) is None
            assert daemon.stop.asked_for.done()


class TestKill:
    @in_a_loop
    async def test_a_client_is_told_and_goes(self, socket_dir: Path) -> None:
        script = Script() << OUR_STARTUP >> greeting(application_name="psql") << TERMINATE
        async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
            controls = DaemonControls(daemon)
            with connect(daemon, unix=True) as client:
                await play(Script() >> STARTUP, client)
                await until(lambda: daemon.sessions and daemon.sessions[1].link and waiting_for(client))
                received(client)
                expected = Killed(1, "ann", "shop", "[local]", "active")
                assert controls.kill(1, dry_run=True) == expected
                assert daemon.sessions[1].state == "active"
                assert controls.kill(1, dry_run=False) == expected
                assert controls.kill(1, dry_run=False) == expected, "it has not gone yet"
                await until(lambda: not daemon.sessions)
                assert told(client)["C"] == "57P01"

    @in_a_loop
    async def test_one_that_has_not_said_who_it_is_has_no_name(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (daemon, controls):
            with connect(daemon, unix=True) as client:
                await until(lambda: daemon.sessions)
                await asyncio.sleep(0)
                assert controls.kill(1, dry_run=False) == Killed(1, "", "", "[local]", "auth")
                await until(lambda: not daemon.sessions)
                assert told(client)["C"] == "57P01"

    @in_a_loop
    async def test_one_that_is_just_leaving_is_let_go(self, socket_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
        async with idle(socket_dir) as (daemon, controls):
            with connect(daemon, unix=True):
                await until(lambda: daemon.sessions)
                session = daemon.sessions[1]
            await until(lambda: session.state == "closing")
            if 1 in daemon.sessions:
                assert controls.kill(1, dry_run=False).state == "closing"
            await until(lambda: not daemon.sessions)
            with pytest.raises(ManagementError):
                controls.kill(1, dry_run=False)
        assert "internal error" not in caplog.text

    @pytest.mark.parametrize("dry_run", [True, False])
    @in_a_loop
    async def test_one_that_is_not_there_is_refused(self, socket_dir: Path, dry_run: bool) -> None:
        async with idle(socket_dir) as (_, controls):
            with pytest.raises(ManagementError, match="there is no client 7") as refusal:
                controls.kill(7, dry_run=dry_run)
            assert refusal.value.code == "refused"


class TestStatistics:
    @in_a_loop
    async def test_all_totals_begin_anew(self, socket_dir: Path) -> None:
        async with postgres(SERVED) as address, running(configuration(socket_dir, address)) as daemon:
            controls = DaemonControls(daemon)
            with connect(daemon) as client:
                await play(Script() >> STARTUP + QUERY, client)
                await until(lambda: waiting_for(client) and received(client).endswith(ANSWER))
                assert controls.clear_statistics(dry_run=True) == 1
                assert controls.snapshot().counters.queries == 1
                assert controls.clear_statistics(dry_run=False) == 1
                seen = controls.snapshot()
                assert (seen.counters.queries, seen.counters.clients, seen.pools[0].leases) == (0, 0, 0)
                assert (seen.pools[0].active, seen.slots[0].queries) == (1, 1), "what is there now is not forgotten"
                with connect(daemon):
                    await until(lambda: len(daemon.sessions) == 2)
                    assert controls.snapshot().counters.clients == 1
                    controls.clear_statistics(dry_run=False)
                    assert controls.snapshot().counters.clients == 0


class FakeLog:
    """Remembers these lines."""

    warnings, errors, infos, fatals = 3, 2, 0, 0

    def settle(self) -> None:
        """Nothing was left out."""

    def tail(self, level: LogLevel, lines: int) -> list[Line]:
        assert (level, lines) == (LogLevel.WARN, 5)
        return [Line(1.5, LogLevel.ERROR, "it broke")]

    def reconfigure(self, settings: object) -> None:
        raise AssertionError("nobody asked for that")


class TestLooking:
    @in_a_loop
    async def test_what_happened_after_an_event(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (daemon, controls):
            last = controls.events(0)[-1].seq
            controls.record_command("root (pid 7)", "flush idle")
            daemon.report(EventKind.SERVER_DOWN, "it is down")
            assert [(event.kind, event.level, event.text) for event in controls.events(last)] == [
                ("command", "info", "root (pid 7): flush idle"),
                ("server-down", "warn", "it is down"),
            ]
            assert controls.events(last + 2) == []

    @in_a_loop
    async def test_events_are_in_the_log(self, socket_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
        async with idle(socket_dir) as (daemon, _):
            daemon.report(EventKind.SERVER_DOWN, "100%s down")
        assert [record.levelname for record in caplog.records if record.message == "100%s down"] == ["WARNING"]

    @in_a_loop
    async def test_the_end_of_the_log(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (daemon, controls):
            assert controls.log_tail("warn", 5) == [], "there is none"
            daemon.output = FakeLog()  # type: ignore[assignment]
            assert controls.log_tail("warn", 5) == [LogLine(1_500_000, "error", "it broke")]
            counters = controls.snapshot().counters
            assert (counters.log_warnings, counters.log_errors) == (3, 2)
            with pytest.raises(ManagementError, match="must be one of fatal, error, warn, info, debug, trace"):
                controls.log_tail("loud", 5)

    @in_a_loop
    async def test_what_the_flight_recorder_has(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (_, controls):
            dumped = await controls.record("incident", dry_run=False)
        assert dumped.path == str(socket_dir / "incident.agrec")
        assert (dumped.frames, dumped.events, dumped.lines) == (1, 1, 0)

    @in_a_loop
    async def test_settings_are_as_they_are_in_force(self, socket_dir: Path) -> None:
        async with idle(socket_dir, idle_timeout=5.0) as (daemon, controls):
            (row,) = controls.settings("idle_timeout")
            assert (row.key, row.value, row.default, row.origin, row.reloadable, row.pending) == (
                *("idle_timeout", "5s", "0", "default", True, None),
            )
            daemon.reload.pending["max_connections"] = "9"
            (row,) = controls.settings("max_connections")
            assert (row.value, row.reloadable, row.pending) == ("100", False, "9")
            assert {row.key for row in controls.settings("server.pg")} >= {"server.pg.host", "server.pg.port"}
            assert len(controls.settings("")) > 50
            with pytest.raises(ManagementError, match="there is no key 'idle'") as refusal:
                controls.settings("idle")
            assert refusal.value.code == "bad-argument"

    @in_a_loop
    async def test_files_and_aliases(self, socket_dir: Path) -> None:
        async with idle(socket_dir) as (_, controls):
            files = {file.role: file.path for file in controls.files()}
            assert list(files) == [role.name for role in ROLES]
            assert (files["main"], files["users"]) == (str(socket_dir / "agroal.conf"), None)
            assert controls.aliases() == [Alias("shop", ("store",), "all", 1, 0, 0)]


@pytest.mark.parametrize("dry_run", [True, False])
@in_a_loop
async def test_reloading_and_setting_are_the_reloads_affair(socket_dir: Path, dry_run: bool) -> None:
    async with idle(socket_dir) as (daemon, controls):
        assert (await controls.reload(dry_run=dry_run)).changes == ()
        change = await controls.set("idle_timeout", "5s", dry_run=dry_run)
        assert (change.key, change.new, change.restart) == ("idle_timeout", "5s", False)
        assert (daemon.settings.idle_timeout == 5) is not dry_run


class TestPasswords:
    @in_a_loop
    async def test_the_one_that_was_made_up_is_told(self, socket_dir: Path) -> None:
        async with idle(socket_dir, rotate_frontend_password_timeout=3600.0) as (daemon, controls):
            told = controls.password("ann")
            assert (told.user, told.password) == ("ann", daemon.passwords.shown("ann"))
            assert told.password not in f"{controls.snapshot()} {daemon.events.after(0)} {told}"

    @pytest.mark.parametrize(
        ("seconds", "user", "why"),
        [(0.0, "ann", "passwords do not rotate"), (3600.0, "e\nve", r"there is no user 'e\\nve' in the users file")],
    )
    @in_a_loop
    async def test_otherwise_it_is_refused(self, socket_dir: Path, seconds: float, user: str, why: str) -> None:
        async with idle(socket_dir, rotate_frontend_password_timeout=seconds) as (_, controls):
            with pytest.raises(ManagementError, match=why) as refusal:
                controls.password(user)
            assert refusal.value.code == "refused"
