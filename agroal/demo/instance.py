"""The agroal that is shown: configured, started, asked and stopped by its own programs, as anybody would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agroal.demo.ports import free_port
from agroal.demo.postgres import Cluster
from agroal.demo.processes import ProgramFailed, ended, run, spawn
from agroal.errors import AgroalError

_PATIENCE = 15.0
"""Seconds until a start or a stop counts as failed."""

_MAIN = """\
[agroal]
host = 127.0.0.1
port = {port}
unix_socket_dir = {folder}
log_type = file
log_path = {folder}/agroal.log
max_connections = {slots}

[primary]
host = {postgres.host}
port = {postgres.port}
primary = on
"""

_HBA = """\
# TYPE  DATABASE  USER  ADDRESS       METHOD
local   all       all                 scram-sha-256
host    all       all   127.0.0.1/32  scram-sha-256
"""

_LIMITS = """\
# DATABASE  USER  MAX_SIZE
{database}  {user}  all
"""


class Instance:
    """agroal in a folder of its own, in front of one PostgreSQL, for one user and one database."""

    def __init__(self, folder: Path, *, slots: int, pulse: Callable[[], None], mortal: bool = True) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = free_port()
        self._slots = slots
        self._pulse = pulse
        self._mortal = mortal
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._daemon
        return self._daemon.pid

    def configure(self, postgres: Cluster, *, user: str, password: str, database: str) -> None:
        """Make the four files and the master key."""
        texts = {
            "agroal.conf": _MAIN.format(port=self.port, folder=self.folder, slots=self._slots, postgres=postgres),
            "agroal_hba.conf": _HBA,
            "agroal_databases.conf": _LIMITS.format(database=database, user=user),
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text)
        self._admin("-g", "master-key")
        self._admin("-f", str(self.folder / "agroal_users.conf"), "-U", user, "user", "add", AGROAL_PASSWORD=password)

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        command = [sys.executable, "-m", "agroal.main", "-D", str(self.folder)]
        death = signal.SIGINT if self._mortal else None
        with (self.folder / "agroal.out").open("wb") as out:
            self._daemon = spawn(
                command,
                at_our_death=death,
                env=self.environment(),
                cwd=self.folder,  # by which kept.py knows it again
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if ended(self._daemon, 0.05):
                raise AgroalError(f"agroal did not start:\n{self._said()}")
            if time.monotonic() > deadline:
                raise AgroalError(f"agroal did not answer within {_PATIENCE:.0f} s:\n{self._said()}")

    def stop(self) -> None:
        """Stop the daemon fast; does nothing where it is not running."""
        if self._daemon is None:
            return
        self._daemon.send_signal(signal.SIGINT)
        if not ended(self._daemon, _PATIENCE):
            self._daemon.kill()
            self._daemon.wait()
        self._daemon = None

    def ask(self, *verb: str) -> str:
        """What agroal-cli answers. Raises ProgramFailed."""
        command = [sys.executable, "-m", "agroal.cli", "-D", str(self.folder), *verb]
        return run(command, env=self.environment(), pulse=self._pulse)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of agroal's programs: the master key lies in the folder, nobody's home is touched."""
        return {**os.environ, "AGROAL_MASTER_KEY_FILE": str(self.folder / "secret" / "master.key"), **more}

    def _admin(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "agroal.admin", *arguments]
        run(command, env=self.environment(**environment), pulse=self._pulse)

    def _answers(self) -> bool:
        with contextlib.suppress(ProgramFailed):
            self.ask("ping")
            return True
        return False

    def _said(self) -> str:
        files = [self.folder / "agroal.out", self.folder / "agroal.log"]
        return "\n".join(file.read_text(errors="replace").strip() for file in files if file.exists())


def cpu_time(pid: int) -> float | None:
    """Seconds of CPU time of a process with all its threads; None where there is no /proc.

    To the nanosecond where the kernel keeps schedstat, else to the clock tick.
    """
    process = Path(f"/proc/{pid}")
    if threads := list(process.glob("task/*/schedstat")):
        return sum(int(file.read_text().split()[0]) for file in threads) / 1e9
    with contextlib.suppress(FileNotFoundError):
        words = (process / "stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return None
