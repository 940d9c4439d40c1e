"""The sockets on which clients come in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from agroal.config.model import Settings
from agroal.net.chosen import Pump
from agroal.net.listen import Listener, SocketOptions, bind_tcp
from agroal.unixsocket import listening_socket


class Listening:
    """`take` is called with the socket and the address of each client."""

    def __init__(self, pump: Pump, take: Callable[[socket.socket, object], None]) -> None:
        self._pump = pump
        self._take = take
        self._listeners: list[Listener] = []

    def start(self, settings: Settings, path: Path, options: SocketOptions) -> None:
        """Listen as these settings say; `path` is the Unix socket's. Raises ConfigurationError when that can't be."""
        sockets = [listening_socket(path, 0o777, settings.backlog)]
        try:
            sockets += bind_tcp(settings.host, settings.port, settings.backlog)
        finally:
            for sock in sockets:
                options.apply(sock)  # who is accepted inherits them
            later = asyncio.get_running_loop().call_later
            self._listeners = [Listener(self._pump, sock, self._take, later) for sock in sockets]

    def reconfigure(self, backlog: int, options: SocketOptions) -> None:
        """Let so many connections wait to be taken, and give those these options."""
        for listener in self._listeners:
            listener.reconfigure(backlog, options)

    def close(self) -> None:
        """Nobody comes in any more."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()  # a reload may still be under way
