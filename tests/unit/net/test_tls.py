from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agroal.errors import PeerGone, ServerUnavailable
from agroal.net import tls
from agroal.net.chosen import Channel, Pump
from agroal.net.converse import converse
from agroal.net.tls import TlsSocket, Upgrade, offered_by_server, secure, secure_directly
from agroal.wire.talk import Talk, begins_encrypted, read_packet
from tests.certificates import Authority, Identity
from tests.unit.looping import in_a_loop, pumping, until
from tests.unit.net.pairs import channel, received

LARGE = bytes(range(256)) * 4096  # a megabyte


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Identity:
    return authority.issue("localhost")


def serving(identity: Identity, *alpn: str, ca: Path | None = None) -> Upgrade:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = TlsSocket
    context.load_cert_chain(identity.cert_file, identity.key_file)
    context.set_alpn_protocols(list(alpn) or [tls.ALPN])
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
    return Upgrade(context, server_side=True)


def dialling(authority: Authority, *alpn: str, identity: Identity | None = None) -> Upgrade:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TlsSocket
    context.load_verify_locations(authority.ca_file)
    context.set_alpn_protocols(list(alpn) or [tls.ALPN])
    if identity:
        context.load_cert_chain(identity.cert_file, identity.key_file)
    return Upgrade(context, server_side=False, hostname="localhost")


@contextmanager
def pair(pump: Pump) -> Iterator[tuple[Channel, Channel]]:
    """A client and a server, both in the pump."""
    theirs, ours = socket.socketpair()
    client, served = Channel(pump, theirs, "server"), Channel(pump, ours, "client")
    try:
        yield client, served
    finally:
        client.close()
        served.close()


async def shake_hands(client: Channel, served: Channel, wants: Upgrade, offers: Upgrade) -> None:
    await asyncio.gather(secure(client, wants), secure(served, offers))


def take(of: Channel) -> bytes:
    """What can be read now."""
    data = b""
    while True:
        try:
            size = of.sock.recv_into(of.pump.buffer)
        except BlockingIOError:
            return data
        if not size:
            return data
        data += of.pump.buffer[:size]


