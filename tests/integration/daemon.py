"""A real agroal: its files, its process, how to talk to it, and what it must be like when a test is done with it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

import psycopg

from agroal.auth.vault import MasterKey, write_users
from agroal.cli import main as agroal_cli
from agroal.demo import scratch
from agroal.demo.ports import free_port
from agroal.demo.processes import ended, spawn
from agroal.demo.report import Report
from agroal.errors import ManagementError
from agroal.management.client import ManagementClient, socket_path
from agroal.management.snapshot import Snapshot
from tests.integration.postgres import Database, Login
from tests.integration.programs import client_program
from tests.integration.remains import OWN_TASKS, AtRest, descriptors_beside_servers
from tests.integration.waiting import wait_until

HBA = """\
local all all      scram-sha-256
host  all all all  scram-sha-256
"""

_GRAVE = re.compile(r" (ERROR|FATAL) |Traceback|never retrieved|Exception ignored|[a-z]Warning: ")

_LONG = 8
"""Characters of a password that nothing contains by chance."""


@dataclass(frozen=True)
class Key:
    """A master key and the file where programs find it."""

    path: Path
    master: MasterKey

    @classmethod
    def create(cls, path: Path) -> Self:
        return cls(path, MasterKey.create(path, "Not-so-secret-1", os.urandom))


class Agroal:
    """One daemon in front of one PostgreSQL. Its users are the roles of the database, unless `users` says otherwise.

    `settings` go into the main section of agroal.conf, `server` into that of the server; `limits`, `hba` and `ident`
    are files.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        key: Key,
        *,
        hba: str = HBA,
        limits: str = "",
        ident: str = "",
        users: Mapping[str, str] | None = None,
        frontend_users: Mapping[str, str] | None = None,
        superuser: Login | None = None,
        admins: Mapping[str, str] | None = None,
        server: Mapping[str, object] | None = None,
        **settings: object,
    ) -> None:
        self.database = database
        self.host = "127.0.0.1"
        self.port = free_port()
        self.folder = folder
        self.own_tasks = OWN_TASKS
        self.own_connections = 0
        """To PostgreSQL, beside those of the pool."""
        self.started_by: Sequence[str] = ()
        """A command that becomes the daemon, whose command line it is given."""
        self.passed: Sequence[int] = ()
        """File descriptors for that command."""
        self.told: dict[str, str] = {}
        """What else is in its environment."""
        self._key = key
        self._out = self.folder / "out"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._connections: list[psycopg.Connection[Any]] = []
        self._allowed: list[re.Pattern[str]] = []
        self._passwords: set[str] = set()
        known = {login.name: login.password for login in database.logins} if users is None else users
        self.write_users(known)
        if frontend_users:
            self.write_users(frontend_users, "agroal_frontend_users.conf")
        if superuser:
            self.write_users({superuser.name: superuser.password}, "agroal_superuser.conf")
        if admins:
            self.write_users(admins, "agroal_admins.conf")
        self.write("agroal_hba.conf", hba)
        self.write("agroal_databases.conf", limits)
        self.write("agroal_ident.conf", ident)
        self.configure(server, **settings)

    def configure(self, server: Mapping[str, object] | None = None, **settings: object) -> None:
        """Write agroal.conf. It counts from the next start or reload on."""
        main = {"host": self.host, "port": self.port, "unix_socket_dir": self.folder, **settings}
        postgres = {"host": self.database.postgres.host, "port": self.database.postgres.port, **(server or {})}
        self.write("agroal.conf", f"[agroal]\n{_lines(main)}\n[primary]\n{_lines(postgres)}")

    def write_users(self, known: Mapping[str, str], name: str = "agroal_users.conf") -> None:
        """Write the vault, or another file of users: who is known, and with which password."""
        self._passwords |= set(known.values())
        write_users(self.folder / name, self._key.master, known, os.urandom)

    def write(self, name: str, text: str) -> None:
        """Write one of the files."""
        (self.folder / name).write_text(text)

    # Its life

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._out.open("ab") as out:
            self._daemon = spawn(
                [*self.started_by, sys.executable, "-m", "agroal.main", "-D", str(self.folder)],
                at_our_death=signal.SIGKILL,
                env={**self.environment(), **self.told},
                pass_fds=self.passed,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        wait_until(lambda: self._answers() or ended(self._process, 0), "agroal answers")
        if not self.is_running:
            raise AssertionError(f"agroal did not start:\n{self.log}")
        picture = wait_until(self._opens_nothing, "agroal has opened what it opens at the start")
        assert picture
        self._descriptors = descriptors_beside_servers(self.pid, picture)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout: float = 15.0) -> int:
        """Wait until it has ended; its exit status."""
        assert ended(self._process, timeout), f"agroal did not end:\n{self.log}"
        return self._process.returncode

    def stop(self) -> int:
        """SIGTERM: a graceful end, that is, when the last client has gone. The exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL; nothing is asked of it at the end of the test."""
        self._process.kill()
        self.wait()
        self._daemon = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._daemon is not None and self._daemon.poll() is None

    @property
    def log(self) -> str:
        """Everything that it said so far."""
        return self._out.read_text(errors="replace") if self._out.exists() else ""

    def allow_in_log(self, pattern: str) -> None:
        """Such lines are no reason to fail, however grave they are."""
        self._allowed.append(re.compile(pattern))

    # Its clients

    def dsn(self, login: Login | None = None, *, database: str | None = None, host: str | None = None) -> str:
        """A URI for drivers and programs, by default with the role `scram`. A `host` may be a socket's directory."""
        who, name = login or self.database.scram, database or self.database.name
        where = urlencode({"host": host or self.host, "port": self.port})
        user, password, path = (quote(part, safe="") for part in (who.name, who.password, name))
        return f"postgresql://{user}:{password}@/{path}?{where}"

    def connect(self, login: Login | None = None, **options: Any) -> psycopg.Connection[Any]:
        """A connection of psycopg, without a transaction around each statement; closed at the end at the latest."""
        options = {"autocommit": True, "connect_timeout": 10, **options}
        where = {name: options.pop(name) for name in ("database", "host") if name in options}
        connection = psycopg.connect(self.dsn(login, **where), **options)
        self._connections.append(connection)
        return connection

    def psql(
        self, *arguments: str, login: Login | None = None, database: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run psql: with `-c SQL`, for instance. Its output is unaligned, without headers."""
        options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")
        return self._program("psql", *options, *arguments, login=login, database=database)

    def pgbench(self, *arguments: str, login: Login | None = None) -> Report:
        """Run pgbench to its end, on the tables that it made before."""
        result = self._program("pgbench", "-n", *arguments, login=login)
        assert result.returncode == 0, result.stderr
        return Report.parse(result.stdout)

    def _program(
        self, name: str, *arguments: str, login: Login | None, database: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        dsn = self.dsn(login, database=database)
        where = [dsn] if name == "pgbench" else ["-d", dsn]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        command = [client_program(name), *arguments, *where]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)

    # Its management

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run agroal-cli."""
        command = [sys.executable, "-m", "agroal.cli", "-D", str(self.folder), *arguments]
        environment = self.environment()
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Do what agroal-cli does, in this process: without a start of Python for each question."""
        command = ["--socket", str(socket_path(self.folder, self.port)), *arguments]
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            status = agroal_cli(command)
        return subprocess.CompletedProcess(command, status, out.getvalue(), err.getvalue())

    def manage(self, *verb: str) -> dict[str, Any]:
        """What agroal-cli answers to a verb, as a program reads it."""
        result = self.command("--format", "json", *verb)
        assert result.returncode == 0, f"{result.stdout}{result.stderr}"
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer["result"]  # type: ignore[no-any-return]

    def snapshot(self) -> Snapshot:
        """The whole picture, straight from the management socket."""
        with ManagementClient(socket_path(self.folder, self.port)) as client:
            return Snapshot.from_json(client.call("snapshot"))

    def environment(self) -> dict[str, str]:
        return {**os.environ, "AGROAL_MASTER_KEY_FILE": str(self._key.path)}

    # The end

    def come_to_rest(self) -> None:
        """Send the clients home, and see that nothing of them remains: no lease, no task, no file descriptor."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        descriptors = self._descriptors + self.own_connections
        wait_until(
            lambda: AtRest.of(self.snapshot(), self.pid, descriptors, self.own_tasks),
            "nothing remains of clients that have gone",
        )

    def close(self) -> None:
        """Send the clients home, stop the daemon, and see that it kept nothing of what it was given."""
        try:
            if self.is_running:
                self.come_to_rest()
                self.stop()
            for connection in self._connections:
                connection.close()
            if self._daemon:
                assert self._daemon.returncode == 0, f"agroal's exit status is {self._daemon.returncode}"
            grave = [line for line in self.log.splitlines() if _GRAVE.search(line)]
            assert not self._spilt(), "a password or a key is in a file that agroal has written"
            unforeseen = [line for line in grave if not any(allowed.search(line) for allowed in self._allowed)]
            assert not unforeseen, "agroal's log has grave lines:\n" + "\n".join(unforeseen)
        finally:
            if self.is_running:
                self.kill()
            scratch.remove(self.folder)

    def _spilt(self) -> list[str]:
        """The passwords of this test that can be read in its folder."""
        texts = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".sql"]
        known = {login.password for login in self.database.logins} | self._passwords
        return [secret for secret in known if len(secret) >= _LONG and any(secret.encode() in text for text in texts)]

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self._daemon, "agroal has not been started, or was killed"
        return self._daemon

    def _answers(self) -> bool:
        with suppress(ManagementError):
            self.snapshot()
            return True
        return False

    def _opens_nothing(self) -> Snapshot | None:
        picture = self.snapshot()
        return None if any(slot.state == "init" for slot in picture.slots) else picture


@contextmanager
def launcher(parent: Path, key: Key, running: list[Agroal]) -> Iterator[Callable[..., Agroal]]:
    """Makes daemons (the arguments are Agroal's), and closes them all. Those alive are in `running`."""

    def launch(database: Database, **how: Any) -> Agroal:
        agroal = Agroal(database, scratch.make("agroal-", parent), key, **how)
        running.append(agroal)
        stack.callback(running.remove, agroal)
        stack.callback(agroal.close)
        agroal.start()
        return agroal

    with ExitStack() as stack:
        yield launch


def _lines(section: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_spelled(value)}\n" for key, value in section.items())


def _spelled(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
