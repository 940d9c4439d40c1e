"""Daemons whose files were imported: from a pgbouncer.ini or a directory of pgagroal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.daemon import Agroal, Key
from tests.integration.postgres import Database
from tests.integration.run import Run
from tests.integration.starting import at_rest


@contextmanager
def importing(run: Run, key: Key, database: Database) -> Iterator[Agroal]:
    """An agroal without files, which `bring` fills."""
    with at_rest(run, key, database) as agroal:
        for file in agroal.folder.iterdir():
            file.unlink()
        yield agroal


def bring(agroal: Agroal, file: Path, *arguments: str) -> str:
    """Import into the folder of this agroal; what is said."""
    command = [sys.executable, "-m", "agroal.admin", "import", str(file), "-o", str(agroal.folder), *arguments]
    done = subprocess.run(command, env=agroal.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def userlist(folder: Path, secrets: dict[str, str]) -> Path:
    """PgBouncer's auth_file."""
    path = folder / "userlist.txt"
    path.write_text("".join(f'"{name}" "{secret}"\n' for name, secret in secrets.items()))
    return path


def pgbouncer_ini(folder: Path, agroal: Agroal, databases: str, main: str = "") -> Path:
    """A pgbouncer.ini that listens where this agroal is to listen."""
    path = folder / "pgbouncer.ini"
    where = f"listen_addr = {agroal.host}\nlisten_port = {agroal.port}\nunix_socket_dir = {agroal.folder}\n"
    path.write_text(f"[databases]\n{databases}\n[pgbouncer]\n{where}{main}\n")
    return path
