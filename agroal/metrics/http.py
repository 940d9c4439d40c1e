"""A small HTTP server for whoever scrapes: bounded in connections, in bytes and in time.

One request per connection. A client that is slow to ask is told so (408), one that is slow to read is hung up on. Of
`connections` more than `most` may not want an answer at the same time (503); further ones wait outside.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from agroal.metrics.request import Head, Refusal, Request
from agroal.metrics.response import Response, refused

log = logging.getLogger("agroal.metrics")

CHUNK = 4096
BREATHER = 0.2
"""Seconds before the next try, when there is no descriptor for one more connection."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How connections are treated. Times are seconds."""

    connections: int = 64
    most: int = 16
    """Answers under way at the same time."""
    asking: float = 5.0
    """For a TLS handshake, and for the request after that."""
    answering: float = 10.0
    """For the answer to be made and read."""
    lingering: float = 1.0
    """For the other end to hang up, so that it has surely read the answer (RFC 9112, 9.6)."""


class HttpServer:
    """Answers on listening sockets between `start` and `close`. `context` is asked for every connection: the TLS of the
    moment, or None.
    """

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Response]],
        context: Callable[[], ssl.SSLContext | None] = lambda: None,
        manners: Manners | None = None,
    ) -> None:
        self._answer = answer
        self._context = context
        self._manners = manners or Manners()
        self._answering = 0
        self._listening: list[socket.socket] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._rests = False
        """Nobody is taken just now."""

    def start(self, sockets: Sequence[socket.socket]) -> None:
        """They listen already, without blocking, and are closed in the end."""
        self._listening = list(sockets)
        self._rest(False)

    async def close(self) -> None:
        self._rest(True)
        for sock in self._listening:
            sock.close()
        self._listening.clear()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    def _rest(self, rests: bool) -> None:
        """Take nobody, or take somebody again. Who comes meanwhile waits in the backlog."""
        self._rests = rests
        loop = asyncio.get_running_loop()
        for sock in self._listening:
            if rests:
                loop.remove_reader(sock)
            else:
                loop.add_reader(sock, self._accept, sock)

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            sock, _ = listening.accept()
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("metrics: can't accept a connection: %s; next try in %g s", error.strerror, BREATHER)
            self._rest(True)
            loop.call_later(BREATHER, self._rest, False)
            return
        sock.setblocking(False)
        task = loop.create_task(self._serve(sock))
        self._serving.add(task)
        task.add_done_callback(self._served)
        if len(self._serving) >= self._manners.connections:
            self._rest(True)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if self._rests and self._listening:
            self._rest(False)

    async def _serve(self, sock: socket.socket) -> None:
        """Never raises, but when it is cancelled."""
        context, seconds = self._context(), self._manners.asking
        loop = asyncio.get_running_loop()
        reader = StreamReader(CHUNK, loop)
        protocol = StreamReaderProtocol(reader, loop=loop)
        timeouts = {"ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": seconds} if context else {}
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=context, **timeouts)
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            log.info("metrics: no TLS with who came: %s", error)
            sock.close()
            return
        writer = StreamWriter(transport, protocol, reader, loop)
        try:
            await self._converse(reader, writer)
        except (OSError, TimeoutError) as error:
            log.debug("metrics: who asked is gone, or does not read: %s", error)
        except Exception:
            log.exception("metrics: a connection ended by our mistake")
        finally:
            transport.abort()

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        manners = self._manners
        asked = await self._asked(reader)
        if asked is None:
            return
        if self._answering >= manners.most:
            asked = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once")
        self._answering += 1
        try:
            async with asyncio.timeout(manners.answering):
                response = refused(asked) if isinstance(asked, Refusal) else await self._answered(asked)
                bodiless = isinstance(asked, Request) and asked.method == "HEAD"
                # So that `drain` waits until everything has left. A TLS transport takes 0 for “always too much”.
                writer.transport.set_write_buffer_limits(1 if writer.get_extra_info("sslcontext") else 0, 0)
                writer.write(response.encoded(time.time(), bodiless=bodiless))
                await writer.drain()
        finally:
            self._answering -= 1
        with suppress(TimeoutError):
            async with asyncio.timeout(manners.lingering):
                await _linger(reader, writer)

    async def _asked(self, reader: StreamReader) -> Request | Refusal | None:
        """None when the other end said nothing before it left."""
        head, seconds = Head(), self._manners.asking
        try:
            async with asyncio.timeout(seconds):
                while data := await reader.read(CHUNK):
                    if asked := head.feed(data):
                        return asked
        except TimeoutError:
            return Refusal(HTTPStatus.REQUEST_TIMEOUT, f"no request within {seconds:g} s")
        return head.end()

    async def _answered(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except Exception:
            log.exception("metrics: internal error at %s", request.path)
            return refused(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the log says more"))


async def _linger(reader: StreamReader, writer: StreamWriter) -> None:
    """Say goodbye, and hear the other end out: what is still unread when a socket is closed may undo the answer."""
    if writer.get_extra_info("sslcontext") is None:
        writer.write_eof()
        while await reader.read(CHUNK):
            pass
    else:
        writer.close()
        await writer.wait_closed()
