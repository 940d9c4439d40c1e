"""A relay with a bug of our choice, to see that the torture finds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum

from tests.integration.torture.world import World
from tests.unit.wire.messages import READY

_KEY = b"K\0\0\0\x0c"


class Bug(StrEnum):
    EXCHANGED_ANSWERS = "two clients get each other's answers"
    LATE_ANSWERS = "a client gets the answer to what it asked before"
    EXCHANGED_KEYS = "two clients get each other's cancel keys"


class Traitor:
    """Stands between the clients and their pool. What two of them would get is kept until there are both."""

    def __init__(self, host: str, port: int, bug: Bug) -> None:
        self._host, self._port, self._bug = host, port, bug
        self._kept: tuple[asyncio.StreamWriter, bytes] | None = None

    async def serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """One client, until it goes or is cancelled."""
        answers, pool = await asyncio.open_connection(self._host, self._port)
        back = asyncio.create_task(self._pass_on(answers, client))
        try:
            with suppress(ConnectionError):
                while data := await reader.read(1 << 16):
                    pool.write(data)
                    await pool.drain()
            pool.close()
            await back
        finally:
            back.cancel()
            for writer in (pool, client):
                writer.transport.abort()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    async def _pass_on(self, answers: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        last = b""
        with suppress(ConnectionError):
            while data := await answers.read(1 << 16):
                whole = data[:1] == b"T" and data.endswith(READY)
                match self._bug:
                    case Bug.EXCHANGED_ANSWERS if whole:
                        self._exchange(client, data)
                    case Bug.EXCHANGED_KEYS if (at := data.find(_KEY)) >= 0:
                        self._exchange(client, data[at : at + 13])
                        client.write(data[:at] + data[at + 13 :])
                    case Bug.LATE_ANSWERS if whole:
                        client.write(last or data)
                        last = data
                    case _:
                        client.write(data)
        client.close()

    def _exchange(self, client: asyncio.StreamWriter, data: bytes) -> None:
        if not self._kept:
            self._kept = client, data
            return
        (other, theirs), self._kept = self._kept, None
        other.write(data)
        client.write(theirs)


@asynccontextmanager
async def betrayed(world: World, bug: Bug) -> AsyncIterator[None]:
    """The clients of this world come to the traitor instead."""
    traitor = Traitor(world.pool.host, world.pool.port, bug)
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(traitor.serve(reader, client)))

    async with await asyncio.start_server(accept, world.pool.host) as server:
        world.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            for task in serving:
                task.cancel()
            await asyncio.wait(serving)
