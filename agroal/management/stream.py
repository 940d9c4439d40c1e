"""A connection from the network as a stream: with TLS, when the other end begins with it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agroal.auth.ident import common_name

TLS_HELLO: Final = b"\x16"
"""How a TLS handshake begins, and no frame: that one would be far too long."""
PARTING: Final = 1.0
"""Seconds in which the other end may hang up by itself."""

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered to who begins with TLS."""

    context: ssl.SSLContext
    binding: bytes | None
    """The hash of our certificate, for SCRAM-SHA-256-PLUS."""


@dataclass(frozen=True, slots=True)
class Stream:
    reader: StreamReader
    writer: StreamWriter
    tls: str = ""
    """Its version; empty when there is none."""
    certified: str | None = None
    """The common name in the certificate of the other end, which has been verified."""
    binding: bytes | None = None
    """What SCRAM can be bound to: the hash of the certificate that the other end was shown."""

    async def part(self) -> None:
        """Let the other end hang up first: what we sent would be lost if we reset it while something is on its way."""
        with suppress(OSError):
            async with asyncio.timeout(PARTING):
                if self.tls:
                    self.writer.close()  # which says goodbye, and hears what is still said
                    await self.writer.wait_closed()
                else:
                    self.writer.write_eof()
                    while await self.reader.read(_CHUNK):
                        pass


async def opened(sock: socket.socket, offer: Offer | None) -> Stream | None:
    """The stream on a socket that was just accepted, which it closes; None when nobody is there any more.

    Raises OSError when the TLS handshake comes to nothing.
    """
    try:
        first = await _first_byte(sock)
    except BaseException:
        sock.close()
        raise
    if not first:
        sock.close()
        return None
    secured = offer if first == TLS_HELLO else None
    loop = asyncio.get_running_loop()
    reader = StreamReader(_CHUNK, loop)
    protocol = StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=secured.context if secured else None)
    writer = StreamWriter(transport, protocol, reader, loop)
    if secured is None:
        return Stream(reader, writer)
    tls = transport.get_extra_info("ssl_object")
    return Stream(reader, writer, tls.version() or "", common_name(tls.getpeercert() or {}), secured.binding)


async def _first_byte(sock: socket.socket) -> bytes:
    """It stays where it is. Empty when the other end is gone."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_reader(sock, heard.set)
    try:
        await heard.wait()
    finally:
        loop.remove_reader(sock)
    try:
        return sock.recv(1, socket.MSG_PEEK)
    except OSError:
        return b""
