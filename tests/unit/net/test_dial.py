from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from agroal.auth.login import Credentials, Greeting, login
from agroal.auth.users import Secret
from agroal.config.servers import ServerSettings
from agroal.errors import ClientFacing, ServerRefused, ServerUnavailable
from agroal.net.chosen import Pump, Traffic
from agroal.net.dial import Address, dial, hang_up, reach
from agroal.net.listen import SocketOptions
from agroal.net.server import Server
from agroal.wire.talk import Talk
from tests.unit.looping import in_a_loop, pumping, settle, until
from tests.unit.net.pairs import channel, received, waiting_for
from tests.unit.postgres import GOODBYE, LOGIN, SECRET, STARTUP, greeting, postgres, silent_port
from tests.unit.script import Script
from tests.unit.wire.messages import READY, TERMINATE, authentication, error, message, parameter

OPTIONS = SocketOptions()
SOON = 0.02
"""Seconds: how long something that never happens is waited for."""


def talk(password: str = "pencil") -> Talk[Greeting]:
    return login("shop", Credentials("ann", Secret(password), "nonce", {}), {"application_name": "agroal"})


async def log_in(pump: Pump, address: Address, seconds: float = 5) -> Server:
    return await dial(pump, address, OPTIONS, lambda _: talk(), seconds)


class TestDialling:
    @in_a_loop
    async def test_ends_with_a_server_that_is_logged_in(self) -> None:
        async with pumping() as pump, postgres(Script() << STARTUP >> greeting(TimeZone="UTC")) as address:
            server = await log_in(pump, address)
            assert server.parameters == {"TimeZone": "UTC"}
            assert (server.pid, server.cancel_key) == (7, b"\0\0\0\7" + SECRET)
            assert (server.address, server.fit, server.totals) == (address, True, Traffic())
            assert repr(server) == f"<Server 127.0.0.1:{address.port} pid=7>"
            tcp = server.channel.sock
            assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            server.channel.close()

    @in_a_loop
    async def test_goes_to_the_unix_socket_in_a_directory(self, tmp_path: Path) -> None:
        async with pumping() as pump, postgres(LOGIN, directory=tmp_path) as address:
            server = await log_in(pump, address)
            assert str(address) == f"{tmp_path}/.s.PGSQL.5432"
            assert server.channel.label == f"server {address}"
            server.channel.close()

    @in_a_loop
    async def test_tries_every_address_of_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with pumping() as pump, postgres(LOGIN) as address:
            with silent_port() as silent:
                _resolve(monkeypatch, silent.getsockname(), ("127.0.0.1", address.port))
                server = await log_in(pump, Address("pg", "db.example", 5432))
            server.channel.close()


