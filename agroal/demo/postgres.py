"""A PostgreSQL of our own: made, started, stopped, paused and killed, from a directory of binaries."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from agroal.demo.ports import free_port
from agroal.demo.processes import Account, ProgramFailed, ended, nothing, run, spawn
from agroal.errors import AgroalError

_LONGEST_SOCKET_PATH = 107
_PATIENCE = 30.0
"""Seconds until a start or a stop counts as failed."""

QUICK: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that nobody will miss."""

Haste = Literal["fast", "immediate"]
"""Whether a server that stops cleans up after itself (fast) or leaves that to its next start."""

_STOP = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class PostgresFailed(AgroalError):
    """PostgreSQL did not start or stop; the message ends with the last lines of its log."""


class Cluster:
    """One PostgreSQL instance on the loopback interface and on a Unix socket in `folder`; SCRAM for everybody.

    The superuser is `postgres` with `password`. `settings` are those of postgresql.conf, without quotes.
    With `mortal` the server is shut down by the kernel if this process dies without having stopped it (Linux).
    Under root it runs as another user, and `folder` is made passable for that one.
    """

    def __init__(
        self,
        folder: Path,
        binaries: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] = QUICK,
        mortal: bool = True,
        pulse: Callable[[], None] = nothing,
    ) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.user = "postgres"
        self.password = secrets.token_urlsafe(12)
        self.log = folder / "log"
        self.data = folder / "data"
        self._settings = settings
        self._mortal = mortal
        self._pulse = pulse
        self._account = Account.without_privileges()
        self._server: subprocess.Popen[bytes] | None = None
        self._crashed = False
        self._binaries = binaries
        socket = folder / f".s.PGSQL.{self.port}"
        if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
            raise AgroalError(
                f"{socket}: a Unix socket's path has at most {_LONGEST_SOCKET_PATH} bytes; set TMPDIR to a shorter one"
            )

    def __enter__(self) -> Self:
        try:
            self.create()
            self.start()
        except BaseException:
            self.stop("immediate")
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self._crashed:
            self.start()  # nothing else clears away the shared memory that a crash leaves
        self.stop("immediate")

    @property
    def pid(self) -> int:
        return self._running().pid

    def create(self) -> None:
        """Make the folder and the data directory (initdb)."""
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        if self._account:
            self.folder.chmod(0o711)
            self._account.own(self.folder)
            self._make_binaries_reachable()
        secret = self.folder / "password"
        secret.touch(0o600)
        secret.write_text(self.password)
        if self._account:
            self._account.own(secret)
        how = ["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", f"--username={self.user}"]
        self._run("initdb", *how, f"--pwfile={secret}", "-D", str(self.data))
        secret.unlink()
        settings = {
            "port": str(self.port),
            "listen_addresses": self.host,
            "unix_socket_directories": str(self.folder),
            **self._settings,
        }
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = {_quoted(value)}\n" for key, value in settings.items())

    def start(self) -> None:
        """Start the server and wait until it takes connections. Raises PostgresFailed."""
        deadline = time.monotonic() + _PATIENCE
        with self.log.open("ab") as log:
            self._server = spawn(
                [self.program("postgres"), "-D", str(self.data)],
                account=self._account,
                at_our_death=signal.SIGQUIT if self._mortal else None,
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._is_ready(self._server.pid):
            self._pulse()
            if ended(self._server, 0.02):
                raise PostgresFailed(f"PostgreSQL did not start:\n{self._end_of_log()}")
            if time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL did not start within {_PATIENCE:.0f} s:\n{self._end_of_log()}")
        self._crashed = False

    def stop(self, how: Haste = "fast") -> None:
        """Shut the server down, a paused one too; does nothing where it is not running. Raises PostgresFailed."""
        if self._server is None:
            return
        self._server.send_signal(_STOP[how])
        self.resume()
        if not ended(self._server, _PATIENCE):
            raise PostgresFailed(f"PostgreSQL did not stop within {_PATIENCE:.0f} s:\n{self._end_of_log()}")
        self._server = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def crash(self) -> None:
        """Kill every process of the server at once, as a power cut or the OOM killer would: nobody is told anything."""
        server = self._running()
        server.send_signal(signal.SIGSTOP)  # so that it starts nothing while its children are counted
        self._signal_children(signal.SIGKILL)
        server.kill()
        server.wait()
        self._server, self._crashed = None, True

    def pause(self) -> None:
        """Freeze every process of the server: connections stay, answers don't come."""
        self._running().send_signal(signal.SIGSTOP)
        self._signal_children(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_children(signal.SIGCONT)
        self._running().send_signal(signal.SIGCONT)

    def program(self, name: str) -> str:
        """The path of psql, pgbench, pg_ctl …"""
        return str(self._binaries / name)

    def environment(self, password: str | None = None) -> dict[str, str]:
        """The environment of a client program: the superuser's password or another, no PG* variable of the caller's."""
        ours = {
            "PGPASSWORD": password or self.password,
            "PGSSLMODE": "disable",
            "PGGSSENCMODE": "disable",
            "LC_ALL": "C",
        }
        return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | ours

    def psql(self, *commands: str, database: str = "postgres") -> str:
        """Run SQL as the superuser; rows as lines, columns separated by "|", nothing else. Raises ProgramFailed."""
        each = [word for command in commands for word in ("-c", command)]
        where = ["-h", self.host, "-p", str(self.port), "-U", self.user, "-d", database]
        command = [self.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, *each]
        return run(command, env=self.environment(), pulse=self._pulse).rstrip("\n")

    def _run(self, name: str, *arguments: str) -> str:
        command = [self.program(name), *arguments]
        return run(command, account=self._account, env=self.environment(), cwd=self.folder, pulse=self._pulse)

    def _make_binaries_reachable(self) -> None:
        """Copy the installation into the folder where the account can't run it in its place, as below /root."""
        with contextlib.suppress(ProgramFailed):
            self._run("postgres", "--version")
            return
        shutil.copytree(self._binaries.parent, self.folder / "installation", symlinks=True)
        self._binaries = self.folder / "installation" / self._binaries.name

    def _is_ready(self, pid: int) -> bool:
        """What the server says about itself in postmaster.pid: line 1 is its process, line 8 how far it is."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def _running(self) -> subprocess.Popen[bytes]:
        if self._server is None:
            raise PostgresFailed("PostgreSQL is not running")
        return self._server

    def _signal_children(self, signal: signal.Signals) -> None:
        for child in _children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal)

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _children(pid: int) -> Iterator[int]:
    """The children of a process (Linux). In /proc/N/stat the parent is the second word after the name in brackets."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == pid:
                yield int(stat.parent.name)
