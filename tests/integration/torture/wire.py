"""The protocol for hundreds of clients in one process: what to say as bytes, what was heard as tuples to compare."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from enum import StrEnum
from typing import cast

from tests.unit.wire.messages import TERMINATE, message

Said = tuple[object, ...]
"""A message as a tuple: its type, and what of it has to be right."""

FLUSH = message("H")
COPY_DONE = message("c")

_RESET = struct.pack("ii", 1, 0)
_CANCEL_REQUEST = 80877102


# What clients say


def query(sql: str) -> bytes:
    return message("Q", sql.encode() + b"\0")


def parse(sql: str, name: str = "") -> bytes:
    return message("P", _text(name) + _text(sql) + bytes(2))


def bind(*values: str | None, name: str = "", portal: str = "") -> bytes:
    """Values and results as text."""
    cells = b"".join(_cell(value) for value in values)
    return message("B", _text(portal) + _text(name) + struct.pack("!HH", 0, len(values)) + cells + bytes(2))


def describe_statement(name: str = "") -> bytes:
    return message("D", b"S" + _text(name))


def describe_portal(portal: str = "") -> bytes:
    return message("D", b"P" + _text(portal))


def execute(most: int = 0, portal: str = "") -> bytes:
    return message("E", _text(portal) + struct.pack("!I", most))


def close_statement(name: str) -> bytes:
    return message("C", b"S" + _text(name))


def close_portal(portal: str) -> bytes:
    return message("C", b"P" + _text(portal))


def copy_data(data: str) -> bytes:
    return message("d", data.encode())


def copy_fail(why: str) -> bytes:
    return message("f", _text(why))


def cancel_request(key: bytes) -> bytes:
    return struct.pack("!II", 8 + len(key), _CANCEL_REQUEST) + key


# What they expect to hear

PARSED: Said = ("1",)
BOUND: Said = ("2",)
CLOSED: Said = ("3",)
NO_DATA: Said = ("n",)
EMPTY: Said = ("I",)
SUSPENDED: Said = ("s",)
COPY_IN: Said = ("G",)
COPY_OUT: Said = ("H",)
COPY_OVER: Said = ("c",)
READY: Said = ("Z", "I")
IN_TRANSACTION: Said = ("Z", "T")
FAILED: Said = ("Z", "E")


def columns(*names: str) -> Said:
    return ("T", *names)


def row(*values: str | None) -> Said:
    return ("D", *values)


def tag(text: str) -> Said:
    return ("C", text)


def error(sqlstate: str) -> Said:
    return ("E", sqlstate)


def line(text: str) -> Said:
    """CopyData from the server."""
    return ("d", text)


def understand(kind: str, body: bytes) -> Said:
    """What of a backend message has to be right."""
    match kind:
        case "D":
            return ("D", *_cells(body))
        case "T":
            return ("T", *_names(body))
        case "C":
            return ("C", body[:-1].decode())
        case "Z":
            return ("Z", body.decode())
        case "E":
            return ("E", fields(body)["C"])
        case "d":
            return ("d", body.decode())
        case _:
            return (kind,)


def fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse by their letters."""
    return {chr(field[0]): field[1:].decode() for field in body.split(b"\0") if field}


class Ending(StrEnum):
    """How a client goes that does not say goodbye."""

    RESET = "reset"
    """What a killed process leaves."""
    CLOSE = "close"


class BrokeOff(Exception):
    """We went, as we wanted to."""


class Wire(asyncio.Protocol):
    """One connection, and when it will break: after so many bytes said (`fuse`) or heard (`earshot`)."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._is_open = False
        self.ended = False
        self.broke_off = False
        self.fuse: int | None = None
        self.earshot: int | None = None
        self.ending = Ending.RESET
        self._buffer = bytearray()
        self._heard: deque[tuple[str, bytes]] = deque()
        self._closed = asyncio.Event()
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._is_open = True
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.earshot is not None:
            self.earshot -= len(data)
            if self.earshot < 0:
                self.break_off()
                return
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= 5:
            length = int.from_bytes(self._buffer[at + 1 : at + 5], "big")
            if len(self._buffer) - at <= length:
                break
            self._heard.append((chr(self._buffer[at]), bytes(self._buffer[at + 5 : at + 1 + length])))
            at += 1 + length
        del self._buffer[:at]
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._closed.set()
        self._wake()

    def say(self, data: bytes) -> None:
        """Send it, or as much of it as the fuse allows. Raises BrokeOff then."""
        if self.fuse is not None:
            if self.fuse < len(data):
                self.transport.write(data[: self.fuse])
                self.break_off()
            else:
                self.fuse -= len(data)
        if self.broke_off:
            raise BrokeOff
        self.transport.write(data)

    async def hear(self) -> tuple[str, bytes]:
        """Type and body of the next message. Raises EOFError at the end, BrokeOff when that was ours."""
        while not self._heard:
            if self.broke_off:
                raise BrokeOff
            if self.ended:
                raise EOFError
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._heard.popleft()

    def cover_ears(self, seconds: float) -> None:
        """Take nothing in for a while."""
        self.transport.pause_reading()
        asyncio.get_running_loop().call_later(
            seconds, lambda: self.transport.is_closing() or self.transport.resume_reading()
        )

    def break_off(self) -> None:
        """Go without a goodbye."""
        self.broke_off = True
        if self.ending is Ending.RESET:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()
        self._wake()

    def terminate(self) -> None:
        """Go with one."""
        if not self.transport.is_closing():
            self.transport.write(TERMINATE)
            self.transport.close()

    async def hang_up(self) -> None:
        """Leave nothing open, whatever happened."""
        if self._is_open:
            if not self.transport.is_closing():
                self.transport.abort()
            await self._closed.wait()

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)


def _text(text: str) -> bytes:
    return text.encode() + b"\0"


def _cell(value: str | None) -> bytes:
    return struct.pack("!i", -1) if value is None else struct.pack("!i", len(value.encode())) + value.encode()


def _cells(body: bytes) -> list[str | None]:
    (count,) = struct.unpack_from("!H", body)
    cells: list[str | None] = []
    at = 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        cells.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return cells


def _names(body: bytes) -> list[str]:
    (count,) = struct.unpack_from("!H", body)
    names = []
    at = 2
    for _ in range(count):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode())
        at = end + 19
    return names
