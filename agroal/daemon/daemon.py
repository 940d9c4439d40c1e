"""The daemon: what it is made of, how it starts, and how it stops."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import hmac
import itertools
import logging
import os
import random
import resource
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from agroal import __version__
from agroal.auth.accept import Accepted
from agroal.auth.hba import Peer, match
from agroal.auth.users import Users
from agroal.config.model import Configuration, HbaLine
from agroal.daemon.controls import DaemonControls
from agroal.daemon.dialler import ServerDialler
from agroal.daemon.pool import PoolShell
from agroal.daemon.session import Session
from agroal.daemon.stop import Stop
from agroal.errors import ConfigurationError, Problem, TooManyClients
from agroal.management.server import ManagementServer
from agroal.net.cancel import Cancels
from agroal.net.dial import Address, Traffic
from agroal.net.interfaces import interfaces
from agroal.net.listen import Listener, SocketOptions, bind_tcp
from agroal.net.pump import Channel, Pump
from agroal.pool.core import Pool
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from agroal.unixsocket import listening_socket
from agroal.wire import backend
from agroal.wire.startup import StartupMessage

log = logging.getLogger("agroal.daemon")

RESERVED_DESCRIPTORS = 64
"""For the log, the listeners, management, cancel requests and what Python opens now and then."""


LISTENED_TO = 16
"""Clients beyond the last for whom there is room who may say what they came for: it may be to cancel. They are refused
after that, as PostgreSQL does, and not in the middle of a question about TLS; who comes while there are so many, is
refused at once.
"""


@dataclass(slots=True)
class Totals:
    """What happened to clients since the start."""

    clients: int = 0
    authenticated: int = 0
    rejected: int = 0


class Daemon:
    """A running pool. `run` is its whole life."""

    def __init__(self, configuration: Configuration, user_secrets: Mapping[str, str]) -> None:
        self.configuration = configuration
        self.settings = configuration.settings
        self.users = Users(user_secrets, secrets.token_bytes(32))
        self.totals = Totals()
        self.ended_traffic = Traffic()
        self.sessions: dict[int, Session] = {}
        self.instance_id = secrets.token_hex(8)
        self.started_wall = time.time()
        self.started_mono = time.monotonic()
        self.version = __version__
        self.max_clients = client_descriptors(self.settings.max_connections)
        self.pump = Pump()
        options = SocketOptions(self.settings.nodelay, self.settings.keep_alive)
        self.cancels = Cancels(self.pump, options, self.token)
        primary = configuration.primary
        self.dialler = ServerDialler(
            self.pump, Address(primary.name, primary.host, primary.port), self.settings, self.users, self.token
        )
        self.pool = PoolShell(_core(configuration), self.dialler, self.settings.server_reset_query, self.cancels.send)
        self.stop = Stop(self)
        self._options = options
        self._interfaces = interfaces()
        self._tag_key = secrets.token_bytes(32)
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[Listener] = []

    # -- what sessions ask

    @staticmethod
    def token(length: int) -> bytes:
        """Random bytes, fit for secrets."""
        return os.urandom(length)

    @staticmethod
    def now() -> float:
        """Monotonic seconds, the event loop's clock."""
        return time.monotonic()

    @property
    def stopping(self) -> bool:
        """No new clients are taken."""
        return self.stop.begun

    def crowded(self) -> TooManyClients:
        """What clients are told for whom there is no room."""
        return TooManyClients(
            "too many clients",
            detail=f"agroal has descriptors for {self.max_clients} clients.",
            hint="Raise the limit of open files (ulimit -n, LimitNOFILE), or connect later.",
        )

    @property
    def is_crowded(self) -> bool:
        """There are more clients than there is room for."""
        return len(self.sessions) > self.max_clients

    def hba_line(self, startup: StartupMessage, peer: Peer) -> HbaLine | None:
        """The line of the HBA file that decides about this client."""
        return match(
            self.configuration.hba,
            peer,
            database=startup.database,
            real_database=self.configuration.alias(startup.database),
            user=startup.user,
            interfaces=self._interfaces,
        )

    def key(self, startup: StartupMessage, accepted: Accepted) -> PoolKey:
        """Which pool serves this client.

        A password that only the server can judge makes a pool of its own: a connection that was opened with it is never
        handed to a client that gave another (CVE-2025-46801).
        """
        database = self.configuration.alias(startup.database)
        if accepted.password is None:
            return PoolKey(database, startup.user)
        tag = hmac.new(self._tag_key, accepted.password.encode("utf-8", "surrogateescape"), hashlib.sha256)
        return PoolKey(database, startup.user, tag.hexdigest())

    # -- life

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen, say `ready`, serve, and return when the last client has gone after a stop was asked for.

        Raises ConfigurationError when a socket can't be had.
        """
        loop = asyncio.get_running_loop()
        loop.add_reader(self.pump.fileno(), self.pump.turn)
        management = ManagementServer(self.socket_path("agroal"), DaemonControls(self))
        try:
            await management.start()
            self._listen()
            log.info("agroal %s listens on %s, port %d", self.version, self.settings.host, self.settings.port)
            gc.collect()
            gc.freeze()  # what is there now stays: no collection need look at it again
            ready()
            await self.stop.asked_for
            await self._wind_down()
        finally:
            for listener in self._listeners:
                listener.close()
            await management.close()
            loop.remove_reader(self.pump.fileno())
            self.pump.close()

    def socket_path(self, kind: str) -> Path:
        """Where the Unix socket of this kind is: `PGSQL` for clients, `agroal` for management."""
        return self.settings.unix_socket_dir / f".s.{kind}.{self.settings.port}"

    def _listen(self) -> None:
        settings = self.settings
        sockets = [listening_socket(self.socket_path("PGSQL"), 0o777, settings.backlog)]
        try:
            sockets += bind_tcp(settings.host, settings.port, settings.backlog)
        finally:
            later = asyncio.get_running_loop().call_later
            self._listeners = [Listener(self.pump, sock, self._take, later) for sock in sockets]

    async def _wind_down(self) -> None:
        """Everybody has been asked to leave, or has left: close what is open."""
        for listener in self._listeners:
            listener.close()
        for session in list(self.sessions.values()):
            session.terminate()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.pool.close()
        log.info("agroal stops: %d clients served", self.totals.clients)

    def _take(self, sock: socket.socket, address: object) -> None:
        """A new client."""
        self.totals.clients += 1
        self._options.apply(sock)
        host = address[0] if isinstance(address, tuple) and address else None
        label = f"{host}:{address[1]}" if host and isinstance(address, tuple) else "[local]"
        client = Channel(self.pump, sock, label)
        if len(self.sessions) >= self.max_clients + LISTENED_TO:
            with suppress(OSError):  # it may have left already
                client.write(backend.error_response(self.crowded()))
            client.close()
            return
        session = Session(self, next(self._numbers), client, Peer(ip_address(host) if host else None))
        self.sessions[session.number] = session
        task = asyncio.get_running_loop().create_task(session.run())
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._gone(session, task))

    def _gone(self, session: Session, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self.sessions[session.number]
        self.ended_traffic += session.traffic
        self.stop.reconsider()


def _core(configuration: Configuration) -> Pool:
    settings = configuration.settings
    return Pool(
        PoolSettings(
            max_connections=settings.max_connections,
            blocking_timeout=settings.blocking_timeout,
            idle_timeout=settings.idle_timeout,
            max_connection_age=settings.max_connection_age,
            retry_first=settings.connection_retry_delay,
        ),
        tuple(map(Limit.of, configuration.limits)),
        random.random,
        Daemon.now(),
    )


def client_descriptors(max_connections: int) -> int:
    """How many clients there are descriptors for beside the servers', after the soft limit was raised to the hard one.

    Raises ConfigurationError when there are none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    # A server connection may have a cancel request beside it.
    clients = limit - RESERVED_DESCRIPTORS - max_connections
    if clients < max_connections:
        needed = RESERVED_DESCRIPTORS + 2 * max_connections
        raise ConfigurationError(
            [
                Problem(
                    "agroal",
                    0,
                    "max_connections",
                    f"{max_connections} server connections and as many clients need {needed} file descriptors, "
                    f"and the limit is {limit}: raise it (ulimit -n, LimitNOFILE), or lower max_connections",
                )
            ]
        )
    return clients
