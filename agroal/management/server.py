"""The management socket: a Unix socket that only its owner may open, so whoever gets through is an admin.

A connection carries any number of requests, one at a time, each answered before the next is read. Connections are
bounded in number; a request that was begun must end within `patience` seconds, and what is sent must be read within
as many. Between requests a connection may rest as long as it likes: the dashboard does.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from dataclasses import replace
from pathlib import Path

from agroal.management.connection import Connection, Manners, Sleep
from agroal.management.controls import Call, Controls, Role
from agroal.management.dispatch import Dispatcher
from agroal.management.peer import peer_of
from agroal.management.wire import Code
from agroal.unixsocket import listening_socket

log = logging.getLogger("agroal.management")


class ManagementServer:
    """Serves the management protocol at `path` between `start` and `close`."""

    def __init__(
        self,
        path: Path,
        controls: Controls,
        dispatcher: Dispatcher | None = None,
        *,
        max_connections: int = 16,
        patience: float = 10.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`dispatcher`: where others ask, too; `sleep` lets so many seconds of `controls.now` pass."""
        self._path = path
        self._call = Call(controls, Role.ADMIN)
        self._max_connections = max_connections
        self._manners = Manners(patience, sleep)
        self._dispatcher = dispatcher or Dispatcher()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
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
        for task, connection in self._connections.items():
            connection.closing = True
            if connection.resting:
                task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=self._manners.patience)
        for task in self._connections:
            task.cancel()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        call = replace(self._call, peer=peer_of(writer.get_extra_info("socket")))
        connection = Connection(reader, writer, self._dispatcher, call, self._manners)
        self._connections[task] = connection
        try:
            if len(self._connections) > self._max_connections:
                await connection.refuse(Code.BUSY, f"{self._max_connections} programs are connected: close one")
            elif not self._closing:
                await connection.converse()
        except (OSError, asyncio.CancelledError):
            pass  # gone, or does not read its answer (TimeoutError), or agroal is closing: there is nobody to tell
        except Exception:
            log.exception("management: a connection ended by our mistake")
        finally:
            del self._connections[task]
            writer.transport.abort()
