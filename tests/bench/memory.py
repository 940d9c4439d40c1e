"""What pools hold in memory. Each is started for this alone, so that nothing has happened to it before."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agroal.demo.screen import Screen, thousands
from agroal.errors import AgroalError
from tests.bench.failure import BenchFailed
from tests.bench.figures import Memory
from tests.bench.idle import idle_clients, unread_flood
from tests.bench.peers import RunningPool
from tests.bench.pools import Pool
from tests.bench.server import Server
from tests.bench.setups import TRANSACTION, Mode, Setup

_SPARE = 10
"""Clients and servers beside those who are idle."""
_FLOODED = 2.0
"""Seconds that a pool has to take what a client does not read."""


class Holdings:
    """What each pool holds when it has just started, with a client who does not read, and with many who are idle."""

    def __init__(self, server: Server, folder: Path, clients: int, screen: Screen) -> None:
        self.failures: list[str] = []
        self._server = server
        self._folder = folder
        self._clients = clients
        self._screen = screen
        self._started_so_far = 0

    def run(self, name: str, mode: Mode, pools: Sequence[Pool]) -> Iterator[Memory]:
        for pool in pools:
            if pool.lacks_mode(mode):
                continue
            with self._screen.step(f"{name}: {pool.name}"):
                try:
                    memory = self._measure(pool, mode)
                except (AgroalError, OSError) as error:
                    self.failures.append(f"{name} of {pool.name}: {error}")
                    continue
                self._screen.note(f"{thousands(memory.idle / 1024)} MB, {memory.per_client:.1f} kB for each client")
            yield memory

    def _measure(self, pool: Pool, mode: Mode) -> Memory:
        with self._started(pool, mode) as running:
            before = _resident(running)
            with unread_flood(running.host, running.port):
                flooded = self._most(running)
        with self._started(pool, mode) as running:
            fresh = _resident(running)
            with idle_clients(running.host, running.port, self._clients, self._server.pulse):
                crowded = _resident(running)
        return Memory(pool.name, mode, fresh, self._clients, crowded, max(0, flooded - before))

    @contextmanager
    def _started(self, pool: Pool, mode: Mode) -> Iterator[RunningPool]:
        """By session each client that is idle has a server, too; by transaction the usual number suffices."""
        servers = self._clients + _SPARE if mode is Mode.SESSION else TRANSACTION.servers
        self._started_so_far += 1
        folder = self._folder / f"memory-{self._started_so_far}"
        running = RunningPool(pool, folder, self._server, Setup(mode, servers), self._clients + _SPARE)
        try:
            running.start()
            yield running
        finally:
            running.stop()

    def _most(self, pool: RunningPool) -> int:
        most, until = 0, time.monotonic() + _FLOODED
        while time.monotonic() < until:
            most = max(most, _resident(pool))
            self._server.pulse()
            time.sleep(0.1)
        return most


def _resident(pool: RunningPool) -> int:
    """Kilobytes. Raises BenchFailed."""
    resident = pool.rss()
    if resident is None:
        raise BenchFailed("there is no /proc to read it from")
    return resident
