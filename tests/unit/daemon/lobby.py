"""Sessions whose clients and servers are only one end of a socket pair."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from agroal.auth.accept import Accepted
from agroal.auth.hba import Peer
from agroal.auth.users import Secret
from agroal.config.model import Configuration, Files, HbaLine, HbaType, Method, Name, Settings
from agroal.daemon.admins import Admins
from agroal.daemon.console import Consoles
from agroal.daemon.encryption import Encryption
from agroal.daemon.failures import Failures
from agroal.daemon.files import Secrets
from agroal.daemon.nonces import Nonces
from agroal.daemon.passwords import Passwords
from agroal.daemon.pipelines import Pipelines
from agroal.daemon.pool import PoolShell
from agroal.daemon.regulars import Regulars
from agroal.daemon.session import Session
from agroal.daemon.straight import StraightWay
from agroal.daemon.timings import Timings
from agroal.daemon.totals import Totals
from agroal.daemon.tracker import Tracker
from agroal.net.cancel import Cancels
from agroal.net.chosen import Channel
from agroal.net.listen import SocketOptions
from agroal.pipeline.evidence import Trace
from agroal.pipeline.outfit import Wardrobe
from agroal.pipeline.statements import Statements
from agroal.pool.slot import PoolKey
from agroal.wire.startup import StartupMessage
from tests.unit.daemon.scene import Scene, scene
from tests.unit.net.pairs import received
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, authentication, message, parameter, startup

SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"), log_connections=True, log_disconnections=True)
EVERYBODY = (Name("all", keyword=True),)
LOCAL = Peer(None)

STARTUP = startup("user", "ann", "database", "shop", "application_name", "psql")
QUERY = message("Q", b"SELECT 1\0")
ANSWER = message("C", b"SELECT 1\0") + READY


def key(number: int) -> bytes:
    """The cancel key of the session that is let in as the so-manieth."""
    return struct.pack("!II", number, number)


def let_in(number: int = 1) -> bytes:
    return authentication(0) + message("K", key(number))


WELCOME = parameter("application_name", "psql") + READY


def served(number: int = 1) -> Script:
    """What a client says and hears up to its first query."""
    return Script() >> STARTUP << let_in(number) + WELCOME


def told(sock: socket.socket) -> dict[str, str]:
    """The fields of the ErrorResponse that a client got last."""
    data = received(sock)
    assert data[:1] == b"E", data
    assert len(data) == 1 + int.from_bytes(data[1:5], "big"), data
    return {field[:1].decode(): field[1:].decode() for field in data[5:].split(b"\0") if field}


class FakeLookup:
    """What PostgreSQL knows of users, or why it can't be asked."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        """While it is not set, answers take their time."""
        self.open.set()

    async def secret_of(self, user: str) -> str | None:
        self.asked.append(user)
        await self.open.wait()
        if self.failure:
            raise self.failure
        return self.secrets.get(user)


class FakeLearner:
    """Remembers what clients have shown of passwords."""

    def __init__(self) -> None:
        self.learned: list[tuple[str, str, Accepted]] = []

    def learn(self, user: str, secret: Secret, accepted: Accepted) -> None:
        self.learned.append((user, secret.text, accepted))


class FakeDaemon:
    """What a session needs to know."""

    def __init__(self, on: Scene) -> None:
        self.settings = SETTINGS
        self.passwords = Passwords(Secrets({"ann": "pencil"}), SETTINGS, bytes)
        self.lookup: FakeLookup | None = None
        self.dialler = FakeLearner()
        self.totals = Totals()
        self.failures = Failures()
        self.timings = Timings()
        self.pool: PoolShell = on.shell
        self.tracker = Tracker(on.shell)
        self.encryption = Encryption(None, {})
        self.nonces = Nonces(self.token)
        self.statements = Statements(b"agroal_")
        self.wardrobe = Wardrobe()
        self.pins: Counter[tuple[Trace, str, str]] = Counter()
        numbers = itertools.count(1)
        self.cancels = Cancels(on.pump, SocketOptions(), lambda _: key(next(numbers)))
        self.consoles = Consoles(self)  # type: ignore[arg-type]
        self.admins = Admins(Secrets(), SETTINGS, bytes)
        self.stopping = False
        self.is_crowded = False
        self.method: Method | None = Method.TRUST
        """Of the HBA line for everybody; None: there is no line."""
        self.regulars = Regulars()
        self._rules: object = None

    @property
    def rules(self) -> object:
        """The same object as long as nothing has changed."""
        now = self.settings.allow_unknown_users, self.method
        if self._rules != now:
            self._rules = now
        return self._rules

    @property
    def pipelines(self) -> Pipelines:
        return Pipelines(Configuration(self.settings, (), (), (), Files(Path("agroal.conf"), Path("agroal_hba.conf"))))

    @staticmethod
    def now() -> float:
        return time.monotonic()

    @staticmethod
    def token(length: int) -> bytes:
        return bytes(length)

    def hba_line(self, startup: StartupMessage, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        if self.method is None:
            return None
        return HbaLine("agroal_hba.conf", 1, HbaType.LOCAL, EVERYBODY, EVERYBODY, None, self.method)

    @staticmethod
    def key(startup: StartupMessage, accepted: Accepted) -> PoolKey:
        return PoolKey(startup.database, startup.user)


class Lobby:
    """Where clients come in."""

    straight = True
    """Their sessions are tasks only from where they have to be."""

    def __init__(self, on: Scene) -> None:
        self.on = on
        on.dialler.parameters = {"application_name": "psql"}
        self.daemon = FakeDaemon(on)
        self.sessions: list[Session] = []
        self.lives: list[asyncio.Future[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def configure(self, **settings: object) -> None:
        self.daemon.settings = replace(self.daemon.settings, **settings)  # type: ignore[arg-type]

    def enter(self, peer: Peer = LOCAL) -> socket.socket:
        """A client comes in: its end."""
        theirs, ours = socket.socketpair()
        theirs.setblocking(False)
        self.on.clients.append(theirs)
        session = Session(self.daemon, len(self.sessions) + 1, Channel(self.on.pump, ours, "[local]"), peer)  # type: ignore[arg-type]
        self.sessions.append(session)
        self.lives.append(self._life(session))
        return theirs

    def _life(self, session: Session) -> asyncio.Future[None]:
        if not self.straight:
            return asyncio.create_task(session.run())
        life: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def spawn(_: Session, rest: Coroutine[None, None, None]) -> None:
            task = asyncio.create_task(rest)
            self._tasks.add(task)
            task.add_done_callback(lambda _: life.set_result(None))

        StraightWay(session, spawn, lambda _: life.set_result(None)).enter()
        return life

    async def serve(self) -> tuple[socket.socket, socket.socket]:
        """A client that is being served, and its server: their ends."""
        client = self.enter()
        await play(served(len(self.sessions)), client)
        return client, self.on.dialler.peers[max(self.on.dialler.peers)]

    async def everybody_gone(self) -> None:
        await asyncio.gather(*self.lives)


@asynccontextmanager
async def lobby(reset_query: str = "", **settings: object) -> AsyncIterator[Lobby]:
    """In the end all clients must have gone."""
    async with scene(reset_query, (), **settings) as on:
        made = Lobby(on)
        yield made
        await made.everybody_gone()
