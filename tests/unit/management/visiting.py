"""The management server and its visitors, on one event loop."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter, open_unix_connection
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agroal.management.server import ManagementServer
from tests.unit.management.fake import FakeControls, document, request


class Visitor:
    """A connection that sends bytes and reads answers."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self) -> dict[str, Any]:
        head = await self.reader.readexactly(4)
        return document(head + await self.reader.readexactly(int.from_bytes(head, "big")))

    async def ask(self, *pieces: bytes) -> dict[str, Any]:
        await self.send(*pieces)
        return await self.answer()

    async def is_hung_up_on(self) -> bool:
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def serving(path: Path, controls: FakeControls, **options: Any) -> AsyncIterator[ManagementServer]:
    server = ManagementServer(path, controls, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def visiting(path: Path) -> AsyncIterator[Visitor]:
    reader, writer = await open_unix_connection(str(path))
    try:
        yield Visitor(reader, writer)
    finally:
        writer.transport.abort()


def error_of(answer: dict[str, Any]) -> tuple[object, str]:
    assert answer["ok"] is False
    return answer["id"], answer["error"]["code"]


class Clock:
    """Time that passes when it is told to; until then, who sleeps sleeps."""

    def __init__(self, controls: FakeControls) -> None:
        self._controls = controls
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self._somebody_sleeps = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        self._sleepers.append((self._controls.clock + seconds, awake))
        self._somebody_sleeps.set()
        self._wake()
        await awake.wait()

    async def pass_once_all_sleep(self, seconds: float, sleepers: int = 1) -> None:
        while len(self._sleepers) < sleepers:
            self._somebody_sleeps.clear()
            await self._somebody_sleeps.wait()
        self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        self._controls.clock += seconds
        self._wake()

    def _wake(self) -> None:
        for sleeper in [one for one in self._sleepers if one[0] <= self._controls.clock + 1e-9]:
            self._sleepers.remove(sleeper)
            sleeper[1].set()


async def received(sock: socket.socket, count: int) -> list[dict[str, Any]]:
    """So many messages, read by hand: nothing reads ahead, as StreamReader would."""
    messages = []
    for _ in range(count):
        head = await exactly(sock, 4)
        messages.append(document(head + await exactly(sock, int.from_bytes(head, "big"))))
    return messages


async def exactly(sock: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        data += await asyncio.get_running_loop().sock_recv(sock, count - len(data))
    return bytes(data)


async def no_time(_: float) -> None:
    """Sleeps, while the clock stands still."""
    await asyncio.sleep(0)


def subscription(*topics: str, id: int | str = "s", **args: object) -> bytes:
    return request("subscribe", id, topics=topics, **args)
