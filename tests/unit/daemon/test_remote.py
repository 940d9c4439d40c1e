from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.auth.hba import peer_at
from agroal.config.hba import read_hba
from agroal.config.model import Configuration
from agroal.config.report import Report
from agroal.daemon.daemon import Daemon
from agroal.daemon.encryption import Encryption
from agroal.daemon.files import Secrets
from agroal.daemon.inherited import Inherited
from agroal.daemon.remote import DaemonDoor, RemoteManagement
from agroal.demo.ports import free_port
from agroal.errors import ConfigurationError, ManagementError
from agroal.management.address import Remote, TlsMode
from agroal.management.client import ManagementClient
from agroal.management.controls import Role
from agroal.net.dial import Address
from tests.certificates import Authority
from tests.unit.daemon.running import configuration
from tests.unit.looping import in_a_loop

KNOWN = Secrets({"ann": "pencil"}, admins={"ops": "slate", "eye": "chalk"})
NOWHERE = Address("pg", "/nowhere", 5432)
HBA = "host all all all scram-sha-256\nhost admin all samehost scram-sha-256\n"


def configured(directory: Path, hba: str = HBA, **settings: object) -> Configuration:
    made = configuration(directory, NOWHERE)
    given = made.settings.given() | {"host": "127.0.0.1", "monitors": "eye", **settings}
    return replace(made, settings=type(made.settings)(**given), hba=read_hba(hba, Report("hba"), tls=True))


def unread() -> tuple[Configuration, Secrets]:
    raise AssertionError("nothing is reloaded here")


@asynccontextmanager
async def running(made: Configuration) -> AsyncIterator[Daemon]:
    daemon = Daemon(made, KNOWN, unread)
    ready = asyncio.Event()
    life = asyncio.create_task(daemon.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([life, waiting], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield daemon
    finally:
        daemon.stop.immediately()
        await life


def role(port: int, user: str = "ops", password: str = "slate") -> object:
    with ManagementClient(Remote("127.0.0.1", port, user, password, TlsMode.DISABLE)) as client:
        return client.call("hello")["role"]


@in_a_loop
async def test_the_port_is_open_while_the_daemon_runs(socket_dir: Path) -> None:
    port = free_port()
    async with running(configured(socket_dir, management=port)):
        assert await asyncio.to_thread(role, port) == "admin"
        assert await asyncio.to_thread(role, port, "eye", "chalk") == "monitor"
    with pytest.raises(ManagementError, match="Connection refused"):
        await asyncio.to_thread(role, port)


@in_a_loop
async def test_users_of_the_vault_are_nobody_here_and_who_fails_is_counted(socket_dir: Path) -> None:
    port = free_port()
    async with running(configured(socket_dir, management=port)) as daemon:
        with pytest.raises(ManagementError, match="password authentication failed"):
            await asyncio.to_thread(role, port, "ann", "pencil")
        ((failure),) = daemon.failures
        assert (failure.user, failure.database, failure.address) == ("ann", "admin", "127.0.0.1")
        assert daemon.totals.rejected == 1


@in_a_loop
async def test_without_the_key_there_is_no_port(socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal.daemon.remote.RemoteManagement", None)
    async with running(configured(socket_dir)) as daemon:
        assert not daemon.stopping


@in_a_loop
async def test_a_port_that_is_taken_is_said_at_the_start(socket_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon = Daemon(configured(socket_dir, management=taken.getsockname()[1]), KNOWN, unread)
        with pytest.raises(ConfigurationError, match="is another program listening there"):
            await daemon.run(lambda: None)


@in_a_loop
async def test_the_door_goes_by_the_files_in_force(socket_dir: Path) -> None:
    async with running(configured(socket_dir, management=free_port())) as daemon:
        door = DaemonDoor(daemon)
        assert [door.role(user) for user in ("ops", "eye", "ann")] == [Role.ADMIN, Role.MONITOR, None]
        assert set(door.users) == {"ops", "eye"}
        assert (door.timeout, door.offer) == (5.0, None)
        (await daemon.admins.renew(Secrets(), daemon.settings))()
        assert not door.users


@in_a_loop
async def test_a_line_for_all_databases_is_not_about_admins(socket_dir: Path) -> None:
    async with running(configured(socket_dir, management=free_port())) as daemon:
        door = DaemonDoor(daemon)
        near = door.line("ops", peer_at("127.0.0.1"), encrypted=False)
        assert near
        assert (near.line, door.usermap(near)) == (2, None)
        assert door.line("ops", peer_at("10.0.3.7"), encrypted=True) is None


@in_a_loop
async def test_who_is_no_admin_any_more_is_sent_away(socket_dir: Path) -> None:
    port = free_port()

    def stays(client: ManagementClient) -> bool:
        with suppress(ManagementError):
            return bool(client.call("hello"))
        return False

    async with running(configured(socket_dir, management=port)) as daemon:
        where = Remote("127.0.0.1", port, "ops", "slate", TlsMode.DISABLE)
        with await asyncio.to_thread(ManagementClient, where) as client:
            assert await asyncio.to_thread(stays, client)
            (await daemon.admins.renew(Secrets(), daemon.settings))()
            assert not await asyncio.to_thread(stays, client)


def test_tls_is_offered_under_a_name_of_its_own(tmp_path: Path, socket_dir: Path) -> None:
    identity = Authority(tmp_path).issue("agroal")
    files = {"tls_cert_file": identity.cert_file, "tls_key_file": identity.key_file}
    encryption = Encryption.of(configured(socket_dir, tls=True, **files))
    assert encryption.admins
    assert encryption.clients
    assert encryption.admins.binding == encryption.clients.binding
    assert encryption.admins.context is not encryption.clients.context


@in_a_loop
async def test_what_systemd_has_opened_is_served_and_must_be_tcp(socket_dir: Path) -> None:
    daemon = Daemon(configured(socket_dir, management=1), KNOWN, unread)
    with socket.socket(socket.AF_UNIX) as unix, socket.create_server(("127.0.0.1", 0)) as tcp:
        daemon.listening._inherited = Inherited({"management": [unix]})
        service = RemoteManagement(daemon, None, None)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="expected TCP"):
            await service.start()
        tcp.setblocking(False)
        daemon.listening._inherited = Inherited({"management": [tcp]})
        await service.start()
        await service.close()
    daemon.pump.close()
