"""Where pictures come from: a running agroal, a recording, or the imagination. All look the same from here.

A Source is used by two threads at most: one that sits in `snapshots`, and one that asks the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from agroal.management.client import Event, Line, Name, Record, Token
from agroal.management.snapshot import Snapshot


class Lost(Exception):
    """The daemon can't be reached, or is gone; says why. Trying again may help."""


class Denied(Lost):
    """The daemon does not let us in. Trying again does not help."""


class Refused(Exception):
    """A verb was refused or failed. `code` is of the table in docs/management-protocol.md."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class LookingOnly(Refused):
    """What `command` of a read-only source raises for a verb that changes something."""

    def __init__(self) -> None:
        super().__init__("forbidden", "this is for looking only: nothing can be changed here")


@dataclass(frozen=True, slots=True)
class Hello(Record):
    """Who answers."""

    version: Token
    instance_id: Token
    role: Token
    """What we may do: monitor or admin."""
    features: tuple[Name, ...]
    started_us: int
    now_us: int
    """Both on the daemon's monotonic clock."""


@dataclass(frozen=True, slots=True)
class LogLine(Record):
    mono_us: int
    level: Token
    """fatal, error, warn, info, debug or trace"""
    text: Line


@dataclass(frozen=True, slots=True)
class Setting(Record):
    """A key of the configuration as it is in force. A secret is masked."""

    key: Name
    value: Line
    default: Line
    origin: Line
    """file:line, `conf set` or `default`"""
    reloadable: bool
    pending: Line | None
    """The value that waits for a restart."""
    doc: Line


@dataclass(frozen=True, slots=True)
class LimitLine(Record):
    """A line of the databases file, of the answer to `conf alias`."""

    database: Name
    aliases: tuple[Name, ...]
    user: Name
    max: int
    initial: int
    min: int


@dataclass(frozen=True, slots=True)
class ConfigurationFile(Record):
    """Of the answer to `conf ls`."""

    role: Name
    path: Line | None
    doc: Line


class Source(Protocol):
    @property
    def name(self) -> str:
        """What it is, for the status bar: a socket, a file."""

    @property
    def read_only(self) -> bool:
        """`command` refuses what would change something. Known after `hello`."""

    def hello(self) -> Hello:
        """Raises Lost."""

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        """Blocks between the items, about `interval` seconds. Ends after `close`. Raises Lost."""

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        """The result of a verb of the management protocol. Raises Refused, Lost."""

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        """The last lines of the log that are at least as grave as `level`, oldest first. Raises Refused, Lost."""

    def settings(self) -> list[Setting]:
        """Raises Refused, Lost."""

    def close(self) -> None:
        """May be called while another thread is in `snapshots`."""


LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
"""Of log lines, the least grave first."""
LOOKING = frozenset({"ping", "status", "status details", "events", "log tail", "conf ls", "conf get", "conf alias"})
"""The verbs that change nothing."""
