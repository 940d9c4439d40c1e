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
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path

from agroal import __version__
from agroal.auth.accept import Accepted
from agroal.auth.hba import Peer, peer_at
from agroal.config.model import Configuration, HbaLine, LogLevel
from agroal.daemon.about import said
from agroal.daemon.admins import Admins
from agroal.daemon.console import Consoles
from agroal.daemon.descriptors import client_descriptors
from agroal.daemon.dialler import ServerDialler
from agroal.daemon.encryption import Encryption
from agroal.daemon.failures import Failures
from agroal.daemon.files import Secrets
from agroal.daemon.flight import FlightRecorder
from agroal.daemon.listening import Listening
from agroal.daemon.log import Log
from agroal.daemon.logline import LEVELS
from agroal.daemon.lookup import lookup_of
from agroal.daemon.nonces import Nonces
from agroal.daemon.passwords import Passwords
from agroal.daemon.pausing import Pausing
from agroal.daemon.pipelines import Pipelines
from agroal.daemon.pool import PoolShell
from agroal.daemon.regulars import Regulars
from agroal.daemon.reload import Read, Reload, pool_settings
from agroal.daemon.rules import Rules
from agroal.daemon.services import Services
from agroal.daemon.session import Session
from agroal.daemon.stop import Stop
from agroal.daemon.straight import StraightWay
from agroal.daemon.supervision import Supervision
from agroal.daemon.systemd import Systemd
from agroal.daemon.timings import Timings
from agroal.daemon.totals import Totals
from agroal.daemon.tracker import Tracker
from agroal.daemon.watch import Watch
from agroal.errors import TooManyClients
from agroal.management.event import Event, EventKind, Events
from agroal.management.snapshot import Snapshot
from agroal.net.cancel import Cancels
from agroal.net.chosen import RELAY, Channel, Pump
from agroal.net.dial import Route
from agroal.net.interfaces import interfaces
from agroal.net.listen import SocketOptions
from agroal.pipeline.evidence import Trace
from agroal.pipeline.outfit import Wardrobe
from agroal.pipeline.statements import Statements
from agroal.pool.core import Pool
from agroal.pool.limits import Limit
from agroal.pool.slot import PoolKey
from agroal.wire import backend
from agroal.wire.startup import StartupMessage

log = logging.getLogger("agroal.daemon")
LISTENED_TO = 16
"""Clients beyond the last for whom there is room who may say what they came for: it may be to cancel. They are refused
after that, as PostgreSQL does, and not in the middle of a question about TLS; who comes while there are so many, is
refused at once.
"""


