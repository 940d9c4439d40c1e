"""A client that is let in and then speaks the protocol by hand, so that it can stop in the middle of anything."""

from __future__ import annotations

import socket
import struct
from itertools import chain
from typing import Self

from tests.integration.daemon import Agroal
from tests.integration.postgres import Login
from tests.integration.raw import TIMEOUT, Message, RawClient, fields
from tests.unit.wire.messages import TERMINATE, message, startup

TRUSTING = "host all all all trust\n"
"""The HBA that such a client needs: it knows no password."""
FLUSH = message("H")
COPY_DONE = message("c")

_CANCEL_REQUEST = 80877102


class Refused(Exception):
    """The server answered with an error: its fields by their letters."""

    def __init__(self, body: bytes) -> None:
        self.fields = fields(body)
        self.sqlstate = self.fields["C"]
        super().__init__(self.fields["M"])


def query(sql: str) -> bytes:
    return message("Q", sql.encode() + b"\0")


def batch(sql: str) -> bytes:
    """Parse, Bind and Execute of a statement, without Sync."""
    parse = message("P", b"\0" + sql.encode() + b"\0" + bytes(2))
    return parse + message("B", bytes(8)) + message("E", bytes(5))


def copy_data(data: bytes) -> bytes:
    return message("d", data)


def function_call(oid: int, *arguments: bytes) -> bytes:
    """Arguments and result in binary."""
    given = b"".join(struct.pack("!i", len(argument)) + argument for argument in arguments)
    return message("F", struct.pack("!IHHH", oid, 1, 1, len(arguments)) + given + struct.pack("!H", 1))


class Guest(RawClient):
    """Knocks at a pool whose HBA lets everybody in. `enter` waits until it is served."""

    def __init__(self, pool: Agroal, login: Login, **parameters: str) -> None:
        who = {"user": login.name, "database": pool.database.name, **parameters}
        super().__init__(pool, startup(*chain.from_iterable(who.items())))
        self.key = b""
        self.pool = pool

    def enter(self) -> Self:
        """Wait for the first ReadyForQuery. Raises Refused."""
        for kind, body in self.answer():
            if kind == "K":
                self.key = body
        return self

    def queue(self) -> Self:
        """Wait for the cancel key: who knows that and does not `enter` stands in the queue."""
        self.key = self.answer("K")[-1][1]
        return self

    def answer(self, last: str = "Z") -> list[Message]:
        """Everything up to the next message of this type. Raises Refused, EOFError."""
        heard: list[Message] = []
        while not heard or heard[-1][0] != last:
            said = self.hear()
            if said is None:
                raise EOFError
            if said[0] == "E":
                raise Refused(said[1])
            heard.append(said)
        return heard

    def query(self, sql: str) -> list[str]:
        """A simple Query; the first column of its rows, as text. Raises Refused, after the ReadyForQuery behind it."""
        self.say(query(sql))
        try:
            answer = self.answer()
        except Refused:
            self.answer()
            raise
        return [body[6:].decode() for kind, body in answer if kind == "D"]

    def unblocked(self) -> socket.socket:
        """Its socket, for a test that does not wait for it."""
        self._socket.setblocking(False)
        return self._socket

    # Ways to go

    def terminate(self) -> None:
        """With a goodbye."""
        self.say(TERMINATE)
        self.hang_up()

    def hang_up(self) -> None:
        """Without one."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self.__exit__()

    def break_off(self) -> None:
        """With a TCP reset: so it looks when a process is killed over unread data."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.__exit__()

    # Cancelling

    def cancel(self, key: bytes | None = None) -> None:
        """Send a cancel request, and wait until it has been taken note of."""
        with self.begin_to_cancel(key) as requesting:
            assert requesting.recv(1) == b""

    def begin_to_cancel(self, key: bytes | None = None) -> socket.socket:
        """Send a cancel request. The connection on which it went."""
        requesting = socket.create_connection((self.pool.host, self.pool.port), TIMEOUT)
        shown = self.key if key is None else key
        requesting.sendall(struct.pack("!II", 8 + len(shown), _CANCEL_REQUEST) + shown)
        return requesting
