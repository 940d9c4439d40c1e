"""What the doctor has found out, before it judges. Everything in it is a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agroal.config.model import Configuration, ServerSettings
from agroal.daemon.files import Secrets
from agroal.management.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class File:
    """A file or directory that matters."""

    path: Path
    what: str
    """What it is for, in words."""
    mode: int
    """Permission bits."""
    mine: bool = True
    """It belongs to whoever runs the doctor."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A place where the daemon wants to listen."""

    where: str
    trouble: str
    """Why nobody can listen there now; empty when it is free."""
    taken: bool = False
    """Because somebody else does."""


@dataclass(frozen=True, slots=True)
class Certificate:
    key: str
    """The configuration key that names its file, or where it was shown."""
    subject: str
    issuer: str
    not_before: float
    not_after: float
    """Seconds since the epoch."""
    signed_by_next: bool = True
    """By the one after it in the file; true of the last."""


@dataclass(frozen=True, slots=True)
class Login:
    """What became of a log-in."""

    user: str
    database: str
    sqlstate: str = ""
    error: str = ""
    """Empty when it worked."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role as PostgreSQL knows it."""

    kind: str | None
    """How its password is stored: scram, md5, other, none; None when we may not see it."""
    can_login: bool = True
    expired: bool = False
    limit: int = -1
    """Most connections; -1 is no bound."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `auth_query` can do."""

    user: str
    database: str
    error: str = ""
    superuser: bool = False
    answers: bool = False
    """A role's row came back."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of itself."""

    user: str
    """Who asked."""
    version: int
    """As 170002."""
    standby: bool
    settings: Mapping[str, str]
    connections: int
    """Of clients, without ours."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Those that the files name and that exist."""
    databases: Mapping[str, int] = field(default_factory=dict)
    """Those that exist, with the most connections of each; -1 is no bound."""
    reset_error: str = ""
    """Why `server_reset_query` is none; empty when it is fine."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One server of the configuration."""

    server: ServerSettings
    primary: bool
    addresses: tuple[str, ...] = ()
    deaf: tuple[str, ...] = ()
    """Those of them at which nobody takes a connection."""
    lookup_seconds: float = 0.0
    lookup_error: str = ""
    logins: tuple[Login, ...] = ()
    unreachable: str = ""
    """Why nobody could even try to log in."""
    tls: str = ""
    """The version in use; empty without."""
    certificates: tuple[Certificate, ...] = ()
    """What it has shown."""
    facts: Facts | None = None
    asked: Asked | None = None
    """Only of the primary, and only with `auth_query`."""

    @property
    def reached(self) -> bool:
        return not self.unreachable and not self.lookup_error


@dataclass(frozen=True, slots=True)
class Patient:
    """An agroal, running or not, and what it stands on."""

    directory: str
    now: float
    """Seconds since the epoch."""
    problems: tuple[str, ...] = ()
    """What is wrong with the files; with any, there is no configuration."""
    configuration: Configuration | None = None
    secrets: Secrets | None = None
    secrets_problem: str = ""
    descriptors: int = 1 << 20
    """How many this process may have at most."""
    files: tuple[File, ...] = ()
    listening: tuple[Listening, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    """Our own, and those of the authorities that we trust."""
    weak_ciphers: tuple[str, ...] = ()
    servers: tuple[Seen, ...] = ()
    daemon: Snapshot | None = None
    silence: str = ""
    """Why the daemon does not answer."""

    @property
    def primary(self) -> Seen | None:
        return next((seen for seen in self.servers if seen.primary), None)

    @property
    def facts(self) -> Facts | None:
        """Of the primary."""
        return self.primary.facts if self.primary else None
