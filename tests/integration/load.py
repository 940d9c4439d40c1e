"""pgbench without end, for tests that disturb it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.daemon import Agroal
from tests.integration.programs import client_program

SCRIPT = "SELECT count(*) FROM pg_class;\n"
LONGEST = 30.0
"""Seconds for one run, whatever happens meanwhile: who needs longer hangs."""


@dataclass
class Load:
    """How the runs of one loop ended."""

    done: int = 0
    failed: int = 0
    hung: int = 0
    last_words: str = ""


@contextmanager
def pgbench_running(pool: Agroal, *arguments: str) -> Iterator[list[Load]]:
    """Run pgbench again and again until the end of the block: on TCP, and beside it on the Unix socket."""
    script = pool.folder / "load.sql"
    script.write_text(SCRIPT)
    enough = threading.Event()
    loads = [Load(), Load()]
    with ThreadPoolExecutor(len(loads)) as threads:
        hosts = (pool.host, str(pool.folder))
        running = [
            threads.submit(_repeat, command(pool, host, script, arguments), load, enough)
            for host, load in zip(hosts, loads, strict=True)
        ]
        try:
            yield loads
        finally:
            enough.set()
    for loop in running:
        loop.result()


def command(pool: Agroal, host: str, script: Path, arguments: tuple[str, ...]) -> list[str]:
    return [client_program("pgbench"), "-n", "-f", str(script), *arguments, pool.dsn(host=host)]


def _repeat(command: list[str], load: Load, enough: threading.Event) -> None:
    while not enough.is_set():
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
        except subprocess.TimeoutExpired:
            load.hung += 1
            return
        if result.returncode == 0:
            load.done += 1
        else:
            load.failed += 1
            load.last_words = result.stderr
            enough.wait(0.1)  # it would only fail again at once
