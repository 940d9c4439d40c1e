"""python -m tests.bench.top: what agroal-top costs, measured on a terminal of its own.

A made-up agroal, in another process, says once a second what so many slots and clients do; a tenth of them do something
else each time. Processor time and memory are the kernel's of agroal-top alone, from three seconds after the first
picture on. No figure makes a run fail.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agroal.management.server import ManagementServer
from agroal.management.snapshot import Client, Slot, Snapshot
from tests.bench.server import machine
from tests.unit.management.fake import FakeControls
from tests.unit.tui.screens import scene
from tests.unit.tui.terminal import Terminal

WARM_UP = 3.0
"""Seconds after the first picture that are not measured."""
_STATES = ("in-use", "free", "in-use", "in-use", "free", "validation", "in-use", "free", "in-use", "init")


@dataclass(frozen=True)
class Case:
    screen: str
    slots: int
    clients: int
    size: tuple[int, int]
    budget: str


CASES = (
    Case("overview", 200, 500, (120, 36), "5 % of a core, 80 MB, picture < 1 s"),
    Case("slots", 200, 500, (120, 36), "5 % of a core, 80 MB"),
    Case("clients", 200, 500, (120, 36), "5 % of a core, 80 MB"),
    Case("clients", 200, 10_000, (200, 60), "150 ms a tick"),
    Case("slots", 10_000, 10_000, (200, 60), "150 ms a tick"),
)


class Busy(FakeControls):
    """An agroal with so many slots and clients; its totals grow with time."""

    def __init__(self, slots: int, clients: int) -> None:
        super().__init__()
        self._slots = [_slot(number, 0) for number in range(slots)]
        self._clients = [_client(number, slots) for number in range(clients)]
        self._turn = 0

    def snapshot(self) -> Snapshot:
        self._turn += 1
        for number in range(self._turn % 10, len(self._slots), 10):
            self._slots[number] = _slot(number, self._turn)
        return replace(
            scene.snapshot(self._turn % 60),
            seq=self._turn,
            mono_us=scene.NOW + self._turn * scene.SECOND,
            counters=scene.counters(self._turn),
            max_connections=len(self._slots),
            slots=tuple(self._slots),
            clients=tuple(self._clients),
        )


def _slot(number: int, turn: int) -> Slot:
    state = _STATES[(number + turn) % len(_STATES)]
    return scene.slot(number, state, "shop", f"user{number % 5}", f"10.0.3.7:{number}", seconds=turn)


def _client(number: int, slots: int) -> Client:
    slot = number if number < slots else None
    state = "active" if number % 3 else "waiting"
    return scene.client(number, state, "shop", f"user{number % 5}", slot, number % 600)


def serve(path: Path, slots: int, clients: int) -> None:
    """Until it is killed."""

    async def forever() -> None:
        server = ManagementServer(path, Busy(slots, clients))
        await server.start()
        await asyncio.Event().wait()

    asyncio.run(forever())


@contextmanager
def serving(folder: Path, case: Case) -> Iterator[Path]:
    path = folder / f".s.agroal.{case.slots}{case.clients}"
    path.unlink(missing_ok=True)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(path, case.slots, case.clients))
    process.start()
    try:
        while not path.exists():
            time.sleep(0.01)
        yield path
    finally:
        process.kill()
        process.join()


@dataclass(frozen=True)
class Figures:
    picture: float
    """Seconds from its start to the first picture."""
    start: float
    """Seconds of processor time until then: those don't depend on who else uses the machine."""
    share: float
    """Of one core."""
    tick: float
    """Seconds of processor time for each second that it was looked at."""
    resident: float
    """MB"""


def measured(case: Case, folder: Path, seconds: float) -> Figures:
    with serving(folder, case) as path:
        command = [sys.executable, "-m", "agroal_top", "--socket", str(path), "--screen", case.screen]
        with Terminal(command, case.size, {"XDG_CONFIG_HOME": str(folder)}) as terminal:
            terminal.see("● RUNNING")
            picture, start = time.monotonic() - terminal.started, _used(terminal.process.pid)
            _look(terminal, WARM_UP)
            begun, used = time.monotonic(), _used(terminal.process.pid)
            _look(terminal, seconds)
            lasted, used = time.monotonic() - begun, _used(terminal.process.pid) - used
            return Figures(picture, start, used / lasted, used / seconds, _resident(terminal.process.pid))


def _look(terminal: Terminal, seconds: float) -> None:
    """What it writes has to be read."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(min(left, 0.2))


def _used(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.top", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each case is looked at (%(default)s)")
    options = parser.parse_args()
    sys.stdout.write(", ".join(f"{name} {value}" for name, value in machine().items()) + "\n\n")
    heads = ("page", "slots", "clients", "size", "first picture", "processor until then", "of a core", "a tick")
    sys.stdout.write(f"| {' | '.join((*heads, 'memory', 'budget'))} |\n|{'---|' * (len(heads) + 2)}\n")
    with tempfile.TemporaryDirectory(prefix="agroal-top-") as folder:
        for case in CASES:
            found = measured(case, Path(folder), options.seconds)
            sys.stdout.write(
                f"| {case.screen} | {case.slots:,} | {case.clients:,} | {case.size[0]}×{case.size[1]} "
                f"| {found.picture:.2f} s | {found.start:.2f} s | {found.share:.1%} | {1000 * found.tick:.0f} ms "
                f"| {found.resident:.0f} MB | {case.budget} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
