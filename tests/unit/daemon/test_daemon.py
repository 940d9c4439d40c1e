from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

import pytest

from agroal.auth.accept import Accepted
from agroal.auth.hba import Peer
from agroal.config.model import Method
from agroal.daemon.daemon import LISTENED_TO, Daemon
from agroal.daemon.files import Secrets
from agroal.net.dial import Address
from agroal.pool.slot import PoolKey
from agroal.wire.startup import StartupMessage
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP, told
from tests.unit.daemon.running import configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.net.pairs import waiting_for
from tests.unit.postgres import STARTUP as OUR_STARTUP
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import READY, TERMINATE, parameter

NOWHERE = Address("pg", "/nowhere", 5432)
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
LOGIN = Script() << OUR_STARTUP >> greeting(application_name="psql")


def asking(database: str = "shop", user: str = "ann") -> StartupMessage:
    return StartupMessage(3 << 16, user, database, {})


def sockets(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


class TestServing:
    @pytest.mark.parametrize("unix", [True, False])
    @in_a_loop
    async def test_clients_are_served_on_every_socket(self, socket_dir: Path, unix: bool) -> None:
        script = LOGIN << QUERY >> ANSWER << TERMINATE
        async with postgres(script) as address, running(configuration(socket_dir, address)) as daemon:
            with connect(daemon, unix=unix) as client:
                welcome = parameter("application_name", "psql") + READY
                await play(Script() >> STARTUP, client)
                greeted = await read(client, 9 + 13 + len(welcome))
                assert greeted.endswith(welcome)
                label = daemon.sessions[1].client.label
                assert label == "[local]" if unix else label.startswith("127.0.0.1:")
                await play(Script() >> QUERY << ANSWER >> TERMINATE, client)
                await until(lambda: not daemon.sessions)
                assert (daemon.totals.traffic["shop", "ann"].queries, daemon.totals.clients) == (1, 1)

    @in_a_loop
    async def test_the_sockets_go_with_the_daemon(self, socket_dir: Path) -> None:
        async with running(configuration(socket_dir, NOWHERE)) as daemon:
            assert sockets(socket_dir) == {f".s.{kind}.{daemon.settings.port}" for kind in ("PGSQL", "agroal")}
        assert sockets(socket_dir) == set()

    @in_a_loop
    async def test_one_client_too_many_is_told_so_when_it_has_said_what_it_wants(self, socket_dir: Path) -> None:
        async with running(configuration(socket_dir, NOWHERE)) as daemon:
            daemon.max_clients = 0
            with connect(daemon) as client:
                await play(Script() >> SSL_REQUEST << b"N" >> STARTUP, client)
                await until(lambda: waiting_for(client))
                assert told(client)["C"] == "53300"

    @in_a_loop
    async def test_far_too_many_clients_are_told_so_at_once(self, socket_dir: Path) -> None:
        async with running(configuration(socket_dir, NOWHERE)) as daemon:
            daemon.max_clients = -LISTENED_TO
            with connect(daemon) as client:
                await until(lambda: waiting_for(client))
                refusal = told(client)
                assert (refusal["C"], refusal["M"]) == ("53300", "too many clients")
            for _ in range(2):  # and nobody is the worse for one that does not wait for the answer
                connect(daemon, unix=True).close()
            await until(lambda: daemon.totals.clients == 3)
            assert daemon.sessions == {}

    @in_a_loop
    async def test_stopping_ends_clients_that_are_being_served(self, socket_dir: Path) -> None:
        script = LOGIN << TERMINATE
        async with postgres(script) as address:
            async with running(configuration(socket_dir, address)) as daemon:
                client = connect(daemon)
                await play(Script() >> STARTUP, client)
                await read(client, 9 + 13 + len(parameter("application_name", "psql") + READY))
            with client:
                assert told(client)["C"] == "57P01"

    @in_a_loop
    async def test_a_graceful_stop_ends_with_the_last_client(self, socket_dir: Path) -> None:
        async with running(configuration(socket_dir, NOWHERE)) as daemon:
            with connect(daemon):
                await until(lambda: daemon.sessions)
                daemon.stop.gracefully(0)
                assert not daemon.stop.asked_for.done()
            await daemon.stop.asked_for


def unread() -> NoReturn:
    raise AssertionError("nobody asked for a reload")


class TestDecisions:
    @in_a_loop
    async def test_the_hba_file_decides(self, socket_dir: Path) -> None:
        daemon = Daemon(configuration(socket_dir, NOWHERE), Secrets(), unread)
        peers = [Peer(address) for address in (None, ip_address("127.0.0.1"))]
        lines = [daemon.hba_line(asking(), peer, encrypted=False) for peer in peers]
        assert [line.line for line in lines if line] == [1, 2]
        assert daemon.hba_line(asking(), Peer(ip_address("192.0.2.1")), encrypted=False) is None
        daemon.configuration = replace(daemon.configuration, hba=())
        assert daemon.hba_line(asking(), peers[0], encrypted=False) is None, "another file is in force"

    @in_a_loop
    async def test_an_alias_shares_the_pool_of_its_database(self, socket_dir: Path) -> None:
        daemon = Daemon(configuration(socket_dir, NOWHERE), Secrets(), unread)
        known = Accepted(Method.SCRAM_SHA_256)
        assert daemon.key(asking("store"), known) == daemon.key(asking("shop"), known) == PoolKey("shop", "ann")

    @in_a_loop
    async def test_each_password_that_only_the_server_can_judge_has_a_pool_of_its_own(self, socket_dir: Path) -> None:
        """CVE-2025-46801."""
        daemon, other = (Daemon(configuration(socket_dir, NOWHERE), Secrets(), unread) for _ in range(2))

        def key(daemon: Daemon, password: str) -> PoolKey:
            return daemon.key(asking(user="eve"), Accepted(Method.PASSWORD, password=password))

        assert key(daemon, "pencil") == key(daemon, "pencil")
        assert len({key(daemon, "pencil"), key(daemon, "crayon"), key(other, "pencil"), PoolKey("shop", "eve")}) == 4
        assert "pencil" not in key(daemon, "pencil").secret
