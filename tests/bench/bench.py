"""One run, from the first line to the last: the memory, then one setup after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agroal.demo import scratch
from agroal.demo.screen import Screen
from agroal.errors import AgroalError
from tests.bench.catalogue import MEMORY, WORKLOADS
from tests.bench.failure import BenchFailed
from tests.bench.figures import Memory, Sample
from tests.bench.idle import raise_descriptor_limit
from tests.bench.lineup import Lineup
from tests.bench.memory import Holdings
from tests.bench.peers import Peer, RunningPool
from tests.bench.pools import Direct, Pool
from tests.bench.record import PeerRecord, Record
from tests.bench.rounds import Rounds
from tests.bench.server import Server, find_binaries, machine
from tests.bench.setups import Setup
from tests.bench.workloads import Workload

_OVERHEAD = 0.4
"""Seconds that a run takes beside those that pgbench is given."""
_HOLDING = 10
"""Seconds that it takes to look at the memory of one pool."""
_SPARE = 50
"""Connections to PostgreSQL, or to a pool, that nobody counts on."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for."""

    names: tuple[str, ...]
    """Of the catalogue."""
    peers: tuple[str, ...]
    trees: tuple[tuple[str, Path], ...]
    """Other checkouts of agroal, with their names."""
    rounds: int
    seconds: int
    idle: int
    scale: int

    def workloads(self) -> list[Workload]:
        return [workload for workload in WORKLOADS if workload.name in self.names]


def run(options: Options, screen: Screen, pulse: Callable[[], None]) -> Record:
    """Measure. Raises BenchFailed where nothing can be measured; what fails with one peer alone is in the record."""
    workloads = options.workloads()
    modes = [mode for name, mode in MEMORY.items() if name in options.names]
    lineup = Lineup(options.peers, options.trees, workloads, modes, os.environ)
    for line in lineup.left_out:
        screen.say(f"  {line}")
    if not lineup.runs and not lineup.holders:
        raise BenchFailed("no peer is left that could be measured")
    seconds = lineup.runs * options.rounds * (options.seconds + _OVERHEAD) + len(lineup.holders) * len(modes) * _HOLDING
    screen.say(f"  {lineup.runs} runs in each of {options.rounds} rounds: about {seconds / 60 + 1:.0f} minutes")
    with ExitStack() as stack:
        folder = scratch.make("agroal-bench-")
        stack.callback(scratch.remove, folder)
        most = len(lineup.pools) * max((workload.setup.servers for workload in workloads), default=0)
        connections = max(options.idle, most) + _SPARE
        server = Server(folder / "postgres", find_binaries(os.environ), connections=connections, pulse=pulse)
        stack.callback(server.stop)
        with screen.step(f"PostgreSQL, with tables of scale {options.scale}"):
            server.start()
            server.fill(options.scale)
        bench = Bench(options, lineup, server, folder, screen)
        memory, samples = tuple(bench.memory()), tuple(bench.samples())
    return Record(
        when=datetime.now().astimezone().isoformat(timespec="minutes"),
        machine=machine(),
        postgresql=server.version,
        rounds=options.rounds,
        seconds=options.seconds,
        scale=options.scale,
        reference=lineup.reference,
        peers=tuple(bench.peers.values()),
        left_out=tuple(lineup.left_out),
        failures=tuple(bench.failures),
        samples=samples,
        memory=memory,
    )


class Bench:
    """The measuring. `peers` are those who were measured, `failures` says what could not be."""

    def __init__(self, options: Options, lineup: Lineup, server: Server, folder: Path, screen: Screen) -> None:
        self.peers = {pool.name: PeerRecord(pool.name, pool.version(), "", {}) for pool in lineup.pools}
        self.failures: list[str] = []
        self._options = options
        self._lineup = lineup
        self._server = server
        self._folder = folder
        self._screen = screen

    def memory(self) -> Iterator[Memory]:
        modes = {name: mode for name, mode in MEMORY.items() if name in self._options.names}
        if not modes:
            return
        raise_descriptor_limit(self._options.idle)
        holdings = Holdings(self._server, self._folder, self._options.idle, self._screen)
        for name, mode in modes.items():
            yield from holdings.run(name, mode, self._lineup.holders)
        self.failures += holdings.failures

    def samples(self) -> Iterator[Sample]:
        """One setup after the other, so that no more pools run at a time than are compared."""
        workloads = self._options.workloads()
        output = self._folder / "clients"
        output.mkdir()
        rounds = Rounds(self._server, output, self._options.seconds, self._screen)
        for number, setup in enumerate(dict.fromkeys(workload.setup for workload in workloads)):
            home = self._folder / f"setup-{number}"
            home.mkdir(mode=0o711)
            here = [workload for workload in workloads if workload.setup == setup]
            crowd = max(workload.crowd for workload in here)
            raise_descriptor_limit(crowd)
            with ExitStack() as stack:
                pools = self._lineup.partakers(*here)
                peers = [peer for pool in pools if (peer := self._peer(pool, setup, crowd, home, stack))]
                yield from rounds.run(here, peers, self._options.rounds)
        self.failures += rounds.failures.values()

    def _peer(self, pool: Pool, setup: Setup, crowd: int, home: Path, stack: ExitStack) -> Peer | None:
        """None where it does not start, which is not the end of the others."""
        if isinstance(pool, Direct):
            return Peer(pool, self._server.host(setup.by_socket), self._server.port)
        running = RunningPool(pool, home / pool.name, self._server, setup, crowd + _SPARE)
        stack.callback(running.stop)
        with self._screen.step(f"{pool.name} ({setup})"):
            try:
                running.start()
            except AgroalError as error:
                self.failures.append(f"{pool.name} ({setup}): {error}")
                self._screen.note("does not start")
                return None
        record = self.peers[pool.name]
        configurations = {**record.configurations, str(setup): running.configuration}
        self.peers[pool.name] = PeerRecord(pool.name, record.version, running.command, configurations)
        return running
