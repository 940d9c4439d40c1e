"""Servers to talk to from synchronous code: the real one in a thread, and one that plays a fixed part."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agroal.management.server import ManagementServer
from tests.unit.management.fake import FakeControls


@contextmanager
def running(path: Path, controls: FakeControls, **options: Any) -> Iterator[None]:
    """A ManagementServer on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ManagementServer(path, controls, **options)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        yield
        asyncio.run_coroutine_threadsafe(server.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def playing(path: Path, *parts: bytes | None) -> Iterator[None]:
    """Takes one connection, does its parts, and closes: None reads a request, bytes are sent."""

    def play() -> None:
        with listener.accept()[0] as connection:
            for part in parts:
                if part is None:
                    connection.recv(1 << 16)
                else:
                    connection.sendall(part)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=play)
        thread.start()
        yield
        thread.join()
