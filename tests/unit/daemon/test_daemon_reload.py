"""SIGHUP, from the files to the connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.model import HbaLine, HbaType, LimitLine, Method
from agroal.config.servers import ServerSettings
from agroal.daemon.daemon import Daemon
from agroal.daemon.files import Secrets, read
from agroal.daemon.log import Log
from agroal.net.dial import Address
from tests.unit.daemon.lobby import STARTUP, told
from tests.unit.daemon.running import EVERYBODY, SECRETS, configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script, play
from tests.unit.wire.messages import TERMINATE, authentication, message, startup

LOGIN = Script() << OUR_STARTUP >> greeting(application_name="psql")
PASSWORD = HbaLine("agroal_hba.conf", 1, HbaType.LOCAL, EVERYBODY, EVERYBODY, None, Method.PASSWORD)


def with_password(secret: str) -> Script:
    """A server that asks for the password, and gets this one."""
    asked = Script() << OUR_STARTUP >> authentication(3) << message("p", secret.encode() + b"\0")
    return asked >> greeting(application_name="psql")


async def served(daemon: Daemon, password: bytes = b"") -> None:
    """A client that comes, is served, and goes again."""
    before = daemon.totals.clients
    with connect(daemon, unix=True) as client:
        said = STARTUP + (message("p", password + b"\0") if password else b"")
        await play(Script() >> said + TERMINATE, client)
        await until(lambda: daemon.totals.clients > before and not daemon.sessions)
        assert received(client)[:1] == b"R", "it was let in, or asked for its password"


def states(daemon: Daemon) -> list[str]:
    return [slot.state.value for slot in daemon.pool.core.snapshot(daemon.now()).slots]


@asynccontextmanager
async def reading(directory: Path, address: Address, **settings: object) -> AsyncIterator[tuple[Daemon, list[object]]]:
    """A daemon, and what its files say next: a configuration and secrets."""
    made = configuration(directory, address, **settings)
    said: list[object] = [made, SECRETS]
    async with running(made) as daemon:
        daemon.reload._read = lambda: tuple(said)  # type: ignore[assignment,return-value]
        yield daemon, said


@in_a_loop
async def test_unchanged_files_drop_no_connection(socket_dir: Path) -> None:
    async with postgres(LOGIN << TERMINATE) as address, reading(socket_dir, address) as (daemon, _):
        await served(daemon)
        await until(lambda: states(daemon) == ["free"])
        await daemon.reload.signalled()
        assert states(daemon) == ["free"]


@in_a_loop
async def test_a_new_password_is_asked_for_and_free_connections_of_that_user_are_opened_anew(socket_dir: Path) -> None:
    scripts = with_password("pencil") << TERMINATE, with_password("crayon") << TERMINATE
    async with (
        postgres(*scripts, hangs_up=True) as address,
        reading(socket_dir, address) as (daemon, said),
    ):
        said[0] = replace(daemon.configuration, hba=(PASSWORD,))
        await daemon.reload.signalled()
        await served(daemon, b"pencil")
        await until(lambda: states(daemon) == ["free"])
        said[1] = Secrets({"ann": "crayon"})
        await daemon.reload.signalled()
        await until(lambda: states(daemon) == [])
        await served(daemon, b"crayon")
        await until(lambda: states(daemon) == ["free"])
        with connect(daemon, unix=True) as client:
            await play(Script() >> STARTUP << authentication(3) >> message("p", b"pencil\0"), client)
            await until(lambda: waiting_for(client))
            assert told(client)["C"] == "28P01"


@in_a_loop
async def test_who_is_being_served_goes_on_and_comes_back_to_another_server(socket_dir: Path) -> None:
    first, second = LOGIN << TERMINATE, LOGIN << TERMINATE
    async with (
        postgres(first, hangs_up=True) as old,
        postgres(second) as new,
        reading(socket_dir, old) as (daemon, said),
    ):
        with connect(daemon, unix=True) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: daemon.sessions and daemon.sessions[1].link)
            servers = (
                replace(daemon.configuration.primary, primary=False),
                ServerSettings(name="new", host=new.host, port=new.port, primary=True),
            )
            said[0] = replace(daemon.configuration, servers=servers)
            await daemon.reload.signalled()
            assert states(daemon) == ["gracefully"]
            client.send(TERMINATE)
            await until(lambda: states(daemon) == [])
        await served(daemon)
        await until(lambda: states(daemon) == ["free"])
        (server,) = daemon.pool.servers.values()
        assert (server.address.name, server.address.port) == ("new", new.port)


@in_a_loop
async def test_an_alias_and_a_larger_limit_are_for_the_next_client(socket_dir: Path) -> None:
    nowhere = Address("pg", "/nowhere", 5432)
    async with reading(socket_dir, nowhere) as (daemon, said):
        line = LimitLine("agroal_databases.conf", 1, "shop", ("store", "market"), "all", 5, 0, 0)
        said[0] = replace(daemon.configuration, limits=(line,))
        await daemon.reload.signalled()
        with connect(daemon, unix=True) as client:
            await play(Script() >> startup("user", "ann", "database", "market"), client)
            await until(lambda: daemon.totals.clients and not daemon.sessions)
        (pool,) = daemon.pool.core.snapshot(daemon.now()).pools
        assert (pool.database, pool.max) == ("shop", 5)


@in_a_loop
async def test_one_while_a_client_logs_in_does_not_disturb_it(socket_dir: Path) -> None:
    scripts = with_password("pencil") << TERMINATE
    async with postgres(scripts) as address, reading(socket_dir, address) as (daemon, said):
        said[0] = replace(daemon.configuration, hba=(PASSWORD,))
        await daemon.reload.signalled()
        with connect(daemon, unix=True) as client:
            await play(Script() >> STARTUP << authentication(3), client)
            said[0] = replace(daemon.configuration, hba=(replace(PASSWORD, method=Method.REJECT),))
            await daemon.reload.signalled()
            await play(Script() >> message("p", b"pencil\0") + TERMINATE, client)
            await until(lambda: states(daemon) == ["free"])
        with connect(daemon, unix=True) as client:
            await play(Script() >> STARTUP, client)
            await until(lambda: waiting_for(client))
            assert told(client)["C"] == "28000"


@pytest.mark.usefixtures("loggers_as_before")
@in_a_loop
async def test_files_are_taken_whole_or_not_at_all(socket_dir: Path) -> None:
    """With real files and a real log."""
    main, hba = socket_dir / "agroal.conf", socket_dir / "agroal_hba.conf"
    text = f"[agroal]\nhost = 127.0.0.1\nport = {{port}}\nunix_socket_dir = {socket_dir}\nlog_type = file\n"
    text += f"log_path = {socket_dir}/{{log}}.log\nlog_level = {{level}}\nidle_timeout = {{idle}}\n"
    text += "[pg]\nhost = /nowhere\n"
    port = configuration(socket_dir, Address("pg", "/nowhere", 5432)).settings.port

    def write(log: str, level: str, idle: str, hba_line: str = "local all all trust\n") -> None:
        main.write_text(text.format(port=port, log=log, level=level, idle=idle))
        hba.write_text(hba_line)

    write("one", "info", "1s")
    made, secrets = read({}, socket_dir, {})
    output = Log(made.settings)
    try:
        async with running(made, secrets) as daemon:
            daemon.output = output
            daemon.reload._read = lambda: read({}, socket_dir, {})
            write("two", "debug", "2s")
            await daemon.reload.signalled()
            assert (daemon.settings.idle_timeout, (socket_dir / "two.log").exists()) == (2, True)
            before = daemon.configuration
            write("three", "debug", "3s", "local all all nonsense\n")
            await daemon.reload.signalled()
            write("nowhere/four", "debug", "4s")
            await daemon.reload.signalled()
            assert daemon.configuration is before
            assert [event.kind for event in daemon.events.after(2)] == ["reload-failed", "reload-failed"]
            assert not (socket_dir / "three.log").exists()
    finally:
        await asyncio.to_thread(output.stop)
    assert "nothing is reloaded" in (socket_dir / "two.log").read_text()
