"""What the configuration files say, as values: checked, complete, immutable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from agroal.config.choices import (
    LogFormat,
    LogLevel,
    LogMode,
    LogType,
    Pipeline,
    ProcessTitle,
    ResetFailure,
    Validation,
)
from agroal.config.servers import ServerSettings
from agroal.config.settings import Settings
from agroal.errors import Problem

__all__ = [
    "ClientCert",
    "Configuration",
    "Files",
    "HbaLine",
    "HbaType",
    "IdentLine",
    "LimitLine",
    "LogFormat",
    "LogLevel",
    "LogMode",
    "LogType",
    "Method",
    "Name",
    "Network",
    "Pipeline",
    "ProcessTitle",
    "ResetFailure",
    "Scope",
    "ServerSettings",
    "Settings",
    "Validation",
]

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Files:
    """Where each file is. `main` and `hba` must exist; another is None when no flag names it and it is not there."""

    main: Path
    hba: Path
    ident: Path | None = None
    limits: Path | None = None
    users: Path | None = None
    frontend_users: Path | None = None
    admins: Path | None = None
    superuser: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    """By field: what made us look there, in words for a message (`-c`, `-D /srv/pool`, …)."""


class HbaType(StrEnum):
    """Which connections a line is about."""

    LOCAL = "local"  # the Unix socket
    HOST = "host"  # TCP, encrypted or not
    HOSTSSL = "hostssl"
    HOSTNOSSL = "hostnossl"


class Method(StrEnum):
    """How a client that a line matches proves who it is."""

    TRUST = "trust"
    REJECT = "reject"
    PASSWORD = "password"
    MD5 = "md5"
    SCRAM_SHA_256 = "scram-sha-256"
    CERT = "cert"
    ALL = "all"


class ClientCert(StrEnum):
    """What a line wants of a client's certificate besides its method. Any certificate that is shown has been verified.

    The values are those of the option `clientcert`.
    """

    OFF = ""
    VERIFY_CA = "verify-ca"
    """There must be one."""
    VERIFY_FULL = "verify-full"
    """Its common name must be the user's name."""


class Scope(StrEnum):
    """The words that may stand in the ADDRESS column instead of a network."""

    ALL = "all"
    SAMEHOST = "samehost"
    SAMENET = "samenet"


@dataclass(frozen=True, slots=True)
class Name:
    """An entry of the DATABASE or USER column.

    A keyword is `all`, `sameuser` or `replication` (databases), `all` (users). Quoted, the same word is the name of a
    database or a user: `"all"` is Name("all"), not Name("all", keyword=True).
    """

    text: str
    keyword: bool = False


@dataclass(frozen=True, slots=True)
class HbaLine:
    """One line of the hba file. The first that matches a client decides."""

    file: str
    line: int
    type: HbaType
    databases: tuple[Name, ...]
    users: tuple[Name, ...]
    address: Network | Scope | None
    """None exactly for `local`. Host bits are masked off, as in PostgreSQL."""
    method: Method
    clientcert: ClientCert = ClientCert.OFF
    map: str = ""
    """For `cert`: the map of the ident file that says who may be which user. Empty: everybody is themselves."""


@dataclass(frozen=True, slots=True)
class IdentLine:
    """One line of the ident file: the holder of such a certificate may be such a user. Any line that fits is enough."""

    file: str
    line: int
    map: str
    system: str | re.Pattern[str]
    """The common name in the certificate."""
    user: Name | re.Pattern[str]
    r"""`\1` in a name stands for what the first group of `system` has matched. The keyword is `all`."""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One line of the databases file: at most `max_size` server connections. `all` stands for any database or any user.

    The sizes are numbers, and 0 <= min_size <= initial_size <= max_size.
    """

    file: str
    line: int
    database: str
    aliases: tuple[str, ...]
    user: str
    max_size: int
    initial_size: int
    min_size: int
    pipeline: Pipeline | None = None
    """None: what the settings say."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the files say. Built by `load`, which has checked it."""

    settings: Settings
    servers: tuple[ServerSettings, ...]
    hba: tuple[HbaLine, ...]
    limits: tuple[LimitLine, ...]
    files: Files
    notices: tuple[Problem, ...] = ()
    """What was accepted, but should be known."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """`file:line` of each value that a file gives, by `key` or `server.<name>.key`; what is not here is a default."""
    ident: tuple[IdentLine, ...] = ()
    _aliases: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        aliases = {alias: limit.database for limit in self.limits for alias in limit.aliases}
        object.__setattr__(self, "_aliases", aliases)

    @property
    def primary(self) -> ServerSettings:
        """The server marked `primary = on`, else the first."""
        return next((server for server in self.servers if server.primary), self.servers[0])

    def alias(self, database: str) -> str:
        """The real name of a database: what the alias stands for, or the name itself."""
        return self._aliases.get(database, database)
