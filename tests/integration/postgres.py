"""A real PostgreSQL, whatever it runs on: databases and roles to test with, and what it sees."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import psycopg
from psycopg import sql

from agroal.demo.postgres import Haste
from tests.certificates import Authority, Identity
from tests.integration.waiting import wait_until

HBA = """\
# TYPE DATABASE USER ADDRESS METHOD
local all +let_in             trust
local all +in_clear           password
local all all                 md5
host  all +let_in   all       trust
host  all +in_clear all       password
host  all all       all       md5
"""
"""How a role comes in depends on its groups; with the method md5 PostgreSQL asks for SCRAM where it has a verifier."""

LET_IN, IN_CLEAR = "let_in", "in_clear"
"""Groups of roles from whom PostgreSQL asks no password, or a password in clear text."""


class Address(Protocol):
    """Where a PostgreSQL is, for its superuser."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...


class Server(Address, Protocol):
    """What runs a PostgreSQL: a container, or a cluster of processes."""

    def start(self) -> None: ...
    def stop(self, how: Haste = "fast") -> None: ...
    def crash(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


@dataclass(frozen=True)
class Activity:
    """A client's row of pg_stat_activity."""

    pid: int
    user: str
    database: str
    application_name: str
    state: str
    query: str
    backend_start: datetime


@dataclass(frozen=True)
class Login:
    """A role and its password."""

    name: str
    password: str


class Postgres:
    """A running PostgreSQL and its superuser."""

    def __init__(self, address: Address) -> None:
        self.host = address.host
        self.port = address.port
        self.superuser = Login(address.user, address.password)

    def connect(
        self, login: Login | None = None, database: str = "postgres", **options: Any
    ) -> psycopg.Connection[Any]:
        """Directly, without a pool; as the superuser unless a login is given."""
        who = login or self.superuser
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=who.name,
            password=who.password,
            dbname=database,
            **{"autocommit": True, "connect_timeout": 5, **options},
        )

    def query(self, text: str | sql.Composed, *parameters: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; its rows, if it has any."""
        with self.connect(database=database) as connection:
            cursor = connection.execute(text, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def activity(self, database: str | None = None, user: str | None = None) -> list[Activity]:
        """The client connections that PostgreSQL has, except the one that asks; the oldest first."""
        rows = self.query(
            "SELECT pid, coalesce(usename, ''), coalesce(datname, ''), application_name, coalesce(state, ''), query,"
            " backend_start FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " AND (%s::text IS NULL OR datname = %s) AND (%s::text IS NULL OR usename = %s) ORDER BY backend_start",
            *(database, database, user, user),
        )
        return [Activity(*row) for row in rows]

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            return self.query("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def set_hba(self, text: str) -> None:
        """Make this its pg_hba.conf, and wait until it is in force."""
        [(path,)] = self.query("SHOW hba_file")
        lines = sql.SQL("COPY (SELECT unnest({}::text[])) TO {}").format(
            sql.Literal(text.splitlines()), sql.Literal(path)
        )
        self.query(lines)
        self.reload()

    def reload(self) -> None:
        """Make it read its files again, and wait until new connections see the result."""
        [(before,)] = self.query("SELECT pg_conf_load_time()")
        self.query("SELECT pg_reload_conf()")
        wait_until(lambda: self.query("SELECT pg_conf_load_time()") != [(before,)], "PostgreSQL reloads its files")

    def offer_tls(self, identity: Identity, authority: Authority) -> None:
        """From now on, with this certificate; a client may show one that this authority has signed."""
        files = {"crt": identity.cert_file, "key": identity.key_file, "ca": authority.ca_file}
        for name, file in files.items():
            lines = sql.Literal(file.read_text().splitlines())
            target = sql.Literal(f"umask 077 && cat > agroal.{name}")  # in its data directory, wherever that is
            self.query(sql.SQL("COPY (SELECT unnest({}::text[])) TO PROGRAM {}").format(lines, target))
        for setting, name in {"ssl_cert_file": "crt", "ssl_key_file": "key", "ssl_ca_file": "ca"}.items():
            change = sql.SQL("ALTER SYSTEM SET {} = {}")
            self.query(change.format(sql.Identifier(setting), sql.Literal(f"agroal.{name}")))
        self.switch_tls(True)

    def switch_tls(self, on: bool) -> None:
        """Offer what `offer_tls` has prepared, or don't."""
        self.query(sql.SQL("ALTER SYSTEM SET ssl = {}").format(sql.Literal("on" if on else "off")))
        self.reload()

    def prepare(self) -> None:
        """Once for each server: the groups of roles and the HBA that goes with them."""
        for group in (LET_IN, IN_CLEAR):
            self.query(sql.SQL("CREATE ROLE {}").format(sql.Identifier(group)))
        self.set_hba(HBA)

    @contextmanager
    def new_database(self, name: str) -> Iterator[Database]:
        """A new database with a unique name that begins with `name`; gone at the end, whoever is connected."""
        database = Database(self, f"{name[:40]}_{secrets.token_hex(4)}")
        self.query(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database.name)))
        try:
            database.scram = database.role("scram")
            database.md5 = database.role("md5", encryption="md5")
            yield database
        finally:
            database.drop()


