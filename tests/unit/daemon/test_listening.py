from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agroal.config.model import Settings
from agroal.daemon.inherited import CLIENTS, METRICS, Inherited
from agroal.daemon.listening import Listening
from agroal.demo.ports import free_port
from agroal.errors import ConfigurationError
from agroal.net.listen import SocketOptions
from tests.unit.looping import in_a_loop, pumping, until


class Place:
    """Where clients may come in, and those who did."""

    def __init__(self, listening: Listening, directory: Path, taken: list[object]) -> None:
        self.listening = listening
        self.path = directory / ".s.PGSQL.5432"
        self.settings = Settings(host="127.0.0.1", port=free_port(), unix_socket_dir=directory)
        self.where = listening.start(self.settings, self.path, SocketOptions())
        self._taken = taken

    async def lets_in(self, address: object) -> None:
        before = len(self._taken)
        with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as client:
            client.connect(address)  # type: ignore[arg-type]
            await until(lambda: len(self._taken) > before)


@asynccontextmanager
async def place(directory: Path, inherited: Inherited | None = None) -> AsyncIterator[Place]:
    taken: list[object] = []

    def take(sock: socket.socket, address: object) -> None:
        sock.close()
        taken.append(address)

    async with pumping() as pump:
        listening = Listening(pump, take, inherited or Inherited())
        try:
            yield Place(listening, directory, taken)
        finally:
            listening.close()


def unix(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    return sock


@in_a_loop
async def test_by_itself_it_opens_both_kinds_and_removes_the_file(socket_dir: Path) -> None:
    async with place(socket_dir) as here:
        assert here.where == f"127.0.0.1, port {here.settings.port}"
        await here.lets_in(("127.0.0.1", here.settings.port))
        await here.lets_in(str(here.path))
    assert not here.path.exists()


@in_a_loop
async def test_what_systemd_has_opened_replaces_ours_of_its_kind_and_its_file_stays(socket_dir: Path) -> None:
    tcp, path = socket.create_server(("127.0.0.1", 0)), socket_dir / "theirs"
    port = tcp.getsockname()[1]
    async with place(socket_dir, Inherited({CLIENTS: [tcp, unix(path)]})) as here:
        assert here.where == f"127.0.0.1, port {port}, opened by systemd; {path}, opened by systemd"
        await here.lets_in(("127.0.0.1", port))
        await here.lets_in(str(path))
        assert not here.path.exists()
        with pytest.raises(ConnectionRefusedError):
            await here.lets_in(("127.0.0.1", here.settings.port))
    assert path.is_socket()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@in_a_loop
async def test_what_systemd_has_not_opened_is_ours_to_open(socket_dir: Path, kind: str) -> None:
    given = socket.create_server(("127.0.0.1", 0)) if kind == "tcp" else unix(socket_dir / "theirs")
    async with place(socket_dir, Inherited({CLIENTS: [given]})) as here:
        await here.lets_in(given.getsockname())
        await here.lets_in(str(here.path) if kind == "tcp" else ("127.0.0.1", here.settings.port))
        assert here.path.exists() is (kind == "tcp")
    assert not here.path.exists()


@in_a_loop
async def test_an_abstract_socket_is_shown_as_systemd_writes_it(socket_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("\0" + socket_dir.name)
        sock.listen()
        async with place(socket_dir, Inherited({CLIENTS: [sock.dup()]})) as here:
            assert here.where.endswith(f"; @{socket_dir.name}, opened by systemd")
            await here.lets_in("\0" + socket_dir.name)


@in_a_loop
async def test_a_service_takes_its_own_before_clients_come(socket_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = Inherited({METRICS: [socket.create_server(("127.0.0.1", 0))]})
    async with pumping() as pump:
        listening = Listening(pump, lambda *_: None, given)
        (taken,) = listening.inherited(METRICS)
        with taken, caplog.at_level(logging.WARNING):
            Place(listening, socket_dir, [])
            listening.close()
            assert taken.fileno() >= 0
    assert caplog.records == []


@in_a_loop
async def test_what_no_service_takes_is_complained_about_and_closed(
    socket_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    with caplog.at_level(logging.WARNING):
        async with place(socket_dir, Inherited({METRICS: [sock]})):
            assert sock.fileno() < 0
    assert [record.getMessage() for record in caplog.records] == [
        "systemd has opened a socket for metrics, and nothing here serves it: see the key metrics"
    ]


@in_a_loop
async def test_when_it_fails_nothing_stays_open(socket_dir: Path) -> None:
    theirs, metrics = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    with pytest.raises(ConfigurationError, match="can't listen"):
        async with place(socket_dir / "nowhere", Inherited({CLIENTS: [theirs], METRICS: [metrics]})):
            raise AssertionError("it listens where there is nothing")
    assert (theirs.fileno(), metrics.fileno()) == (-1, -1)
