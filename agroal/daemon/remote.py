"""Remote management: the management port, and what the daemon knows of who comes there."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from agroal.auth.hba import Peer
from agroal.auth.ident import Usermap
from agroal.auth.users import Users
from agroal.config.model import HbaLine
from agroal.config.remote import ADMIN
from agroal.daemon.inherited import MANAGEMENT
from agroal.errors import ConfigurationError, Problem
from agroal.management.controls import Controls, Role
from agroal.management.dispatch import Dispatcher
from agroal.management.remote import RemoteServer
from agroal.management.stream import Offer
from agroal.net.listen import Listener, bind_tcp, by_socket

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

BACKLOG: Final = 64


class DaemonDoor:
    """Implements `management.stranger.Door` for one daemon: always by the configuration in force."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.token = daemon.token
        self.now = daemon.now

    @property
    def users(self) -> Users:
        return self._daemon.admins.users

    @property
    def offer(self) -> Offer | None:
        return self._daemon.encryption.admins

    @property
    def timeout(self) -> float:
        return self._daemon.settings.authentication_timeout

    def role(self, user: str) -> Role | None:
        return self._daemon.admins.role(user)

    def line(self, user: str, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        return self._daemon.rules.admin_line(user, peer, encrypted=encrypted)

    def usermap(self, line: HbaLine) -> Usermap | None:
        return Usermap.of(line, self._daemon.configuration.ident)

    def refused(self, user: str, host: str, why: str) -> None:
        """Counted as a client's."""
        self._daemon.totals.rejected += 1
        self._daemon.failures.add(user, ADMIN, host, why, self.now())

    def handshake_failed(self) -> None:
        self._daemon.totals.tls_failures += 1


class RemoteManagement:
    """A service: the port that `management` names, or what systemd has opened for it."""

    def __init__(self, daemon: Daemon, controls: Controls, dispatcher: Dispatcher) -> None:
        self._daemon = daemon
        self._server = RemoteServer(DaemonDoor(daemon), controls, dispatcher)
        self._listeners: list[Listener[socket.socket, object]] = []

    async def start(self) -> None:
        """Raises ConfigurationError."""
        daemon, settings = self._daemon, self._daemon.settings
        given = daemon.listening.inherited(MANAGEMENT)
        if any(sock.family == socket.AF_UNIX for sock in given):
            why = f"a socket named {MANAGEMENT} is a Unix socket; expected TCP, for remote management"
            raise ConfigurationError([Problem("agroal", 0, "LISTEN_FDS", why)])
        sockets = given or bind_tcp(settings.host, settings.management, BACKLOG)
        later = asyncio.get_running_loop().call_later
        take = self._server.take
        self._listeners = [Listener(daemon.pump, sock, by_socket, take, later, shared=bool(given)) for sock in sockets]
        daemon.admins.changed = self._server.review

    async def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        await self._server.close()
