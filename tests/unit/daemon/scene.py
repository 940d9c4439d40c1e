"""A pool between servers and clients that are only one end of a socket pair."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agroal.auth.accept import Accepted
from agroal.auth.login import Greeting
from agroal.config.model import Method
from agroal.daemon.lease import Lease
from agroal.daemon.pool import PoolShell
from agroal.errors import ClientFacing
from agroal.net.chosen import Channel, Pump
from agroal.net.dial import Address
from agroal.net.server import Server
from agroal.pool.core import Pool
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from agroal.pool.snapshot import PoolSnapshot
from tests.unit.looping import pumping, settle

KEY = PoolKey("shop", "ann")
ADDRESS = Address("pg", "127.0.0.1", 5432)
KNOWN = Accepted(Method.SCRAM_SHA_256)


class FakeDialler:
    """Connects to servers whose other ends are in `peers`, by their process ids: 1, 2, 3 …"""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.peers: dict[int, socket.socket] = {}
        self.asked: list[tuple[PoolKey, object]] = []
        self.parameters: dict[str, str] = {}
        """The settings that each of them reports."""
        self.failures: list[Exception] = []
        """What becomes of the next connects, instead."""
        self.open = asyncio.Event()
        """While it is not set, connects take their time."""
        self.open.set()

    async def dial(self, key: PoolKey, session: object) -> Server:
        self.asked.append((key, session))
        await self.open.wait()
        if self.failures:
            raise self.failures.pop(0)
        theirs, ours = socket.socketpair()
        theirs.setblocking(False)
        pid = len(self.peers) + 1
        self.peers[pid] = theirs
        return Server(Channel(self.pump, ours, f"server {pid}"), ADDRESS, Greeting(dict(self.parameters), pid, b""))

    dial_through = dial

    def hang_up(self) -> None:
        for peer in self.peers.values():
            peer.close()


@dataclass(eq=False)
class FakeSession:
    """Wants a server."""

    shell: PoolShell
    client: Channel
    key: PoolKey = KEY
    accepted: Accepted = KNOWN
    number: int = 1
    terminations: int = 0
    notices: list[tuple[int, ClientFacing | None]] = field(default_factory=list)
    told_of_pause: int = 0
    waits: asyncio.Future[Lease] = field(init=False)
    task: asyncio.Task[Lease] = field(init=False)

    def queued(self, answer: asyncio.Future[Lease]) -> None:
        self.waits = answer

    def notify(self, position: int, error: ClientFacing | None, *, paused: bool = False) -> None:
        self.notices.append((position, error))
        self.told_of_pause += paused

    def terminate(self) -> None:
        self.terminations += 1
        self.task.cancel()

    def ask(self) -> asyncio.Task[Lease]:
        self.task = asyncio.create_task(self.shell.lease(self))  # type: ignore[arg-type]
        return self.task


@dataclass
class Scene:
    pump: Pump
    dialler: FakeDialler
    shell: PoolShell
    cancelled: list[Server] = field(default_factory=list)
    """Servers that were to be interrupted."""
    clients: list[socket.socket] = field(default_factory=list)

    def session(self, key: PoolKey = KEY, accepted: Accepted = KNOWN) -> FakeSession:
        theirs, ours = socket.socketpair()
        self.clients += [theirs, ours]
        return FakeSession(self.shell, Channel(self.pump, ours, "client"), key, accepted)

    async def lease(self, key: PoolKey = KEY, accepted: Accepted = KNOWN) -> Lease:
        return await self.session(key, accepted).ask()

    async def queue(self, sessions: int) -> list[FakeSession]:
        """So many sessions that wait, in this order."""
        queued = [self.session() for _ in range(sessions)]
        for session in queued:
            session.ask()
        await settle()
        return queued

    async def give_back(self, lease: Lease) -> None:
        """Its client was never joined to the server."""
        self.shell.give_back(lease, None)
        await settle()

    def snapshot(self) -> PoolSnapshot:
        """What the core knows."""
        return self.shell.core.snapshot(time.monotonic())

    def states(self) -> list[str]:
        """Of all slots that are not empty."""
        return [slot.state.value for slot in self.snapshot().slots]


@asynccontextmanager
async def scene(reset_query: str = "", limits: Sequence[Limit] = (), **settings: object) -> AsyncIterator[Scene]:
    """Two slots, unless `settings` say otherwise. In the end everything is closed, and must be."""
    async with pumping() as pump:
        dialler = FakeDialler(pump)
        core = Pool(PoolSettings(**{"max_connections": 2, **settings}), limits, lambda: 0.5, time.monotonic())  # type: ignore[arg-type]
        made = Scene(pump, dialler, PoolShell(core, dialler, reset_query, lambda server: made.cancelled.append(server)))
        try:
            yield made
            dialler.open.set()
            closing = asyncio.create_task(made.shell.close())
            await asyncio.sleep(0)
            dialler.hang_up()
            await closing
            left = made.states(), made.shell.servers, made.shell.asking
            assert left == ([], {}, {})
        finally:
            dialler.hang_up()
            for sock in made.clients:
                sock.close()