@in_a_loop
async def test_what_is_written_arrives(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            await shake_hands(client, served, dialling(authority), serving(server))
            assert client.encrypted
            client.write(b"ping")
            served.write(b"pong")
            assert (take(served), take(client)) == (b"ping", b"pong")


@in_a_loop
async def test_what_the_peer_does_not_take_is_kept_and_follows(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            await shake_hands(client, served, dialling(authority), serving(server))
            arrived = bytearray()
            assert not served.write(LARGE)
            assert served.unsent
            client.attend(lambda: arrived.extend(take(client)))
            await until(lambda: len(arrived) == len(LARGE))
            assert bytes(arrived) == LARGE
            assert not served.unsent


@in_a_loop
async def test_records_are_small_enough_to_be_used_one_by_one(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            await shake_hands(client, served, dialling(authority), serving(server))
            served.write(LARGE[:30_000])
            pieces = []
            for _ in range(4):
                size = client.sock.recv_into(pump.buffer)
                pieces.append(size)
            assert pieces == [8192, 8192, 8192, 30_000 - 3 * 8192]


@in_a_loop
async def test_what_comes_is_seen_without_being_lost(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            await shake_hands(client, served, dialling(authority), serving(server))
            assert served.peek() is None
            client.write(b"ahead")
            assert served.peek() == b"a"
            assert served.unread == b"ahead"
            served.unread = b""
            client.close()
            assert served.peek() == b""


@in_a_loop
async def test_who_has_said_goodbye_can_still_be_heard_out(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            await shake_hands(client, served, dialling(authority), serving(server))
            client.sock.shutdown(socket.SHUT_WR)
            assert take(served) == b""
            served.write(b"last words")
            assert take(client) == b"last words"


@in_a_loop
async def test_a_certificate_of_another_authority_is_refused(
    authority: Authority, server: Identity, tmp_path: Path
) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            stranger = dialling(Authority(tmp_path))
            ours, theirs = await asyncio.gather(
                secure(client, stranger), secure(served, serving(server)), return_exceptions=True
            )
            assert str(ours).startswith("TLS with server failed: certificate verify failed: ")
            assert isinstance(theirs, tls.TlsFailed)


@in_a_loop
async def test_a_client_without_a_certificate_is_refused_where_one_is_wanted(
    authority: Authority, server: Identity
) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            offers = serving(server, ca=authority.ca_file)
            results = await asyncio.gather(
                secure(client, dialling(authority)), secure(served, offers), return_exceptions=True
            )
            assert str(results[1]) == "TLS with client failed: peer did not return a certificate"
        with pair(pump) as (client, served):
            await shake_hands(client, served, dialling(authority, identity=authority.issue("ann")), offers)
            assert isinstance(served.sock, TlsSocket)
            assert served.sock.getpeercert()["subject"] == ((("commonName", "ann"),),)  # type: ignore[index]


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(100), b"\0" * 300])
@in_a_loop
async def test_garbage_is_no_handshake(server: Identity, garbage: bytes) -> None:
    async with pumping() as pump:
        with channel(pump, "client") as (theirs, ours):
            theirs.send(garbage)
            with pytest.raises(tls.TlsFailed, match="TLS with client failed"):
                await secure(ours, serving(server))


@in_a_loop
async def test_who_hangs_up_in_the_handshake_is_gone(server: Identity) -> None:
    async with pumping() as pump:
        with channel(pump, "client") as (theirs, ours):
            shaking = asyncio.create_task(secure(ours, serving(server)))
            await asyncio.sleep(0)
            theirs.close()
            with pytest.raises(PeerGone):
                await shaking


def greet() -> Talk[tuple[bool, bytes]]:
    """Whether the client began with TLS, and its first packet."""
    secured = yield from begins_encrypted()
    return secured, (yield from read_packet())


PACKET = b"\0\0\0\x08\0\x01\x02\x03"


@in_a_loop
async def test_a_client_may_begin_with_tls_and_names_the_protocol(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            heard = asyncio.create_task(converse(served, greet(), upgrade=serving(server)))
            await secure_directly(client, dialling(authority))
            client.write(PACKET)
            assert await heard == (True, PACKET[4:])
        with pair(pump) as (client, served):
            heard = asyncio.create_task(converse(served, greet(), upgrade=serving(server)))
            await secure(client, dialling(authority, "h2"))
            with pytest.raises(tls.TlsFailed, match='client did not name the protocol "postgresql"'):
                await heard


@in_a_loop
async def test_a_server_that_does_not_name_the_protocol_is_left(authority: Authority, server: Identity) -> None:
    async with pumping() as pump:
        with pair(pump) as (client, served):
            ours, _ = await asyncio.gather(
                secure_directly(client, dialling(authority)),
                secure(served, serving(server, "h2")),
                return_exceptions=True,
            )
            assert isinstance(ours, tls.TlsFailed)


@in_a_loop
async def test_a_client_that_begins_in_the_clear_is_heard(server: Identity) -> None:
    async with pumping() as pump:
        with channel(pump, "client") as (theirs, ours):
            heard = asyncio.create_task(converse(ours, greet(), upgrade=serving(server)))
            await asyncio.sleep(0)
            theirs.send(PACKET[:1])
            theirs.send(PACKET[1:])
            assert await heard == (False, PACKET[4:])


@in_a_loop
async def test_a_client_that_says_nothing_is_gone_when_it_goes(server: Identity) -> None:
    async with pumping() as pump:
        with channel(pump, "client") as (theirs, ours):
            heard = asyncio.create_task(converse(ours, greet(), upgrade=serving(server)))
            await asyncio.sleep(0)
            theirs.close()
            with pytest.raises(PeerGone):
                await heard


@pytest.mark.parametrize(("answer", "offered"), [(b"S", True), (b"N", False)])
@in_a_loop
async def test_a_server_says_whether_it_speaks_tls(answer: bytes, offered: bool) -> None:
    async with pumping() as pump:
        with channel(pump, "server") as (theirs, ours):
            theirs.send(answer)
            assert await offered_by_server(ours) is offered
            assert received(theirs) == bytes.fromhex("00000008 04d2162f")


@pytest.mark.parametrize("answer", [b"E\0\0\0\x20", b"SR", b"N\0", b"X"])
@in_a_loop
async def test_more_than_yes_or_no_is_not_believed(answer: bytes) -> None:
    """CVE-2021-23222: what follows in the clear could come from anybody."""
    async with pumping() as pump:
        with channel(pump, "server") as (theirs, ours):
            theirs.send(answer)
            with pytest.raises(ServerUnavailable):
                await offered_by_server(ours)


@in_a_loop
async def test_a_server_that_hangs_up_when_asked_is_gone() -> None:
    async with pumping() as pump:
        with channel(pump, "server") as (theirs, ours):
            theirs.close()
            with pytest.raises(PeerGone):
                await offered_by_server(ours)
