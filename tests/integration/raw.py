"""A client that says what no driver would say. What it is made of is in tests/unit/wire/messages.py."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Self

from tests.integration.daemon import Agroal

Message = tuple[str, bytes]
"""Type and body."""

TIMEOUT = 10.0


class RawClient:
    """A socket at a daemon's port; the message boundaries of its answers are all that it knows of the protocol."""

    def __init__(self, pool: Agroal, *said: bytes) -> None:
        self._socket = socket.create_connection((pool.host, pool.port), TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self.say(*said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()

    def say(self, *data: bytes) -> Self:
        """Each piece is sent by itself. What the other side does not want to hear any more is lost."""
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in data:
                self._socket.sendall(piece)
        return self

    def say_no_more(self) -> Self:
        """Close the half of the connection that is ours."""
        self._socket.shutdown(socket.SHUT_WR)
        return self

    def secure(self, context: ssl.SSLContext) -> Self:
        """Go on in TLS. Raises ssl.SSLError, OSError."""
        self._answers.close()
        self._socket = context.wrap_socket(self._socket, server_hostname="localhost")
        self._answers = self._socket.makefile("rb")
        return self

    def hear_byte(self) -> bytes:
        """The answer to a request for encryption."""
        return self._answers.read(1)

    def hear(self) -> Message | None:
        """The next message; None at the end of the connection, which is a reset where we were not heard out."""
        try:
            header = self._answers.read(5)
        except ConnectionResetError:
            return None
        if not header:
            return None
        return chr(header[0]), self._answers.read(int.from_bytes(header[1:], "big") - 4)

    def hear_until(self, kind: str) -> list[Message]:
        """Everything up to and including the next message of this type."""
        heard: list[Message] = []
        while not heard or heard[-1][0] != kind:
            message = self.hear()
            assert message, f"the connection ended before a message {kind!r}, after {heard}"
            heard.append(message)
        return heard

    def hear_out(self) -> list[Message]:
        """Everything up to the end of the connection."""
        return list(iter(self.hear, None))

    def end(self) -> dict[str, str]:
        """The fields of the error with which the other side ends the connection; empty when it says nothing."""
        heard = self.hear_out()
        if not heard:
            return {}
        kind, body = heard[-1]
        assert kind == "E", f"the connection ended with {kind!r}"
        return fields(body)


def fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse by their letters."""
    return {chr(field[0]): field[1:].decode() for field in body.split(b"\0") if field}
