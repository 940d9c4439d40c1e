"""Starts of a daemon that are over soon: because it is refused, because it is a check, or into the background."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agroal.demo import scratch
from tests.integration.daemon import Agroal, Key
from tests.integration.postgres import Database
from tests.integration.run import Run
from tests.integration.waiting import wait_until


@contextmanager
def at_rest(run: Run, key: Key, database: Database, **how: Any) -> Iterator[Agroal]:
    """An agroal whose files are written, and that has not been started. The arguments are Agroal's."""
    agroal = Agroal(database, scratch.make("agroal-", run.folder), key, **how)
    try:
        yield agroal
    finally:
        agroal.close()


def run_agroal(
    agroal: Agroal, *arguments: str, descriptors: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program with the files of this agroal to its end; with -d that is the end of the process in front."""
    command = [sys.executable, "-m", "agroal.main", "-D", str(agroal.folder), *arguments]
    return subprocess.run(
        limited(command, descriptors) if descriptors else command,
        env={**agroal.environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def limited(command: Sequence[str], descriptors: int) -> list[str]:
    """The command, with so many file descriptors and no way to more."""
    return ["/bin/sh", "-c", f'ulimit -n {descriptors} && exec "$@"', "sh", *command]


def left_behind(agroal: Agroal) -> list[str]:
    """What is in its folder beside the files that were written for it: sockets, pidfiles, logs."""
    return sorted(path.name for path in agroal.folder.iterdir() if path.suffix != ".conf" and path.name != "out")


@contextmanager
def in_background(agroal: Agroal, **environment: str) -> Iterator[int]:
    """Start it with -d. The id of its process, which is ended afterwards, whatever happens."""
    result = run_agroal(agroal, "-d", **environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    pid = int((agroal.folder / f"agroal.{agroal.port}.pid").read_text())
    try:
        yield pid
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not is_alive(pid), "agroal is dead")


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and not just a memory of it that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
