from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import pytest

from agroal.metrics.http import HttpServer, Manners
from agroal.metrics.request import LARGEST_HEAD, LONGEST_LINE, Request
from agroal.metrics.response import Response, said
from tests.certificates import Authority, Identity
from tests.unit.looping import in_a_loop, until

SOON = 0.01
"""Seconds after which a client of these tests is slow."""
AMPLE = 0.3
"""Seconds in which one that is not is done, however busy the machine."""
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
Address = tuple[str, int]
Client = tuple[StreamReader, StreamWriter]


async def hello(request: Request) -> Response:
    return said(HTTPStatus.OK, f"{request.method} {request.path}")


@asynccontextmanager
async def served(
    answer: Callable[[Request], object] = hello,
    context: Callable[[], ssl.SSLContext | None] = lambda: None,
    **manners: float,
) -> AsyncIterator[Address]:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    server = HttpServer(answer, context, Manners(**manners))  # type: ignore[arg-type]
    server.start([listening])
    try:
        yield listening.getsockname()
    finally:
        await server.close()
        assert listening.fileno() < 0, "it does not listen any more"


@asynccontextmanager
async def client(address: Address, context: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    hostname = "localhost" if context else None
    reader, writer = await asyncio.open_connection(*address, ssl=context, server_hostname=hostname)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def ask(address: Address, request: bytes, context: ssl.SSLContext | None = None, *, end: bool = False) -> bytes:
    """What is answered; it must be possible to read all of it."""
    async with client(address, context) as (reader, writer):
        writer.write(request)
        if end:
            writer.write_eof()
        return await reader.read()


async def heard(address: Address, request: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """The same of a connection that may end in any way."""
    with suppress(OSError):
        return await ask(address, request, context)
    return b""


def status(answer: bytes) -> int:
    version, number, _ = answer.split(b" ", 2)
    assert version == b"HTTP/1.1"
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    return int(number)


@in_a_loop
async def test_a_request_is_answered_and_the_connection_ends() -> None:
    async with served() as address:
        answer = await ask(address, GET)
        assert status(answer) == 200
        assert answer.endswith(b"GET /metrics\n")


@in_a_loop
async def test_head_has_no_body() -> None:
    async with served() as address:
        answer = await ask(address, GET.replace(b"GET", b"HEAD"))
        assert b"Content-Length: 14\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")


@in_a_loop
async def test_a_request_that_comes_in_pieces_is_one() -> None:
    async with served() as address, client(address) as (reader, writer):
        for at in range(len(GET)):
            writer.write(GET[at : at + 1])
            await asyncio.sleep(0)
        assert status(await reader.read()) == 200


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"\0\0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000, 405),
        (b"GET /" + b"a" * LONGEST_LINE + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * LARGEST_HEAD + b"\r\n\r\n", 431),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"a" * 1_000_000, 414),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else str(value),
)
@in_a_loop
async def test_who_asks_amiss_is_told_so_and_reads_it(request_: bytes, expected: int) -> None:
    """What it still sends is heard, or the answer would be lost with the connection."""
    async with served() as address:
        assert status(await ask(address, request_)) == expected


@in_a_loop
async def test_a_request_that_is_cut_short_is_a_bad_one() -> None:
    async with served() as address:
        assert status(await ask(address, GET[:20], end=True)) == 400


