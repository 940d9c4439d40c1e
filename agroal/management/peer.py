"""Who is at the other end of a Unix socket, as the kernel knows it."""

from __future__ import annotations

import pwd
import socket
import struct
from asyncio.trsock import TransportSocket
from functools import cache

UNKNOWN = "somebody"

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


def peer_of(connection: socket.socket | TransportSocket) -> str:
    """`root (pid 4711)`; without the number where the process is of another PID namespace."""
    match credentials_of(connection):
        case None:
            return UNKNOWN
        case 0, uid:
            return _name(uid)
        case pid, uid:
            return f"{_name(uid)} (pid {pid})"


def credentials_of(connection: socket.socket | TransportSocket) -> tuple[int, int] | None:
    """Its process and its user, by their ids; None where the kernel does not say."""
    if not hasattr(socket, "SO_PEERCRED"):  # Linux has it
        return None
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return None
    pid, uid, _ = _CREDENTIALS.unpack(credentials)
    return pid, uid


@cache  # a directory service may be slow to answer
def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
