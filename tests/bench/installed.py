"""The other pools: programs that are in PATH, or that an environment variable names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.bench.failure import BenchFailed
from tests.bench.pools import HBA, USERS, Place, Pool
from tests.bench.setups import DATABASE, PROVEN, Mode, Setup
from tests.bench.workloads import Fairness, Workload


class Installed(Pool):
    """A pool whose program is looked for in PATH, or named by an environment variable."""

    kind: str
    """The name of the program."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.name = self.kind

    @classmethod
    def variable(cls) -> str:
        """The environment variable that names other programs than the one in PATH: one or more, as PATH has them."""
        return f"AGROAL_BENCH_{cls.kind.upper()}"

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> list[Self]:
        """All that are installed, the newest first; several are named by their versions.

        Raises BenchFailed when the variable names what is no program.
        """
        named = environment.get(cls.variable(), "")
        pools = []
        for program in filter(None, named.split(os.pathsep) if named else [cls.kind]):
            if found := shutil.which(program, path=environment.get("PATH")):
                pools.append(cls(str(Path(found).resolve())))
            elif named:
                raise BenchFailed(f"{cls.variable()} names {program}, which is not a program that can be run")
        if len(pools) > 1:
            for pool in pools:
                pool.name = f"{cls.kind}-{'.'.join(map(str, pool.number()))}"
        if len({pool.name for pool in pools}) < len(pools):
            raise BenchFailed(f"{cls.variable()} names the same version twice: {named}")
        return sorted(pools, key=cls.number, reverse=True)

    def number(self) -> tuple[int, ...]:
        """The version, to compare. Raises BenchFailed where it has none."""
        if found := re.search(r"\d+(\.\d+)+", self.version()):
            return tuple(map(int, found[0].split(".")))
        raise BenchFailed(f"{self.program} does not say its number: {self.version()}")

    def version(self) -> str:
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, timeout=10, check=False)
        lines = said.stdout.splitlines()  # whatever the exit status is: pgagroal's is 1
        if not lines:
            raise BenchFailed(f"{self.program} --version says nothing (status {said.returncode}): {said.stderr}")
        return lines[0].strip()


class PgBouncer(Installed):
    kind = "pgbouncer"
    speaks_tls = True

    def lacks(self, workload: Workload) -> str:
        if workload.prepares and not self._follows_statements():
            return "it does not follow prepared statements from one transaction to the next (PgBouncer does since 1.21)"
        return super().lacks(workload)

    def files(self, place: Place) -> dict[str, str]:
        server = f"host={place.server_host} port={place.server_port} dbname={DATABASE}"
        return {
            "pgbouncer.ini": (
                f"[databases]\n{DATABASE} = {server}\n\n"
                f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {place.port}\nunix_socket_dir =\n"
                f"auth_type = hba\nauth_hba_file = {place.folder}/hba\nauth_file = {place.folder}/users\n"
                f"{self._pooling(place.setup)}max_client_conn = {place.clients}\n"
                "log_connections = 0\nlog_disconnections = 0\n"
                f"client_tls_sslmode = allow\nclient_tls_cert_file = {place.certificate}\n"
                f"client_tls_key_file = {place.key}\nserver_tls_sslmode = disable\n"
            ),
            "hba": HBA,
            "users": "".join(f'"{user}" "{place.verifier}"\n' for user in USERS),
        }

    def command(self, place: Place) -> list[str]:
        return [self.program, str(place.folder / "pgbouncer.ini")]

    def _pooling(self, setup: Setup) -> str:
        """The cap is that of all users together, and one of them may have it all."""
        text = f"pool_mode = {setup.mode}\n"
        text += f"default_pool_size = {setup.servers}\nmax_db_connections = {setup.servers}\n"
        if setup.mode is Mode.TRANSACTION and self._follows_statements():
            text += "max_prepared_statements = 200\n"
        return text

    def _follows_statements(self) -> bool:
        return self.number() >= (1, 21)


class Odyssey(Installed):
    kind = "odyssey"
    speaks_tls = True

    def lacks(self, workload: Workload) -> str:
        if isinstance(workload, Fairness):
            return "each of its users has a limit of their own, there is none that they share"
        return super().lacks(workload)

    def files(self, place: Place) -> dict[str, str]:
        by_socket = place.setup.by_socket  # which it takes where no host is named
        directory = f'unix_socket_dir "{place.server_host}"\nunix_socket_mode "0644"\n' if by_socket else ""
        host = "" if by_socket else f'\n\thost "{place.server_host}"'
        tls = f'tls "allow"\n\ttls_cert_file "{place.certificate}"\n\ttls_key_file "{place.key}"'
        users = "".join(self._user(user, place) for user in USERS)
        return {
            "odyssey.conf": (
                'daemonize no\nlog_format "%t %l %m\\n"\nlog_to_stdout yes\nlog_session no\nlog_stats no\n'
                f'workers 1\nresolvers 1\nlocks_dir "{place.folder}"\n{directory}'
                f'listen {{\n\thost "127.0.0.1"\n\tport {place.port}\n\t{tls}\n}}\n'
                f'storage "postgres" {{\n\ttype "remote"{host}\n\tport {place.server_port}\n}}\n'
                f'database "{DATABASE}" {{\n{users}}}\n'
            )
        }

    def command(self, place: Place) -> list[str]:
        return [self.program, str(place.folder / "odyssey.conf")]

    def _user(self, user: str, place: Place) -> str:
        method = f'"scram-sha-256"\n\t\tpassword "{place.password}"' if user == PROVEN else '"none"'
        storage = f'storage "postgres"\n\t\tstorage_user "{user}"\n\t\tstorage_password "{place.password}"'
        pool = f'pool "{place.setup.mode}"\n\t\tpool_size {place.setup.servers}'
        if place.setup.mode is Mode.TRANSACTION:
            pool += "\n\t\tpool_discard no\n\t\tpool_reserve_prepared_statement yes"
        return f'\tuser "{user}" {{\n\t\tauthentication {method}\n\t\t{storage}\n\t\t{pool}\n\t}}\n'


class Pgagroal(Installed):
    kind = "pgagroal"
    forks = True

    def lacks_mode(self, mode: Mode) -> str:
        return "" if mode is Mode.SESSION else "its transaction pipeline wants each user's servers opened in advance"

    def files(self, place: Place) -> dict[str, str]:
        return {
            "pgagroal.conf": (
                f"[pgagroal]\nhost = 127.0.0.1\nport = {place.port}\nunix_socket_dir = {place.folder}/\n"
                f"pidfile = {place.folder}/pgagroal.pid\nlog_type = console\nlog_level = warn\nlog_connections = off\n"
                f"log_disconnections = off\nmax_connections = {place.setup.servers}\npipeline = session\n"
                "allow_unknown_users = true\nidle_timeout = 0\nvalidation = off\n\n"
                f"[primary]\nhost = {place.server_host}\nport = {place.server_port}\n"
            ),
            "pgagroal_hba.conf": "host all all all all\n",
            "pgagroal_databases.conf": f"{DATABASE} all {place.setup.servers}\n",
        }

    def command(self, place: Place) -> list[str]:
        files = [("-c", "pgagroal.conf"), ("-a", "pgagroal_hba.conf"), ("-l", "pgagroal_databases.conf")]
        return [self.program, *(word for flag, name in files for word in (flag, str(place.folder / name)))]


INSTALLED: tuple[type[Installed], ...] = (PgBouncer, Pgagroal, Odyssey)
