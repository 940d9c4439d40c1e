"""The sockets on which clients come in."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from agroal.config.model import Settings
from agroal.daemon.inherited import CLIENTS, Inherited
from agroal.net.chosen import Channel, Pump, accepted
from agroal.net.listen import Listener, SocketOptions, bind_tcp
from agroal.unixsocket import listening_socket

log = logging.getLogger("agroal.listen")


class Listening:
    """`take` is called with the channel and the address of each client, None at the Unix socket."""

    def __init__(self, pump: Pump, take: Callable[[Channel, str | None], None], inherited: Inherited) -> None:
        self._pump = pump
        self._take = take
        self._inherited = inherited
        self._listeners: list[Listener[Channel, str | None]] = []

    def inherited(self, name: str) -> list[socket.socket]:
        """Take the listening sockets that systemd has opened for this, by one of inherited.NAMES. Their files stay."""
        return self._inherited.take(name)

    def start(self, settings: Settings, path: Path, options: SocketOptions) -> str:
        """Listen as these settings say, and as systemd has begun to; `path` is the Unix socket's. Returns where.

        What systemd has opened for clients replaces ours of its kind. Raises ConfigurationError when that can't be.
        """
        given = self.inherited(CLIENTS)
        kinds = {sock.family == socket.AF_UNIX for sock in given}
        self._welcome(given, options, shared=True)
        if True not in kinds:
            self._welcome([listening_socket(path, 0o777, settings.backlog)], options)
        if False not in kinds:
            self._welcome(bind_tcp(settings.host, settings.port, settings.backlog), options)
        for name in self._inherited.close():
            log.warning("systemd has opened a socket for %s, and nothing here serves it: see the key %s", name, name)
        places = [] if False in kinds else [f"{settings.host}, port {settings.port}"]
        return "; ".join([*places, *(f"{_place(sock)}, opened by systemd" for sock in given)])

    def _welcome(self, sockets: list[socket.socket], options: SocketOptions, *, shared: bool = False) -> None:
        later = asyncio.get_running_loop().call_later
        for sock in sockets:
            options.apply(sock)  # who is accepted inherits them
            self._listeners.append(Listener(self._pump, sock, accepted, self._take, later, shared=shared))

    def reconfigure(self, backlog: int, options: SocketOptions) -> None:
        """Let so many connections wait to be taken, and give those these options."""
        for listener in self._listeners:
            listener.reconfigure(backlog, options)

    def close(self) -> None:
        """Nobody comes in any more."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()  # a reload may still be under way
        self._inherited.close()


def _place(sock: socket.socket) -> str:
    """Where it listens, for people."""
    match sock.getsockname():
        case (str(host), int(port), *_):
            return f"{host}, port {port}"
        case name:
            return os.fsdecode(name).replace("\0", "@")
