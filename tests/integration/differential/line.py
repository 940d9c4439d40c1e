"""A connection that speaks and listens at once: a script may say more than fits into the sockets on its way."""

from __future__ import annotations

import select
import socket
from typing import Protocol, Self

from tests.integration.raw import Message
from tests.unit.wire.messages import startup

TIMEOUT = 5.0
"""Seconds without a byte after which nothing is waited for any more."""


class Listening(Protocol):
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class Line:
    """Everything that was heard is in `heard`, message by message."""

    def __init__(self, where: Listening, *parameters: str) -> None:
        self.heard: list[Message] = []
        self.has_ended = False
        self._received = bytearray()
        self._socket = socket.create_connection((where.host, where.port), TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.say(startup(*parameters))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, data: bytes) -> None:
        """Send all of it, unless the other side has gone."""
        unsent = memoryview(data)
        while unsent and not self.has_ended:
            readable, writable, _ = select.select([self._socket], [self._socket], [], TIMEOUT)
            if readable:
                self._receive()
            elif writable:
                unsent = unsent[self._send(unsent) :]
            else:
                raise TimeoutError(f"{len(unsent)} bytes were not taken, after {self.heard[-5:]}")

    def hear_until(self, length: int) -> None:
        """Listen until so many messages have been heard, or the connection has ended."""
        while len(self.heard) < length and not self.has_ended:
            readable, _, _ = select.select([self._socket], [], [], TIMEOUT)
            if not readable:
                raise TimeoutError(f"nothing more was heard after {self.heard[-5:]}")
            self._receive()

    def _send(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return len(data)  # what it said before it went is still to be heard

    def _receive(self) -> None:
        try:
            piece = self._socket.recv(1 << 18)
        except ConnectionResetError:
            piece = b""
        self.has_ended = not piece
        self._received += piece
        while len(self._received) > 4:
            end = 1 + int.from_bytes(self._received[1:5], "big")
            if len(self._received) < end:
                return
            self.heard.append((chr(self._received[0]), bytes(self._received[5:end])))
            del self._received[:end]
