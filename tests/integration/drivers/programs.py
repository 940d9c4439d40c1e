"""PostgreSQL's client programs: which versions there are, and how to run one against a pool or past it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.integration.daemon import Agroal
from tests.integration.postgres import Database
from tests.integration.programs import directories


def direct(database: Database) -> str:
    """The DSN of the database itself."""
    server, who = database.postgres, database.scram
    return f"postgresql://{who.name}:{who.password}@{server.host}:{server.port}/{database.name}"


def program(name: str, version: int) -> str:
    """Of this major version or, where that is not there, the oldest that is newer. Raises FileNotFoundError."""
    found = [(major, path) for major, path in _versions(name) if major >= version]
    if not found:
        raise FileNotFoundError(f"there is no {name} of PostgreSQL {version} or newer: pip install agroal[demo]")
    return min(found)[1]


def run(name: str, *arguments: str, version: int = 0, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run it to its end. It knows nothing but its arguments and what is `said` to it."""
    command = [program(name, version), *arguments]
    return subprocess.run(
        command, env=environment(), input=said, capture_output=True, text=True, timeout=60, check=False
    )


def psql(where: str, said: str, version: int = 0) -> str:
    """What psql writes that reads these commands, without headers. AssertionError where it complains."""
    done = run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", where, version=version, said=said)
    assert (done.returncode, done.stderr) == (0, ""), f"psql ended with {done.returncode}: {done.stderr}"
    return done.stdout


def server_version(pool: Agroal) -> int:
    """The major version of the PostgreSQL behind it."""
    [(number,)] = pool.database.query("SHOW server_version_num")
    return int(number) // 10_000


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


@cache
def _versions(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((_major(path), path) for path in _paths(name))


def _paths(name: str) -> Iterator[str]:
    if "AGROAL_TEST_PGBIN" not in os.environ and (found := shutil.which(name)):
        yield found
    yield from (str(path) for directory in directories() if (path := Path(directory, name)).exists())


def _major(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    return int(re.findall(r"\d+", said)[0])
