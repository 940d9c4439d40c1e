"""The management socket: a Unix socket that only its owner may open, so whoever gets through is an admin.

A connection carries any number of requests, one at a time, each answered before the next is read. Connections are
bounded in number; a request that was begun must end within `patience` seconds, and its answer must be read within as
many. Between requests a connection may rest as long as it likes: the dashboard does.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from pathlib import Path

from agroal.errors import ManagementError
from agroal.management.controls import Call, Controls, Role
from agroal.management.dispatch import answer
from agroal.management.wire import MAX_REQUEST, Answer, Code, Decoder, Failure, encode_answer
from agroal.unixsocket import listening_socket

log = logging.getLogger("agroal.management")

_CHUNK = 1 << 16


class ManagementServer:
    """Serves the management protocol at `path` between `start` and `close`."""

    def __init__(self, path: Path, controls: Controls, *, max_connections: int = 16, patience: float = 10.0) -> None:
        self._path = path
        self._call = Call(controls, Role.ADMIN)
        self._max_connections = max_connections
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._resting: set[asyncio.Task[None]] = set()
        """Those without a request under way."""
        self._closing = False

    async def start(self) -> None:
        """Raises ConfigurationError when another daemon listens there, or nobody can."""
        listener = listening_socket(self._path, 0o600, self._max_connections)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def close(self) -> None:
        """Remove the socket file and end the connections: those with a request under way after its answer."""
        if self._server is None or self._closing:
            return
        self._closing = True
        self._path.unlink(missing_ok=True)  # before the socket closes, so that it can't be a successor's
        self._server.close()
        for connection in self._resting:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=self._patience)
        for connection in self._connections:
            connection.cancel()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        writer.transport.set_write_buffer_limits(0)  # so that `drain` waits until everything has left
        try:
            if len(self._connections) > self._max_connections:
                await self._refuse(writer, Code.BUSY, f"{self._max_connections} programs are connected: close one")
            else:
                await self._converse(connection, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # gone, or does not read its answer (TimeoutError), or agroal is closing: there is nobody to tell
        except Exception:
            log.exception("management: a connection ended by our mistake")
        finally:
            self._connections.discard(connection)
            writer.transport.abort()

    async def _converse(self, connection: asyncio.Task[None], reader: StreamReader, writer: StreamWriter) -> None:
        decoder = Decoder(MAX_REQUEST)
        while not self._closing:
            self._resting.add(connection)
            try:
                body = await self._request(decoder, reader)
            except ManagementError as error:
                await self._refuse(writer, error.code, str(error))
                return
            finally:
                self._resting.discard(connection)
            if body is None:
                return
            await self._send(writer, await answer(body, self._call))

    async def _request(self, decoder: Decoder, reader: StreamReader) -> bytes | None:
        """The next request; None when the stream ends before it. Raises ManagementError: `timeout` or `too-long`."""
        if not decoder.halfway:
            decoder.feed(await reader.read(_CHUNK))
        try:
            async with asyncio.timeout(self._patience):
                while (body := decoder.take()) is None:
                    if not (data := await reader.read(_CHUNK)):
                        return None
                    decoder.feed(data)
                return body
        except TimeoutError:
            message = f"a request was begun and not ended within {self._patience:g} s"
            raise ManagementError(Code.TIMEOUT, message) from None

    async def _refuse(self, writer: StreamWriter, code: str, message: str) -> None:
        await self._send(writer, Answer(None, Failure(code, message)))

    async def _send(self, writer: StreamWriter, reply: Answer) -> None:
        writer.write(encode_answer(reply))
        async with asyncio.timeout(self._patience):
            await writer.drain()
