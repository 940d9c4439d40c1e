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


def measure_rounds(
    server: Server, peers: Sequence[Peer], workloads: Sequence[Workload], rounds: int, seconds: int, screen: Screen
) -> Iterator[Sample]:
    """A B C A B C …: what is compared is measured within seconds of each other."""
    for number in range(1, rounds + 1):
        for workload in workloads:
            with screen.step(f"round {number} of {rounds}: {workload.name}"):
                notes = []
                for peer in peers:
                    screen.note(f"{peer.name} …")
                    sample = measure(server, peer, workload, number, seconds)
                    yield sample
                    notes.append(_note(sample))
                screen.note("   ".join(notes))


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


def measure_memory(
    server: Server, pools: Sequence[Pool], folder: Path, clients: int, screen: Screen, pulse: Callable[[], None]
) -> Iterator[Memory]:
    """What each pool holds when it has just started, and with so many idle clients. Each is started for this alone."""
    raise_descriptor_limit(clients)
    for pool in pools:
        with screen.step(f"{clients} idle clients: {pool.name}"):
            running = RunningPool(pool, folder / f"{pool.name}-idle", server, clients + 10, pulse)
            try:
                running.start()
                idle = running.rss()
                with idle_clients(running.host, running.port, clients, pulse):
                    crowded = running.rss()
            finally:
                running.stop()
            if idle is None or crowded is None:
                screen.note("no /proc here: not measured")
                return
            memory = Memory(pool.name, idle, clients, crowded)
            yield memory
            screen.note(f"{thousands(memory.idle / 1024)} MB, {memory.per_client:.1f} kB each")


def _note(sample: Sample) -> str:
    """In the line of the step, while it lasts: the figure that matters."""
    if sample.cpu is None:
        return f"{sample.peer} {thousands(sample.rate)} tps"
    return f"{sample.peer} {thousands(sample.cpu)} µs"
