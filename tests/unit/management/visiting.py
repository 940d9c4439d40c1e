"""The management server and its visitors, on one event loop."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter, open_unix_connection
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agroal.management.server import ManagementServer
from tests.unit.management.fake import FakeControls, document


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
