"""The measuring itself: every workload against every peer, in turn, round after round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from agroal.demo.screen import Screen, thousands
from agroal.errors import AgroalError
from tests.bench.clients import Clients
from tests.bench.figures import Sample
from tests.bench.peers import Peer
from tests.bench.server import Server
from tests.bench.workloads import Workload

_SAID = 8
"""Lines of an error that are shown, beside the first."""


class Rounds:
    """A B C A B C …: what is compared is measured within seconds of each other.

    A workload that fails with a peer is not tried with it again. `failures` says what went wrong.
    """

    def __init__(self, server: Server, folder: Path, seconds: int, screen: Screen) -> None:
        self.failures: dict[tuple[str, str], str] = {}
        """By workload and peer."""
        self._server = server
        self._folder = folder
        self._seconds = seconds
        self._screen = screen

    def run(self, workloads: Sequence[Workload], peers: Sequence[Peer], rounds: int) -> Iterator[Sample]:
        for number in range(1, rounds + 1):
            for workload in workloads:
                with self._screen.step(f"round {number} of {rounds}: {workload.name}"):
                    samples = list(self._round(workload, peers, number))
                    self._screen.note("   ".join(map(_note, samples)))
                yield from samples

    def _round(self, workload: Workload, peers: Sequence[Peer], number: int) -> Iterator[Sample]:
        for peer in peers:
            if (workload.name, peer.name) in self.failures or peer.pool.lacks(workload):
                continue
            self._screen.note(f"{peer.name} …")
            try:
                yield self._measure(peer, workload, number)
            except (AgroalError, OSError) as error:
                self.failures[workload.name, peer.name] = f"{workload.name} through {peer.name}: {shortened(error)}"

    def _measure(self, peer: Peer, workload: Workload, number: int) -> Sample:
        """One run. Raises AgroalError, OSError where it came to nothing."""
        clients = Clients(self._server, peer.host, peer.port, self._folder)
        before = peer.cpu()
        result = workload.run(clients, self._seconds)
        after = peer.cpu()
        used = None if before is None or after is None else after - before
        return Sample(
            round=number,
            workload=workload.name,
            peer=peer.name,
            transactions=result.transactions,
            rate=result.rate,
            latency=result.latency,
            p50=result.p50,
            p99=result.p99,
            spread=result.spread,
            cpu=None if used is None else used / result.transactions * 1e6,
            rss=peer.rss(),
            command=workload.command(clients, self._seconds),
        )


def shortened(error: Exception) -> str:
    """Its first line and its last ones: hundreds of clients may have said the same in between."""
    first, *others = str(error).splitlines() or [""]
    between = ["…"] if len(others) > _SAID else []
    return "\n".join([first, *between, *others[-_SAID:]])


def _note(sample: Sample) -> str:
    """In the line of the step, while it lasts: the figure that matters."""
    if sample.cpu is None:
        return f"{sample.peer} {thousands(sample.rate)} tps"
    return f"{sample.peer} {thousands(sample.cpu)} µs"
