"""The measuring itself: every workload against every peer, in turn, round after round."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agroal.demo.processes import ProgramFailed
from agroal.demo.screen import Screen, thousands
from tests.bench.failure import BenchFailed
from tests.bench.figures import Memory, Sample
from tests.bench.idle import idle_clients, raise_descriptor_limit
from tests.bench.peers import Peer, RunningPool
from tests.bench.pools import Pool
from tests.bench.server import Server
from tests.bench.workloads import Workload


class Rounds:
    """A B C A B C …: what is compared is measured within seconds of each other.

    A workload that fails with a peer is not tried with it again. `failures` says what went wrong.
    """

    def __init__(self, server: Server, peers: Sequence[Peer], seconds: int, screen: Screen) -> None:
        self.failures: dict[tuple[str, str], str] = {}
        """By workload and peer."""
        self._server = server
        self._peers = peers
        self._seconds = seconds
        self._screen = screen

    def run(self, workloads: Sequence[Workload], rounds: int) -> Iterator[Sample]:
        for number in range(1, rounds + 1):
            for workload in workloads:
                with self._screen.step(f"round {number} of {rounds}: {workload.name}"):
                    samples = list(self._round(workload, number))
                    self._screen.note("   ".join(map(_note, samples)))
                yield from samples

    def _round(self, workload: Workload, number: int) -> Iterator[Sample]:
        for peer in self._peers:
            if (workload.name, peer.name) in self.failures or (workload.tls and not peer.speaks_tls):
                continue
            self._screen.note(f"{peer.name} …")
            try:
                yield measure(self._server, peer, workload, number, self._seconds)
            except BenchFailed as failure:
                self.failures[workload.name, peer.name] = str(failure)


def measure(server: Server, peer: Peer, workload: Workload, number: int, seconds: int) -> Sample:
    """One run. Raises BenchFailed where it came to nothing."""
    arguments = workload.arguments(seconds)
    before = peer.cpu()
    try:
        result = workload.result(server.run(workload.program, peer.host, peer.port, workload.user, arguments))
    except (ProgramFailed, BenchFailed) as error:
        raise BenchFailed(f"{workload.name} through {peer.name}: {error}") from error
    after = peer.cpu()
    used = None if before is None or after is None else after - before
    return Sample(
        round=number,
        workload=workload.name,
        peer=peer.name,
        transactions=result.transactions,
        rate=result.rate,
        latency=result.latency,
        cpu=None if used is None else used / result.transactions * 1e6,
        rss=peer.rss(),
        command=shlex.join(server.command(workload.program, peer.host, peer.port, workload.user, arguments)),
    )


class Crowds:
    """What each pool holds when it has just started, and with many idle clients. Each is started for this alone."""

    def __init__(self, server: Server, folder: Path, clients: int, screen: Screen, pulse: Callable[[], None]) -> None:
        raise_descriptor_limit(clients)
        self.failures: dict[str, str] = {}
        """By peer."""
        self._server = server
        self._folder = folder
        self._clients = clients
        self._screen = screen
        self._pulse = pulse

    def run(self, pools: Sequence[Pool]) -> Iterator[Memory]:
        for pool in pools:
            with self._screen.step(f"{self._clients} idle clients: {pool.name}"):
                try:
                    memory = self._measure(pool)
                except BenchFailed as failure:
                    self.failures[pool.name] = f"{self._clients} idle clients of {pool.name}: {failure}"
                    continue
                self._screen.note(f"{thousands(memory.idle / 1024)} MB, {memory.per_client:.1f} kB each")
            yield memory

    def _measure(self, pool: Pool) -> Memory:
        running = RunningPool(pool, self._folder / f"{pool.name}-idle", self._server, self._clients + 10, self._pulse)
        try:
            running.start()
            idle = running.rss()
            with idle_clients(running.host, running.port, self._clients, self._pulse):
                crowded = running.rss()
        finally:
            running.stop()
        if idle is None or crowded is None:
            raise BenchFailed("there is no /proc to read it from")
        return Memory(pool.name, idle, self._clients, crowded)


def _note(sample: Sample) -> str:
    """In the line of the step, while it lasts: the figure that matters."""
    if sample.cpu is None:
        return f"{sample.peer} {thousands(sample.rate)} tps"
    return f"{sample.peer} {thousands(sample.cpu)} µs"
