"""What pgbench connects to: PostgreSQL itself, or a pool that runs in front of it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

from agroal.demo.instance import cpu_time
from agroal.demo.ports import free_port
from agroal.demo.processes import ProgramFailed, ended, spawn
from tests.bench.accounting import cpu_of_family, family, rss_of_family
from tests.bench.failure import BenchFailed
from tests.bench.pools import Place, Pool
from tests.bench.server import Server
from tests.bench.setups import Setup
from tests.certificates import Authority

_PATIENCE = 15.0
"""Seconds until a start or a stop counts as failed."""
_SAID = 15
"""Lines of a program's output that an error ends with."""


class Peer:
    """Where a client finds PostgreSQL, directly."""

    def __init__(self, pool: Pool, host: str, port: int) -> None:
        self.name = pool.name
        self.pool = pool
        self.host = host
        self.port = port
        self.command = ""
        self.configuration = ""
        """The text of the main file."""

    def cpu(self) -> float | None:
        """Seconds of CPU time that the pool has used so far; None without one."""
        return None

    def rss(self) -> int | None:
        """Kilobytes that the pool holds; None without one."""
        return None


class RunningPool(Peer):
    """A pool that was started in a folder of its own. `stop` ends it."""

    def __init__(self, pool: Pool, folder: Path, server: Server, setup: Setup, clients: int) -> None:
        super().__init__(pool, "127.0.0.1", free_port())
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None
        self._place = Place(
            folder=folder,
            port=self.port,
            server_host=server.host(setup.by_socket),
            server_port=server.port,
            setup=setup,
            clients=clients,
            password=server.password,
            verifier=server.verifier,
        )
        self.command = shlex.join(pool.command(self._place))

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Write the files, start, and wait until a query comes through. Raises BenchFailed."""
        self._configure()
        with self._output.open("wb") as out:
            self._process = spawn(
                self.pool.command(self._place),
                account=self.pool.account(),
                at_our_death=signal.SIGKILL,
                env=self.pool.environment(self._place),
                cwd=self._place.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            self._server.pulse()
            if ended(self._process, 0.05):
                raise BenchFailed(f"{self.name} did not start; it said:\n{self._said()}")
            if time.monotonic() > deadline:
                raise BenchFailed(f"{self.name} answers no query within {_PATIENCE:.0f} s; it said:\n{self._said()}")

    def stop(self) -> None:
        """End it fast, with all that it has started; does nothing where it is not running."""
        if self._process is None:
            return
        members = list(family(self.pid))
        self._process.send_signal(signal.SIGINT)
        if not ended(self._process, _PATIENCE):
            self._process.kill()
            self._process.wait()
        for member in members:
            with contextlib.suppress(ProcessLookupError):  # a number that belongs to a stranger by now is left alone
                if os.getsid(member) == self._process.pid:
                    os.kill(member, signal.SIGKILL)
        self._process = None

    def cpu(self) -> float | None:
        self._check()
        return cpu_of_family(self.pid) if self.pool.forks else cpu_time(self.pid)

    def rss(self) -> int | None:
        self._check()
        return rss_of_family(self.pid)

    @property
    def _output(self) -> Path:
        return self._place.folder / "output"

    def _configure(self) -> None:
        folder, account = self._place.folder, self.pool.account()
        folder.mkdir(mode=0o711)
        identity = Authority(folder).issue("localhost")
        identity.cert_file.rename(self._place.certificate)
        identity.key_file.rename(self._place.key)
        files = self.pool.files(self._place)
        for name, text in files.items():
            (folder / name).write_text(text)
        self.configuration = next(iter(files.values())).replace(self._place.password, "***")
        self.pool.prepare(self._place)
        if account:
            for path in (folder, *folder.iterdir()):
                account.own(path)

    def _answers(self) -> bool:
        with contextlib.suppress(ProgramFailed):
            self._server.ask(self.host, self.port, "SELECT 1")
            return True
        return False

    def _check(self) -> None:
        """A pool that has died is a run that failed: its figures would be those of nobody."""
        if self._process is None or ended(self._process, 0):
            raise BenchFailed(f"{self.name} has ended in the middle of the run; it said:\n{self._said()}")

    def _said(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self._output.read_text(errors="replace").splitlines()[-_SAID:]) or "nothing"
        return "nothing"
