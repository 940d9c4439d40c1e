"""Clients of the transaction pipeline whose servers are only one end of a socket pair."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agroal.config.choices import Pipeline
from agroal.daemon.session import Session
from tests.unit.daemon.lobby import ANSWER, QUERY, Lobby, let_in, lobby
from tests.unit.looping import settle
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import IN_TRANSACTION, READY, TERMINATE, message, parameter, startup

BEGIN, COMMIT = message("Q", b"BEGIN\0"), message("Q", b"COMMIT\0")
BEGUN, COMMITTED = message("C", b"BEGIN\0") + IN_TRANSACTION, message("C", b"COMMIT\0") + READY
DISCARD, DISCARDED = message("Q", b"DISCARD ALL\0"), message("C", b"DISCARD ALL\0") + READY


class Floor(Lobby):
    """Where clients take turns."""

    async def join(self, name: str = "psql", database: str = "shop") -> socket.socket:
        """A client that calls itself so; its settings are known, or the servers have them."""
        client = self.enter()
        said = startup("user", "ann", "database", database, "application_name", name)
        welcome = let_in(len(self.sessions)) + parameter("application_name", name) + READY
        await play(Script() >> said << welcome, client)
        return client

    def server(self, pid: int = 1) -> socket.socket:
        return self.on.dialler.peers[pid]

    def session(self, number: int) -> Session:
        return self.sessions[number - 1]

    async def exchange(
        self, client: socket.socket, request: bytes = QUERY, answer: bytes = ANSWER, pid: int = 1
    ) -> None:
        """The client asks this, the server is asked it and answers that, and the client hears it."""
        client.send(request)
        await play(Script() << request >> answer, self.server(pid))
        assert await read(client, len(answer)) == answer

    async def leave(self, *clients: socket.socket) -> None:
        """They say goodbye."""
        for client in clients:
            client.send(TERMINATE)
        await settle()


@asynccontextmanager
async def floor(
    max_connections: int = 1, blocking: float = 30, tenure: float = 0.5, **settings: object
) -> AsyncIterator[Floor]:
    """With these settings of the daemon. In the end all clients must have gone."""
    async with lobby(max_connections=max_connections, blocking_timeout=blocking, tenure=tenure) as at:
        made = Floor(at.on)
        made.configure(**{"pipeline": Pipeline.TRANSACTION, **settings})
        yield made
        await asyncio.gather(*made.lives)