def _resolve(monkeypatch: pytest.MonkeyPatch, *addresses: object) -> None:
    """Every name has these addresses."""

    async def found(*_: object, **__: object) -> Sequence[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


class TestUnreachable:
    @in_a_loop
    async def test_a_port_where_nobody_listens_is_said_with_the_reason(self) -> None:
        with silent_port() as silent:
            port = silent.getsockname()[1]
            async with pumping() as pump:
                with pytest.raises(ServerUnavailable) as failure:
                    await log_in(pump, Address("pg", "127.0.0.1", port))
        assert failure.value.message == f'could not connect to server "pg" at 127.0.0.1:{port}: Connection refused'
        assert "Is PostgreSQL running there" in failure.value.hint

    @in_a_loop
    async def test_a_unix_socket_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        async with pumping() as pump:
            with pytest.raises(ServerUnavailable, match=rf"at {tmp_path}/\.s\.PGSQL\.5432: No such file"):
                await reach(pump, Address("pg", str(tmp_path), 5432), OPTIONS)

    @in_a_loop
    async def test_a_name_that_is_not_known_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async with pumping() as pump:
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
            with pytest.raises(ServerUnavailable, match=r"at db\.example:5432: Name or service not known"):
                await reach(pump, Address("pg", "db.example", 5432), OPTIONS)

    @in_a_loop
    async def test_a_name_without_an_address_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with pumping() as pump:
            _resolve(monkeypatch)
            with pytest.raises(ServerUnavailable, match="its name has no address"):
                await reach(pump, Address("pg", "db.example", 5432), OPTIONS)


class TestFailures:
    """Each leaves nothing behind: the server's side sees the end, and the pump is empty."""

    @staticmethod
    async def fails(script: Script, seconds: float = 5, hangs_up: bool = False) -> ClientFacing:
        async with pumping() as pump, postgres(script, hangs_up=hangs_up) as address:
            with pytest.raises(ClientFacing) as failure:
                await log_in(pump, address, seconds)
            assert len(pump) == 0
            return failure.value

    @pytest.mark.parametrize(
        "script",
        [
            Script() << STARTUP,
            Script() << STARTUP >> authentication(0),
            Script() << STARTUP >> authentication(3) << message("p", b"pencil\0"),
            Script() << STARTUP >> authentication(3)[:4],
            Script() << STARTUP >> greeting()[:-1],
        ],
    )
    @in_a_loop
    async def test_a_server_that_hangs_up_is_said(self, script: Script) -> None:
        failure = await self.fails(script, hangs_up=True)
        assert isinstance(failure, ServerUnavailable)
        assert "closed the connection during the login" in failure.message

    @in_a_loop
    async def test_a_server_that_hangs_up_at_once_is_said(self) -> None:
        failure = await self.fails(Script(), hangs_up=True)
        assert "closed the connection during the login" in failure.message

    @pytest.mark.parametrize("said", [b"", authentication(0), authentication(3)[:4]])
    @in_a_loop
    async def test_a_server_that_says_no_more_is_left_in_time(self, said: bytes) -> None:
        failure = await self.fails(Script() << STARTUP >> said, seconds=SOON)
        assert isinstance(failure, ServerUnavailable)
        assert f"did not answer within {SOON:g} s" in failure.message

    @pytest.mark.parametrize(
        "garbage",
        [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\x15\x03\x03\x00\x02\x02\x28",  # a TLS alert
            b"R\xff\xff\xff\xff",
            b"R\0\0\0\3",
            message("R", b"\0"),
            authentication(0) + message("S", b"TimeZone"),
        ],
    )
    @in_a_loop
    async def test_what_does_not_speak_the_protocol_is_said(self, garbage: bytes) -> None:
        failure = await self.fails(Script() << STARTUP >> garbage)
        assert isinstance(failure, ServerUnavailable)
        assert "does not speak PostgreSQL's protocol" in failure.message

    @in_a_loop
    async def test_a_refusal_has_the_words_of_the_server(self) -> None:
        said = error("SFATAL", "C53300", "Msorry, too many clients already")
        failure = await self.fails(Script() << STARTUP >> said)
        assert isinstance(failure, ServerRefused)
        assert failure.fields()["C"] == "53300"

    @pytest.mark.parametrize("more", [READY, parameter("a", "b"), b"\0"])
    @in_a_loop
    async def test_a_server_that_says_more_than_a_login_needs_is_left(self, more: bytes) -> None:
        failure = await self.fails(LOGIN >> more)
        assert isinstance(failure, ServerUnavailable)
        assert "more than a login needs" in failure.message

    @in_a_loop
    async def test_a_login_that_is_given_up_leaves_nothing_behind(self) -> None:
        async with pumping() as pump, postgres(Script() << STARTUP >> authentication(0)) as address:
            given_up = asyncio.create_task(log_in(pump, address))
            await until(lambda: len(pump))
            given_up.cancel()
            await asyncio.wait([given_up])
            assert given_up.cancelled()
            assert len(pump) == 0


class TestHangingUp:
    @in_a_loop
    async def test_says_goodbye_and_waits_for_the_servers_end(self) -> None:
        async with pumping() as pump, postgres(LOGIN + GOODBYE) as address:
            server = await log_in(pump, address)
            await hang_up(server.channel, 5)
            assert server.channel.closed
            assert len(pump) == 0

    @in_a_loop
    async def test_what_the_server_still_says_is_thrown_away(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                ending = asyncio.create_task(hang_up(ours, 5))
                await until(lambda: waiting_for(peer))
                peer.send(bytes(100_000))
                await settle()
                assert not ending.done(), "the server's side is not gone yet"
                assert received(peer) == TERMINATE
                peer.close()
                await ending

    @in_a_loop
    async def test_a_server_that_does_not_go_is_left_in_time(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                await hang_up(ours, SOON)
                assert ours.closed
                assert received(peer) == TERMINATE

    @in_a_loop
    async def test_a_server_that_is_gone_needs_no_goodbye(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                peer.close()
                await hang_up(ours, 5)
                assert ours.closed
                await hang_up(ours, 5)

    @in_a_loop
    async def test_a_request_that_the_server_has_not_taken_is_not_followed_by_a_goodbye(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server", small=True) as (peer, ours):
                ours.write(bytes(1 << 20))
                ending = asyncio.create_task(hang_up(ours, 5))
                await settle()
                assert set(received(peer)) == {0}
                assert peer.recv(1) == b"", "it is told that nothing more comes"
                peer.close()
                await ending
                assert ours.closed

    @in_a_loop
    async def test_a_cancel_request_has_no_goodbye(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                ending = asyncio.create_task(hang_up(ours, 5, farewell=b""))
                await settle()
                assert not ending.done()
                peer.close()
                await ending


@pytest.mark.parametrize(
    ("host", "words", "unix"), [("db.example", "db.example:5433", False), ("/run/pg", "/run/pg/.s.PGSQL.5433", True)]
)
def test_an_address_is_what_the_configuration_says_of_a_server(host: str, words: str, unix: bool) -> None:
    address = Address.of(ServerSettings(name="pg", host=host, port=5433))
    assert address == Address("pg", host, 5433)
    assert (str(address), address.is_unix) == (words, unix)
