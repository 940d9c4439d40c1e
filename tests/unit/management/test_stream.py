from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agroal.management.stream import Offer, Stream, opened
from tests.certificates import Authority
from tests.unit.management.conftest import Run
from tests.unit.management.door import offer_of


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Ours, just accepted, and theirs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ours.setblocking(False)
    theirs.setblocking(False)
    try:
        yield ours, theirs
    finally:
        theirs.close()


@asynccontextmanager
async def on(ours: socket.socket, offer: Offer | None = None) -> AsyncIterator[Stream | None]:
    stream = await opened(ours, offer)
    try:
        yield stream
    finally:
        if stream:
            stream.writer.transport.abort()
            await asyncio.sleep(0)


def test_what_came_first_is_still_there(run: Run, authority: Authority) -> None:
    async def main() -> None:
        for offer in (None, offer_of(authority.issue("agroal"))):
            async with pair() as (ours, theirs):
                theirs.send(b"\x00hello")
                async with on(ours, offer) as stream:
                    assert stream
                    assert (stream.tls, stream.certified, stream.binding) == ("", None, None)
                    assert await stream.reader.readexactly(6) == b"\x00hello"

    run(main())


def test_who_begins_with_tls_gets_it_and_may_show_who_they_are(run: Run, authority: Authority) -> None:
    ours_, theirs_ = authority.issue("agroal"), authority.issue("ops")
    offer = offer_of(ours_, authority)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(theirs_.cert_file, theirs_.key_file)

    async def main() -> None:
        async with pair() as (ours, theirs):
            calling = asyncio.create_task(
                asyncio.open_connection(sock=theirs, ssl=context, server_hostname="localhost")
            )
            async with on(ours, offer) as stream:
                _, writer = await calling
                assert stream
                assert (stream.tls, stream.certified, stream.binding) == ("TLSv1.3", "ops", offer.binding)
                writer.transport.abort()

    run(main())


def test_who_has_gone_is_nobody(run: Run) -> None:
    async def main() -> None:
        async with pair() as (ours, theirs):
            theirs.close()
            async with on(ours) as stream:
                assert stream is None
            assert ours.fileno() == -1

    run(main())


def test_who_is_given_up_on_before_the_first_byte_leaves_no_socket(run: Run) -> None:
    async def main() -> None:
        async with pair() as (ours, _):
            waiting = asyncio.create_task(opened(ours, None))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert ours.fileno() == -1

    run(main())


def test_a_handshake_that_fails_is_an_error(run: Run, authority: Authority) -> None:
    async def main() -> None:
        async with pair() as (ours, theirs):
            theirs.send(b"\x16\x03\x01\x00\x04none")
            with pytest.raises(OSError, match="SSL"):
                await opened(ours, offer_of(authority.issue("agroal")))

    run(main())


def test_the_other_end_hears_the_last_word_though_it_is_still_talking(run: Run) -> None:
    async def main() -> None:
        async with pair() as (ours, theirs):
            theirs.send(b"\x00" * 100_000)
            async with on(ours) as stream:
                assert stream
                stream.writer.write(b"no")
                parting = asyncio.create_task(stream.part())
                reader, writer = await asyncio.open_connection(sock=theirs)
                assert await reader.read() == b"no"
                writer.close()
                await parting
                await writer.wait_closed()

    run(main())
