"""Connected sockets and a pump that is turned by hand: no event loop decides when something happens."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from agroal.net.chosen import Channel, Pump
from agroal.net.link import Link
from agroal.wire.chosen import Tally

SMALL = 4096
"""Bytes: how little a socket's buffer is asked to hold where a test is about a slow peer."""


@contextmanager
def pump() -> Iterator[Pump]:
    made = Pump()
    yield made
    made.close()


@contextmanager
def channel(pump: Pump, label: str, small: bool = False) -> Iterator[tuple[socket.socket, Channel]]:
    """A peer's socket, and our channel at the other end of it."""
    theirs, ours = socket.socketpair()
    if small:
        for sock in (theirs, ours):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    theirs.setblocking(False)
    made = Channel(pump, ours, label)
    try:
        yield theirs, made
    finally:
        made.close()
        theirs.close()


class Joined:
    """A client and a server on a link: `client` and `server` are the peers' sockets."""

    def __init__(
        self, pump: Pump, client: tuple[socket.socket, Channel], server: tuple[socket.socket, Channel]
    ) -> None:
        self.pump = pump
        self.client, client_channel = client
        self.server, server_channel = server
        self.tally = Tally({})
        self.link = Link(client_channel, server_channel, self.tally)

    def turn(self, times: int = 5) -> None:
        for _ in range(times):
            self.pump.turn()


@contextmanager
def joined(small: bool = False) -> Iterator[Joined]:
    """Call it inside a running loop: a link has a future."""
    with pump() as made, channel(made, "client", small) as client, channel(made, "server", small) as server:
        yield Joined(made, client, server)


def push(sock: socket.socket, data: bytes) -> bytes:
    """Send what the socket takes, and return the rest."""
    try:
        return data[sock.send(data) :]
    except BlockingIOError:
        return data


def waiting_for(sock: socket.socket) -> int:
    """How many bytes can be read there."""
    try:
        return len(sock.recv(1 << 20, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return 0


def break_off(sock: socket.socket) -> None:
    """Close a TCP connection with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def received(sock: socket.socket) -> bytes:
    """All that has arrived."""
    data = b""
    while True:
        try:
            piece = sock.recv(1 << 20)
        except (BlockingIOError, ConnectionResetError):
            return data
        if not piece:
            return data
        data += piece
