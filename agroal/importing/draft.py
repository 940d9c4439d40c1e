"""What is to be written for one daemon: collected in memory, so that it can be shown, refused or written as a whole.

Nothing gets in that agroal could not read again: `put` asks the key itself, and the grammar of the main file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agroal.config import ini, tables
from agroal.config.hba import KEYWORDS
from agroal.config.keys import Key
from agroal.config.limits import ALL
from agroal.config.report import Report
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS

_KEYS = {key.name: key for key in KEYS}
_SERVER_KEYS = {key.name: key for key in SERVER_KEYS}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, and what is said above it."""

    text: str
    comment: str = ""


@dataclass(slots=True)
class Limit:
    """A line of the databases file that is to be."""

    database: str
    user: str
    size: int
    least: int = 0
    """Opened at the start, and kept."""
    aliases: list[str] = field(default_factory=list)
    pipeline: str = ""
    comment: str = ""

    def line(self) -> Line:
        names = ",".join(map(tables.quote, self.aliases))
        database = tables.quote(self.database) + (f"={names}" if names else "")
        columns = [database, tables.quote(self.user), str(self.size)]
        if self.least:
            columns += [str(self.least), str(self.least)]
        if self.pipeline:
            columns.append(f"pipeline={self.pipeline}")
        return Line("  ".join(columns), self.comment)


@dataclass(slots=True)
class Server:
    """A server's section."""

    name: str
    keys: dict[str, Line] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def put(self, key: str, value: str, comment: str = "") -> None:
        """Raises ValueError that says why the file could not give the key this value."""
        self.keys[key] = _spelled(_SERVER_KEYS[key], value, comment, self.environment)


@dataclass(slots=True)
class Draft:
    """The files of one daemon."""

    name: str = ""
    """Of the directory that is for it alone; empty when there is only one daemon."""
    settings: dict[str, Line] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    hba: list[Line] = field(default_factory=list)
    ident: list[Line] = field(default_factory=list)
    limits: list[Line] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict, repr=False)
    frontend_users: dict[str, str] = field(default_factory=dict, repr=False)
    admins: dict[str, str] = field(default_factory=dict, repr=False)
    superuser: dict[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables that paths may name; PgBouncer's name none."""

    def put(self, key: str, value: str, comment: str = "") -> None:
        """Raises ValueError that says why the file could not give the key this value."""
        self.settings[key] = _spelled(_KEYS[key], value, comment, self.environment)

    @property
    def vaults(self) -> Mapping[str, Mapping[str, str]]:
        """The files of users, by the suffix of their names; only those with somebody in them."""
        files = {
            "_users": self.users,
            "_frontend_users": self.frontend_users,
            "_admins": self.admins,
            "_superuser": self.superuser,
        }
        return {suffix: users for suffix, users in files.items() if users}


def name_column(names: list[str]) -> str:
    """Names for the DATABASE or the USER column of the hba file; nobody named is everybody."""
    return ",".join(tables.quote(name, always=name in KEYWORDS) for name in names) or ALL


def _spelled(key: Key, value: str, comment: str, environment: Mapping[str, str]) -> Line:
    key.parse(value, environment)
    text = f"{key.name} = {ini.quote(value)}"
    report = Report("")
    sections = ini.parse(f"[agroal]\n{text}\n", report)
    if report.problems or sections[0].entries[0].value != value:
        raise ValueError("expected a value that fits on one line, with at most one kind of quotes")
    return Line(text, comment)