@dataclass
class Database:
    """A database of a test, with a role whose password is stored as a SCRAM verifier and one with an md5 hash."""

    postgres: Postgres
    name: str
    scram: Login = field(init=False)
    md5: Login = field(init=False)
    logins: list[Login] = field(default_factory=list)
    """All its roles."""

    def role(self, name: str, *, encryption: str = "scram-sha-256", groups: Sequence[str] = ()) -> Login:
        """One more role that may do everything in this database."""
        login = Login(f"{self.name}_{name}", secrets.token_urlsafe(9))
        role = sql.Identifier(login.name)
        with self.postgres.connect(database=self.name) as connection:
            connection.execute(sql.SQL("SET password_encryption = {}").format(sql.Literal(encryption)))
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(login.password)))
            connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(role))
            for group in groups:
                connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), role))
        self.logins.append(login)
        return login

    def query(self, text: str, *parameters: object) -> list[tuple[Any, ...]]:
        """As the superuser, directly."""
        return self.postgres.query(text, *parameters, database=self.name)

    def activity(self, user: Login | None = None) -> list[Activity]:
        """Who is connected to this database."""
        return self.postgres.activity(self.name, user.name if user else None)

    def drop(self) -> None:
        self.postgres.query(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
        for login in self.logins:
            self.postgres.query(sql.SQL("DROP ROLE {}").format(sql.Identifier(login.name)))


class OwnPostgres(Postgres):
    """A server that a test may stop, start, pause and kill. Its Unix socket is in `socket_dir`, if it is at hand."""

    database: Database

    def __init__(self, server: Server, socket_dir: str | None = None) -> None:
        super().__init__(server)
        self.socket_dir = socket_dir
        self._server = server
        self._is_running = True
        self._is_paused = False

    def start(self) -> None:
        self._server.start()
        self._is_running = True
        wait_until(self.is_ready, "PostgreSQL takes connections")

    def stop(self, how: Haste = "fast") -> None:
        """Either way it takes leave of its clients (57P01, 57P02); after "immediate" it has to recover at its start."""
        self._server.stop(how)
        self._is_running = False

    def restart(self, how: Haste = "fast") -> None:
        self.stop(how)
        self.start()

    def crash(self) -> None:
        """All its processes that serve clients are killed, and it starts anew by itself."""
        victims = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        pids = " ".join(str(pid) for (pid,) in self.query(victims))
        with self.connect() as connection, suppress(psycopg.OperationalError):
            connection.execute(f"COPY (SELECT 1) TO PROGRAM 'kill -9 {pids} $PPID'")
        wait_until(self.is_ready, "PostgreSQL takes connections")

    def kill(self) -> None:
        """As a power cut would: nobody hears a word."""
        self._server.crash()
        self._is_running = False

    def pause(self) -> None:
        """Connections stay, answers don't come."""
        self._server.pause()
        self._is_paused = True

    def unpause(self) -> None:
        self._server.resume()
        self._is_paused = False

    def recover(self) -> None:
        """Make it run again, whatever was done to it."""
        if self._is_paused:
            self.unpause()
        if not self._is_running:
            self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Down within, up again afterwards."""
        self.stop()
        yield
        self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Frozen within."""
        self.pause()
        yield
        self.unpause()