@in_a_loop
async def test_who_leaves_without_a_word_is_not_missed(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as address:
        assert await ask(address, b"", end=True) == b""
        async with client(address):
            pass
        assert status(await ask(address, GET)) == 200
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


@in_a_loop
async def test_who_is_slow_to_ask_is_told_so() -> None:
    async with served(asking=SOON) as address:
        assert status(await ask(address, b"")) == 408
        assert status(await ask(address, GET[:-1])) == 408


@in_a_loop
async def test_who_does_not_read_is_hung_up_on() -> None:
    async def endless(request: Request) -> Response:
        return Response(HTTPStatus.OK, bytes(20_000_000)) if request.path == "/metrics" else await hello(request)

    loop = asyncio.get_running_loop()
    async with served(endless, answering=AMPLE, connections=1) as address:
        with socket.socket() as deaf:
            deaf.setblocking(False)
            await loop.sock_connect(deaf, address)
            await loop.sock_sendall(deaf, GET)
            assert status(await ask(address, b"GET / HTTP/1.0\r\n\r\n")) == 200, "there is room again"


@in_a_loop
async def test_who_does_not_hang_up_after_the_answer_is_hung_up_on() -> None:
    loop = asyncio.get_running_loop()
    async with served(lingering=SOON) as address:
        with socket.socket() as lasting:
            lasting.setblocking(False)
            await loop.sock_connect(lasting, address)
            await loop.sock_sendall(lasting, GET)
            while await loop.sock_recv(lasting, 4096):
                pass
            await until(lambda: _hung_up_on(lasting))


def _hung_up_on(sock: socket.socket) -> bool:
    """Whoever sends to a socket that is closed altogether hears of it."""
    try:
        sock.send(b"more")
    except OSError:
        return True
    return False


@in_a_loop
async def test_one_too_many_is_told_so_and_then_there_is_room_again() -> None:
    hold, inside = asyncio.Event(), 0

    async def slow(request: Request) -> Response:
        nonlocal inside
        inside += 1
        await hold.wait()
        return said(HTTPStatus.OK, "at last")

    async with served(slow, most=2) as address:
        first = [asyncio.create_task(ask(address, GET)) for _ in range(2)]
        await until(lambda: inside == 2)
        assert status(await ask(address, GET)) == 503
        hold.set()
        assert [status(await one) for one in first] == [200, 200]
        assert status(await ask(address, GET)) == 200


@in_a_loop
async def test_a_crowd_that_says_nothing_keeps_nobody_out_for_long() -> None:
    async with served(connections=3, asking=AMPLE, lingering=SOON) as address, AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(client(address)) for _ in range(6)]
        assert status(await ask(address, GET)) == 200
        answers = await asyncio.gather(*(reader.read() for reader, _ in crowd))
        assert {status(answer) for answer in answers} == {408}


@in_a_loop
async def test_our_own_mistake_ends_one_request_only(caplog: pytest.LogCaptureFixture) -> None:
    async def stumble(request: Request) -> Response:
        if request.path == "/metrics":
            raise ZeroDivisionError
        return await hello(request)

    async with served(stumble) as address:
        assert status(await ask(address, GET)) == 500
        assert status(await ask(address, b"GET / HTTP/1.0\r\n\r\n")) == 200
    assert "internal error at /metrics" in caplog.text


@in_a_loop
async def test_the_end_does_not_wait_for_anybody() -> None:
    asked = asyncio.Event()

    async def never(request: Request) -> Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with AsyncExitStack() as stack:
        async with served(never) as address:
            waiting = asyncio.create_task(heard(address, GET))
            silent, _ = await stack.enter_async_context(client(address))
            await asked.wait()
        assert await waiting == b""
        with suppress(OSError):
            assert await silent.read() == b""


@in_a_loop
async def test_a_server_that_was_never_started_can_be_closed() -> None:
    await HttpServer(hello).close()


# -- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def ours(identity: Identity, ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert_file, identity.key_file)
    if ca:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def theirs(authority: Authority, identity: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    if identity:
        context.load_cert_chain(identity.cert_file, identity.key_file)
    return context


@in_a_loop
async def test_over_tls_it_is_the_same(authority: Authority) -> None:
    context = ours(authority.issue("localhost"))
    async with served(context=lambda: context) as address:
        assert status(await ask(address, GET, theirs(authority))) == 200
        assert status(await ask(address, b"a" * 100_000, theirs(authority))) == 414


@in_a_loop
async def test_another_certificate_counts_from_the_next_connection(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    contexts = [ours(other.issue("localhost")), ours(authority.issue("localhost"))]
    async with served(context=contexts.pop) as address:
        assert status(await ask(address, GET, theirs(authority))) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(address, GET, theirs(authority))


@in_a_loop
async def test_who_must_show_a_certificate_and_has_none_gets_nothing(authority: Authority) -> None:
    context = ours(authority.issue("localhost"), authority.ca_file)
    async with served(context=lambda: context) as address:
        assert status(await ask(address, GET, theirs(authority, authority.issue("scraper")))) == 200
        assert await heard(address, GET, theirs(authority)) == b""


@in_a_loop
async def test_words_in_the_clear_are_none_for_tls(authority: Authority) -> None:
    context = ours(authority.issue("localhost"))
    async with served(context=lambda: context, asking=1.0) as address:
        assert not (await heard(address, GET)).startswith(b"HTTP")
        assert status(await ask(address, GET, theirs(authority))) == 200


@in_a_loop
async def test_a_handshake_that_is_not_gone_on_with_ends(authority: Authority) -> None:
    context = ours(authority.issue("localhost"))
    silent = AsyncExitStack()
    async with served(context=lambda: context, asking=SOON, connections=1) as address, silent:
        for reader, _ in [await silent.enter_async_context(client(address)) for _ in range(2)]:
            with suppress(ConnectionResetError):  # either way the second has had its turn
                assert await reader.read() == b""
