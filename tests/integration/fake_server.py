"""Something that listens where a PostgreSQL should be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from agroal.demo.ports import free_port

Behaviour = Callable[[socket.socket], None]
"""What it does with a connection before it closes it."""


class FakeServer:
    """Takes connections one after the other, and counts them."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.connections = 0
        self.behaviour: Behaviour = hangs_up
        self._listener = socket.create_server((self.host, self.port), backlog=100)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, suppress(ConnectionError):
                    self.behaviour(connection)


def hangs_up(connection: socket.socket) -> None:
    """Without a word."""


def says(*words: bytes) -> Behaviour:
    """Always the same, once it has been spoken to."""

    def behave(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"".join(words))

    return behave


def says_nothing(connection: socket.socket) -> None:
    """And stays until the other side goes."""
    while connection.recv(10_000):
        pass