class Daemon:
    """A running pool. `run` is its whole life."""

    def __init__(
        self,
        configuration: Configuration,
        known: Secrets,
        read: Read,
        output: Log | None = None,
        systemd: Systemd | None = None,
    ) -> None:
        """`read` reads the files anew, for a reload; `output` is the log, where there is one."""
        systemd = systemd or Systemd()
        self.configuration = configuration
        self.settings = configuration.settings
        self.output = output
        self.passwords = Passwords(known, self.settings, self.token)
        self.admins = Admins(known, self.settings, self.token)
        self.encryption = Encryption.of(configuration)
        self.totals = Totals()
        self.timings = Timings()
        """How long queries and transactions took, by pool."""
        self.failures = Failures()
        self.events = Events(_log_event)
        self.sessions: dict[int, Session] = {}
        self.instance_id = secrets.token_hex(8)
        self.started_wall = time.time()
        self.started_mono = time.monotonic()
        self.version = __version__
        self._make_pool(known)
        self.tracker = Tracker(self.pool)
        self.tracker.switch(self.settings.tracker)
        self.consoles = Consoles(self)
        self.watch = Watch(self)
        self.flight = FlightRecorder(self)
        self.stop = Stop(self)
        self.pausing = Pausing(self)
        self.supervision = Supervision(self, systemd)
        self.lookup = lookup_of(self, known)
        self.reload = Reload(self, known, read)
        self.cleared: Snapshot | None = None
        """The picture when the statistics were last cleared: what was counted before is not counted."""
        self.pictures = itertools.count(1)
        self._rules = Rules(configuration, interfaces())
        self._tag_key = secrets.token_bytes(32)
        self._numbers = itertools.count(1)
        self.regulars = Regulars()
        self._tasks: set[asyncio.Task[None]] = set()
        self.listening = Listening(self.pump, self._take, systemd.inherited)

    def _make_pool(self, known: Secrets) -> None:
        """The servers, and what is known of their clients."""
        settings = self.settings
        self.max_clients = client_descriptors(settings.max_connections)
        self.pump = Pump()
        self.options = SocketOptions(settings.nodelay, settings.keep_alive)
        self.nonces = Nonces(self.token)
        self.cancels = Cancels(self.pump, self.options, self.nonces.take)
        self.dialler = ServerDialler(self.pump, self.route, settings, known.users, self.token, self.report)
        core = Pool(pool_settings(settings), tuple(map(Limit.of, self.configuration.limits)), random.random, self.now())
        self.pool = PoolShell(core, self.dialler, settings.server_reset_query, self.cancels.send, self.report)
        self.statements = Statements(b"agroal_%b_" % secrets.token_hex(3).encode())
        self.wardrobe = Wardrobe()
        self.pins: Counter[tuple[Trace, str, str]] = Counter()
        """What clients of the transaction pipeline left behind, by what it was, user and application name."""

    # -- what sessions ask

    token = staticmethod(os.urandom)
    """Random bytes, fit for secrets."""
    now = staticmethod(time.monotonic)
    """Monotonic seconds, the event loop's clock."""

    def report(self, kind: EventKind, text: str) -> None:
        """Something happened that administrators will ask for."""
        self.events.add(kind, text, self.now(), time.time())

    async def look_up_for(self, known: Secrets) -> None:
        """Ask PostgreSQL for secrets as these and the settings say."""
        old, self.lookup = self.lookup, lookup_of(self, known)
        self.pausing.heed()
        if old:
            await old.close()

    @property
    def rules(self) -> Rules:
        """What the configuration in force says of clients."""
        if self._rules.configuration is not self.configuration:
            self._rules = Rules(self.configuration, self._rules.interfaces)
        return self._rules

    @property
    def pipelines(self) -> Pipelines:
        """Which pipeline serves whom."""
        return self.rules.pipelines

    @property
    def route(self) -> Route:
        """The way to the primary."""
        return self.encryption.routes[self.configuration.primary.name]

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

    def hba_line(self, startup: StartupMessage, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        """The line of the HBA file that decides about this client."""
        return self.rules.hba_line(startup, peer, encrypted=encrypted)

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
        services = Services(self)
        try:
            await services.start()
            where = self.listening.start(self.settings, self.socket_path("PGSQL"), self.options)
            self.report(EventKind.STARTED, f"agroal {self.version} listens on {where} ({RELAY})")
            self.passwords.start()
            self.pool.start()
            self.watch.start()
            gc.collect()
            gc.freeze()  # what is there now stays: no collection need look at it again
            ready()
            self.supervision.ready()
            await self.stop.asked_for
            await self._wind_down()
        finally:
            self.watch.stop()
            self.passwords.stop()
            if self.lookup:
                await self.lookup.close()
            self.listening.close()
            await services.close()
            loop.remove_reader(self.pump.fileno())
            self.pump.close()

    def socket_path(self, kind: str) -> Path:
        """Where the Unix socket of this kind is: `PGSQL` for clients, `agroal` for management."""
        return self.settings.unix_socket_dir / f".s.{kind}.{self.settings.port}"

    def listen_anew(self, backlog: int) -> None:
        """Let so many connections wait to be taken, and give those the options that are in force."""
        self.listening.reconfigure(backlog, self.options)

    async def _wind_down(self) -> None:
        """Everybody has been asked to leave, or has left: close what is open."""
        self.listening.close()
        for session in list(self.sessions.values()):
            session.terminate()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.pool.close()
        log.info("agroal stops: %d clients served", self.totals.clients)

    def _take(self, client: Channel, host: str | None) -> None:
        """A new client, and its address; None at the Unix socket."""
        self.totals.clients += 1
        if len(self.sessions) >= self.max_clients + LISTENED_TO:
            with suppress(OSError):  # it may have left already
                client.write(backend.error_response(self.crowded()))
            client.close()
            return
        session = Session(self, next(self._numbers), client, peer_at(host))
        self.sessions[session.number] = session
        StraightWay(session, self._spawn, self._gone).enter()

    def _spawn(self, session: Session, rest: Coroutine[None, None, None]) -> None:
        """The rest of a session that has to wait for something."""
        task = asyncio.get_running_loop().create_task(rest)
        self._tasks.add(task)
        task.add_done_callback(partial(self._gone, session))

    def _gone(self, session: Session, task: asyncio.Task[None] | None = None) -> None:
        if task:
            self._tasks.discard(task)
        del self.sessions[session.number]
        if session.link:
            self.totals.traffic[session.key.database, session.key.user] += session.traffic
        self.stop.reconsider()


def _log_event(event: Event) -> None:
    log.log(LEVELS[LogLevel(event.level)], "%s", event.text, extra=said(event=event.kind))
