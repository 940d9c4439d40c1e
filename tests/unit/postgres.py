"""A PostgreSQL on loopback that keeps to its scripts, and the scripts that begin like every login."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agroal.net.dial import Address
from tests.unit.script import OffScript, Script, play, read
from tests.unit.wire.messages import READY, TERMINATE, authentication, message, parameter, startup

SECRET = b"key!"
STARTUP = startup("user", "ann", "database", "shop", "application_name", "agroal")
PATIENCE = 2.0
"""Seconds for the other side to come to the end of its script, where it never will."""


def greeting(pid: int = 7, **parameters: str) -> bytes:
    """All that a server says once it believes its client."""
    reported = b"".join(parameter(name, value) for name, value in parameters.items())
    return authentication(0) + reported + message("K", struct.pack("!I", pid) + SECRET) + READY


LOGIN = Script() << STARTUP >> greeting()
"""A server that trusts ann in shop."""
GOODBYE = Script() << TERMINATE


@asynccontextmanager
async def postgres(*scripts: Script, directory: Path | None = None, hangs_up: bool = False) -> AsyncIterator[Address]:
    """A server that plays each script to one connection, in the order in which they come.

    Then it waits until we hang up, and hears nothing more; or it `hangs_up` itself. With a directory it listens on the
    Unix socket there.
    """
    with _listening(directory) as listening:
        host = str(directory or "127.0.0.1")
        performance = asyncio.create_task(_perform(listening, scripts, hangs_up))
        try:
            yield Address("pg", host, 5432 if directory else listening.getsockname()[1])
        except BaseException:
            if performance.done():
                performance.result()  # what went wrong there is the reason for what went wrong here
            performance.cancel()
            raise
        async with asyncio.timeout(PATIENCE):
            await performance


async def _perform(listening: socket.socket, scripts: tuple[Script, ...], hangs_up: bool) -> None:
    loop = asyncio.get_running_loop()
    plays: list[asyncio.Task[None]] = []
    try:
        for script in scripts:
            connection, _ = await loop.sock_accept(listening)
            plays.append(loop.create_task(_serve(connection, script, hangs_up)))
        for played in plays:
            await played
    finally:
        for played in plays:
            played.cancel()


async def _serve(connection: socket.socket, script: Script, hangs_up: bool) -> None:
    with connection:
        await play(script, connection)
        if not hangs_up and (more := await read(connection, 1000)):
            raise OffScript("the other side goes on after the end of the script", script, script << more)


def _listening(directory: Path | None) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX if directory else socket.AF_INET)
    listening.setblocking(False)
    listening.bind(str(directory / ".s.PGSQL.5432") if directory else ("127.0.0.1", 0))
    listening.listen()
    return listening


def silent_port() -> socket.socket:
    """A socket whose port nobody else can have, and at which nobody listens."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held
