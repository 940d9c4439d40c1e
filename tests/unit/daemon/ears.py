"""Somebody who listens where systemd would."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Ears:
    """A datagram socket at `address`, as NOTIFY_SOCKET spells it."""

    def __init__(self, sock: socket.socket, address: str) -> None:
        self.address = address
        self._sock = sock

    def heard(self) -> list[list[str]]:
        """The assignments of each datagram since the last time."""
        found = []
        while True:
            try:
                found.append(self._sock.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return found


@contextmanager
def ears(directory: Path, *, abstract: bool = False) -> Iterator[Ears]:
    path = f"@agroal-{os.getpid()}-{directory.name}" if abstract else str(directory / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path.replace("@", "\0") if abstract else path)
        sock.setblocking(False)
        yield Ears(sock, path)
