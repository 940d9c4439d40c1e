"""Clients that do nothing: what does a pool hold for each that is idle, and for one that does not read its answer?"""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agroal.wire.codes import Backend
from agroal.wire.frontend import query
from agroal.wire.startup import build_startup
from tests.bench.failure import BenchFailed
from tests.bench.setups import DATABASE, TRUSTED

_PATIENCE = 15.0
"""Seconds for one answer."""
_FLOOD = "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"
"""An answer of 1 GB."""
_OTHERS = 200
"""Descriptors that nobody's connections need."""


def raise_descriptor_limit(clients: int) -> None:
    """Make room for so many clients, here and in the pools that we start: those need two for each.

    Raises BenchFailed where there isn't.
    """
    needed = 2 * clients + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchFailed(
            f"{clients} idle clients need {needed} open files, and {hard} are allowed: "
            f"raise the limit (ulimit -Hn) or ask for fewer with --idle"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


@contextmanager
def idle_clients(host: str, port: int, clients: int, pulse: Callable[[], None]) -> Iterator[None]:
    """So many clients, each of whom has asked once. Raises BenchFailed when one is not served."""
    sockets: list[socket.socket] = []
    try:
        for number in range(clients):
            pulse()
            try:
                sockets.append(_connected(host, port))
            except (OSError, BenchFailed) as error:
                raise BenchFailed(f"idle client {number + 1} of {clients} was not served: {error}") from error
        yield
    finally:
        for sock in sockets:
            sock.close()


@contextmanager
def unread_flood(host: str, port: int) -> Iterator[None]:
    """A client who has asked for 1 GB and reads nothing of it. Raises BenchFailed when it is not served."""
    try:
        sock = _connected(host, port)
    except OSError as error:
        raise BenchFailed(f"the client who reads nothing was not served: {error}") from error
    with sock:
        sock.sendall(query(_FLOOD))
        yield


def _connected(host: str, port: int) -> socket.socket:
    """A client who has asked once. Raises OSError, BenchFailed."""
    sock = socket.create_connection((host, port), _PATIENCE)
    try:
        converse(sock, build_startup(TRUSTED, DATABASE, {}))
        converse(sock, query("SELECT 1"))
    except BaseException:
        sock.close()
        raise
    return sock


def converse(sock: socket.socket, request: bytes) -> None:
    """Say this, and read up to ReadyForQuery. Raises OSError, BenchFailed with the server's words."""
    sock.sendall(request)
    said = b""
    while True:
        while len(said) < 5 or len(said) < 1 + int.from_bytes(said[1:5]):
            piece = sock.recv(65536)
            if not piece:
                raise BenchFailed("the connection was closed")
            said += piece
        end = 1 + int.from_bytes(said[1:5])
        kind, body, said = said[0], said[5:end], said[end:]
        if kind == Backend.ERROR_RESPONSE:
            raise BenchFailed(body.replace(b"\0", b" ").decode(errors="replace"))
        if kind == Backend.READY_FOR_QUERY:
            return
