"""python -m tests.bench: agroal beside other pools, on one PostgreSQL, in the same minutes."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from agroal.demo import scratch
from agroal.demo.screen import Screen
from agroal.demo.signals import Interrupted, Signals
from agroal.errors import AgroalError
from tests.bench.failure import BenchFailed
from tests.bench.figures import Memory
from tests.bench.peers import Peer, RunningPool
from tests.bench.plot import bar_chart
from tests.bench.pools import INSTALLED, Agroal, Pool
from tests.bench.record import PeerRecord, Record, rewritten, section
from tests.bench.rounds import Crowds, Rounds
from tests.bench.server import Server, find_binaries, machine
from tests.bench.workloads import QUICK, WORKLOADS

_SLOTS = 20
"""Server connections that each pool may have while it is loaded."""
_DIRECT = "direct"


class Bench:
    """One run, from the first line to the last."""

    def __init__(self, options: argparse.Namespace, screen: Screen, signals: Signals) -> None:
        self._options = options
        self._screen = screen
        self._signals = signals
        self._left_out: list[str] = []
        self._failures: list[str] = []

    def run(self) -> Record:
        options = self._options
        pools = self._pools()
        workloads = [one for one in WORKLOADS if one.name in (options.workload or QUICK) or options.all]
        with ExitStack() as stack:
            folder = scratch.make("agroal-bench-")
            stack.callback(scratch.remove, folder)
            server = self._start_server(folder / "postgres", stack)
            memory = self._measure_memory(pools, folder, server)
            peers = self._start_peers(pools, folder, server, stack)
            rounds = Rounds(server, peers, options.seconds, self._screen)
            samples = tuple(rounds.run(workloads, options.rounds))
            self._failures += rounds.failures.values()
            return Record(
                when=datetime.now().astimezone().isoformat(timespec="minutes"),
                machine=machine(),
                postgresql=server.version,
                server="over its Unix socket" if options.unix else "over TCP on the loopback interface",
                rounds=options.rounds,
                seconds=options.seconds,
                scale=options.scale,
                peers=tuple(PeerRecord(p.name, p.version, p.port, p.command, p.configuration) for p in peers),
                left_out=tuple(self._left_out),
                failures=tuple(self._failures),
                samples=samples,
                memory=memory,
            )

    def _measure_memory(self, pools: list[Pool], folder: Path, server: Server) -> tuple[Memory, ...]:
        if not self._options.idle:
            return ()
        crowds = Crowds(server, folder, self._options.idle, self._screen, self._pulse)
        memory = tuple(crowds.run(pools))
        self._failures += crowds.failures.values()
        return memory

    def _pulse(self) -> None:
        self._signals.check()
        self._screen.refresh()

    def _pools(self) -> list[Pool]:
        """Those that are asked for and are there."""
        pools: list[Pool] = [Agroal()] if self._is_asked_for("agroal") else []
        pools += [Agroal(name, tree) for name, tree in self._options.tree]
        for kind in INSTALLED:
            if not self._is_asked_for(kind.name):
                continue
            if pool := kind.find(os.environ):
                pools.append(pool)
            else:
                self._left_out.append(f"{kind.name} is left out: it is not in PATH, and {kind.variable()} is not set.")
        for line in self._left_out:
            self._screen.say(f"  {line}")
        if not pools and not self._is_asked_for(_DIRECT):
            raise BenchFailed("no peer is left that could be measured")
        return pools

    def _is_asked_for(self, peer: str) -> bool:
        return not self._options.peer or peer in self._options.peer

    def _start_server(self, folder: Path, stack: ExitStack) -> Server:
        options = self._options
        server = Server(
            folder,
            find_binaries(os.environ),
            connections=max(options.idle, _SLOTS * 8) + 50,
            by_socket=options.unix,
            pulse=self._pulse,
        )
        stack.callback(server.stop)
        with self._screen.step("PostgreSQL"):
            server.start()
        with self._screen.step(f"pgbench: tables of scale {options.scale}"):
            server.fill(options.scale)
        return server

    def _start_peers(self, pools: list[Pool], folder: Path, server: Server, stack: ExitStack) -> list[Peer]:
        peers: list[Peer] = []
        if self._is_asked_for(_DIRECT):
            peers.append(Peer(_DIRECT, server.host, server.port, "no pool"))
        for pool in pools:
            running = RunningPool(pool, folder / pool.name, server, _SLOTS, self._pulse)
            stack.callback(running.stop)
            with self._screen.step(f"{pool.name} on port {running.port}"):
                running.start()
                self._screen.note(running.version)
            peers.append(running)
        return peers


def show(record: Record, screen: Screen) -> None:
    """Tables, command lines and conditions, for people."""
    for table in record.tables():
        screen.table(table.header, table.rows)
    screen.heading("The command lines")
    for workload, command in record.commands():
        screen.say(f"  {workload}: {command}")
    for peer in record.peers:
        screen.say(f"  port {peer.port}: {peer.command or 'PostgreSQL itself'}")
    screen.heading("The conditions")
    for sentence in record.conditions():
        screen.say(f"  {sentence}")


def store(record: Record, output: Path, page: Path | None) -> list[Path]:
    """Write JSON and plot, and the page's section where one is named. Returns what was written."""
    remark = f"median of {record.rounds} rounds; the line spans the rounds; less is better. {record.when[:10]}"
    plot = bar_chart(record.summaries(), remark)
    files = {output / "bench.json": record.json(), output / "bench.svg": plot}
    if page:
        picture = page.with_suffix(".svg")
        files |= {picture: plot, page: rewritten(page.read_text(), section(record, picture.name))}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(files)


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _natural(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError
    return number


def _tree(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    path = Path(folder).resolve()
    if not (name and equals and (path / "agroal" / "main.py").exists()):
        raise argparse.ArgumentTypeError(f"expected NAME=DIR, with DIR a checkout of agroal; got {text!r}")
    return name, path


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    workloads = [workload.name for workload in WORKLOADS]
    peers = [_DIRECT, "agroal", *(kind.name for kind in INSTALLED)]
    made.add_argument("--rounds", metavar="N", type=_count, default=5, help="rounds of everything (5)")
    made.add_argument("--seconds", metavar="S", type=_count, default=3, help="length of one run (3)")
    made.add_argument(
        "--workload",
        nargs="+",
        metavar="NAME",
        choices=workloads,
        help=f"of {', '.join(workloads)} ({', '.join(QUICK)})",
    )
    made.add_argument("--all", action="store_true", help="all workloads")
    made.add_argument(
        "--peer", nargs="+", metavar="NAME", choices=peers, help=f"of {', '.join(peers)} (all that are installed)"
    )
    made.add_argument(
        "--tree",
        action="append",
        default=[],
        metavar="NAME=DIR",
        type=_tree,
        help="another checkout of agroal as a peer",
    )
    made.add_argument(
        "--idle", metavar="N", type=_natural, default=1000, help="idle clients for the memory (1000; 0: none)"
    )
    made.add_argument("--scale", metavar="N", type=_count, default=10, help="size of pgbench's tables (10)")
    made.add_argument("--unix", action="store_true", help="reach PostgreSQL over its Unix socket instead of TCP")
    made.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path(__file__).with_name("results"),
        help="where JSON and plot are written (tests/bench/results)",
    )
    made.add_argument("--write-docs", metavar="FILE", type=Path, help="write the figures into this page, too")
    return made


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    signals = Signals()
    screen = Screen(sys.stdout)
    try:
        if options.write_docs:
            rewritten(options.write_docs.read_text(), "")
        record = Bench(options, screen, signals).run()
        show(record, screen)
        for path in store(record, options.output, options.write_docs):
            screen.say(f"  written: {path}")
    except Interrupted:
        screen.say("\n  Interrupted: everything is stopped.")
        return 128 + signals.number
    except (AgroalError, OSError) as error:
        print(f"tests.bench: {error}", file=sys.stderr)
        return 1
    for failure in record.failures:
        print(f"tests.bench: not measured: {failure}", file=sys.stderr)
    return 1 if record.failures else 0


if __name__ == "__main__":
    sys.exit(main())
