"""The pools that are measured: how each is configured and started.

All get the same: one PostgreSQL behind them, session pooling, as many server connections, the reset query that they
have by default, and no log line for a client that comes or goes. What they are told differs only in their languages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import agroal
from agroal.demo.processes import Account, run
from tests.bench.failure import BenchFailed
from tests.bench.workloads import DATABASE, PROVEN, TRUSTED


@dataclass(frozen=True, slots=True)
class Place:
    """What a pool has to know."""

    folder: Path
    """Its own, for files and sockets."""
    port: int
    server_host: str
    """A host that begins with a slash is the directory of PostgreSQL's Unix socket."""
    server_port: int
    slots: int
    """Server connections at most."""
    password: str
    """Of both users."""
    verifier: str
    """What PostgreSQL has stored of it."""

    @property
    def certificate(self) -> Path:
        """For clients that want TLS."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"


class Pool:
    """A program that can be put in front of PostgreSQL."""

    name: str
    speaks_tls = False
    """It is configured for clients that want TLS."""
    forks = False
    """A process for each client: its CPU time is counted with that of all its children."""

    def version(self) -> str:
        raise NotImplementedError

    def account(self) -> Account | None:
        """Whom to run it as, where it refuses to run as root."""
        return Account.without_privileges()

    def files(self, place: Place) -> dict[str, str]:
        """Its configuration, the main file first."""
        raise NotImplementedError

    def prepare(self, place: Place) -> None:
        """What else must be done once its files are written."""

    def command(self, place: Place) -> list[str]:
        raise NotImplementedError

    def environment(self, place: Place) -> dict[str, str]:
        return {**os.environ, "HOME": str(place.folder)}


class Agroal(Pool):
    """agroal itself: of this checkout, or of another one, for before and after."""

    speaks_tls = True

    def __init__(self, name: str = "agroal", tree: Path | None = None) -> None:
        self.name = name
        self._tree = tree

    def version(self) -> str:
        return f"agroal {agroal.__version__}" if self._tree is None else f"agroal of {self._tree}"

    def account(self) -> Account | None:
        return None

    def files(self, place: Place) -> dict[str, str]:
        return {
            "agroal.conf": (
                f"[agroal]\nhost = 127.0.0.1\nport = {place.port}\nunix_socket_dir = {place.folder}\n"
                f"log_type = file\nlog_path = {place.folder}/agroal.log\nmax_connections = {place.slots}\n"
                f"tls = on\ntls_cert_file = {place.certificate}\ntls_key_file = {place.key}\n\n"
                f"[primary]\nhost = {place.server_host}\nport = {place.server_port}\nprimary = on\n"
            ),
            "agroal_hba.conf": f"host all {TRUSTED} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
            "agroal_databases.conf": f"{DATABASE} all {place.slots}\n",
        }

    def prepare(self, place: Place) -> None:
        self._admin(place, "-g", "master-key")
        for user in (TRUSTED, PROVEN):
            self._admin(place, "-f", str(place.folder / "agroal_users.conf"), "-U", user, "user", "add")

    def command(self, place: Place) -> list[str]:
        return [sys.executable, "-m", "agroal.main", "-D", str(place.folder)]

    def environment(self, place: Place) -> dict[str, str]:
        trees = [
            str(self._tree or Path(agroal.__file__).parents[1]),
            *os.environ.get("PYTHONPATH", "").split(os.pathsep),
        ]
        master_key = place.folder / "secret" / "master.key"
        path = os.pathsep.join(filter(None, trees))
        return {**os.environ, "AGROAL_MASTER_KEY_FILE": str(master_key), "PYTHONPATH": path}

    def _admin(self, place: Place, *arguments: str) -> None:
        environment = {**self.environment(place), "AGROAL_PASSWORD": place.password}
        run([sys.executable, "-m", "agroal.admin", *arguments], env=environment)


class Installed(Pool):
    """A pool whose program is looked for in PATH, or named by an environment variable."""

    def __init__(self, program: str) -> None:
        self.program = program

    @classmethod
    def variable(cls) -> str:
        """The environment variable that names another program than the one in PATH."""
        return f"AGROAL_BENCH_{cls.name.upper()}"

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> Pool | None:
        """None where it is not installed. Raises BenchFailed when the variable names what is no program."""
        named = environment.get(cls.variable())
        found = shutil.which(named or cls.name, path=environment.get("PATH"))
        if named and not found:
            raise BenchFailed(f"{cls.variable()} is {named}, which is not a program that can be run")
        return cls(str(Path(found).resolve())) if found else None

    def version(self) -> str:
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, timeout=10, check=False)
        lines = said.stdout.splitlines()  # whatever the exit status is: pgagroal's is 1
        if not lines:
            raise BenchFailed(f"{self.program} --version says nothing (status {said.returncode}): {said.stderr}")
        return lines[0].strip()


class PgBouncer(Installed):
    name = "pgbouncer"
    speaks_tls = True

    def files(self, place: Place) -> dict[str, str]:
        server = f"host={place.server_host} port={place.server_port} dbname={DATABASE}"
        return {
            "pgbouncer.ini": (
                f"[databases]\n{DATABASE} = {server}\n\n"
                f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {place.port}\nunix_socket_dir =\n"
                f"auth_type = hba\nauth_hba_file = {place.folder}/hba\nauth_file = {place.folder}/users\n"
                f"pool_mode = session\ndefault_pool_size = {place.slots}\nmax_client_conn = {place.slots + 100}\n"
                "log_connections = 0\nlog_disconnections = 0\n"
                f"client_tls_sslmode = allow\nclient_tls_cert_file = {place.certificate}\n"
                f"client_tls_key_file = {place.key}\nserver_tls_sslmode = disable\n"
            ),
            "hba": f"host all {TRUSTED} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
            "users": f'"{TRUSTED}" "{place.verifier}"\n"{PROVEN}" "{place.verifier}"\n',
        }

    def command(self, place: Place) -> list[str]:
        return [self.program, str(place.folder / "pgbouncer.ini")]


class Odyssey(Installed):
    name = "odyssey"

    def files(self, place: Place) -> dict[str, str]:
        storage = f'type "remote"\n\thost "{place.server_host}"\n\tport {place.server_port}'
        return {
            "odyssey.conf": (
                'daemonize no\nlog_format "%t %l %m\\n"\nlog_to_stdout yes\nlog_session no\nlog_stats no\n'
                f'workers 1\nresolvers 1\nlocks_dir "{place.folder}"\n'
                f'listen {{\n\thost "127.0.0.1"\n\tport {place.port}\n}}\n'
                f'storage "postgres" {{\n\t{storage}\n}}\n'
                f'database "{DATABASE}" {{\n{self._user(TRUSTED, "none", place)}{self._user(PROVEN, "", place)}}}\n'
            )
        }

    def command(self, place: Place) -> list[str]:
        return [self.program, str(place.folder / "odyssey.conf")]

    def _user(self, user: str, authentication: str, place: Place) -> str:
        own = f'\t\tauthentication "{authentication or "scram-sha-256"}"\n'
        own += f'\t\tpassword "{place.password}"\n' if not authentication else ""
        storage = f'\t\tstorage "postgres"\n\t\tstorage_user "{user}"\n\t\tstorage_password "{place.password}"\n'
        return f'\tuser "{user}" {{\n{own}{storage}\t\tpool "session"\n\t\tpool_size {place.slots}\n\t}}\n'


class Pgagroal(Installed):
    name = "pgagroal"
    forks = True

    def files(self, place: Place) -> dict[str, str]:
        return {
            "pgagroal.conf": (
                f"[pgagroal]\nhost = 127.0.0.1\nport = {place.port}\nunix_socket_dir = {place.folder}/\n"
                f"pidfile = {place.folder}/pgagroal.pid\nlog_type = console\nlog_level = warn\nlog_connections = off\n"
                f"log_disconnections = off\nmax_connections = {place.slots}\npipeline = session\n"
                "allow_unknown_users = true\nidle_timeout = 0\nvalidation = off\n\n"
                f"[primary]\nhost = {place.server_host}\nport = {place.server_port}\n"
            ),
            "pgagroal_hba.conf": "host all all all all\n",
            "pgagroal_databases.conf": f"{DATABASE} all {place.slots}\n",
        }

    def command(self, place: Place) -> list[str]:
        files = [("-c", "pgagroal.conf"), ("-a", "pgagroal_hba.conf"), ("-l", "pgagroal_databases.conf")]
        return [self.program, *(word for flag, name in files for word in (flag, str(place.folder / name)))]


INSTALLED: tuple[type[Installed], ...] = (PgBouncer, Pgagroal, Odyssey)
