"""What the verbs need from a running daemon, and nothing more. The daemon implements it; the tests have a fake.

What changes something takes `dry_run`: then nothing happens, and the answer says what would have. It raises the same
errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final, Protocol

from agroal.management.dump import Dump
from agroal.management.event import Event
from agroal.management.record import Line, Name, Record, Token
from agroal.management.snapshot import Snapshot
from agroal.pool.flushing import FlushMode

LONGEST_PASSWORD: Final = 8192
"""Characters: rotate_frontend_password_length goes no further."""


class Role(StrEnum):
    """What whoever asks may do. An admin may do everything."""

    MONITOR = "monitor"
    ADMIN = "admin"


class ShutdownMode(StrEnum):
    GRACEFULLY = "gracefully"
    IMMEDIATE = "immediate"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class ServerPing(Record):
    """Whether one PostgreSQL answers now."""

    name: Name
    host: Line
    port: int
    role: Token
    """primary, standby or unknown"""
    alive: bool
    rtt_us: int | None
    """Microseconds from the question to the answer; None when there was none."""
    error: Line | None


@dataclass(frozen=True, slots=True)
class Flushed(Record):
    """What a flush does to connections."""

    closed: int
    """Nobody used them: closed."""
    marked: int
    """Leased: closed when they come back."""
    killed: int
    """Leased: closed under their clients."""
    abandoned: int
    """Being opened: closed once they are open."""
    timeout_us: int | None
    """When those that are marked are closed under their clients; None when that is never, or there are none."""


@dataclass(frozen=True, slots=True)
class Switched(Record):
    """What enabling or disabling changes."""

    databases: tuple[Name, ...]
    """Those for which this makes a difference; `all` stands for all that were not named before."""
    clients: int
    """Connected to them: they go on."""


@dataclass(frozen=True, slots=True)
class Paused(Record):
    """What a pause, or the replacement of connections, leaves to be done."""

    databases: tuple[Name, ...]
    """As in Switched: those that were not paused before."""
    leased: int
    """Connections that clients hold: closed when they come back."""
    others: int
    """Connections that are being opened or closed."""
    held: int
    """Clients that wait until it is over."""
    waited_us: int | None
    """How long that was waited for; None when it was not."""


@dataclass(frozen=True, slots=True)
class Resumed(Record):
    databases: tuple[Name, ...]
    """Those that were paused."""
    held: int
    """Clients that go on."""


@dataclass(frozen=True, slots=True)
class Killed(Record):
    client: int
    user: Name
    database: Name
    address: Token
    state: Token
    """What it was doing."""


@dataclass(frozen=True, slots=True)
class Change(Record):
    """A difference between the configuration in force and a new one. Secrets are masked."""

    key: Name
    """A key of the main section, `server.NAME.KEY`, or the name of a file for its lines."""
    old: Line
    new: Line
    restart: bool
    """It waits for the next start."""


@dataclass(frozen=True, slots=True)
class Reloaded(Record):
    changes: tuple[Change, ...]
    notices: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Setting(Record):
    """One key of the configuration as it is in force. A secret is masked."""

    key: Name
    value: Line
    default: Line
    origin: Line
    """file:line, `conf set`, or `default`"""
    reloadable: bool
    pending: Line | None
    """The value that waits for a restart."""
    doc: Line


@dataclass(frozen=True, slots=True)
class ConfigurationFile(Record):
    role: Name
    """main, hba, limits, users, frontend_users, admins or superuser"""
    path: Line | None
    doc: Line


@dataclass(frozen=True, slots=True)
class Alias(Record):
    """A line of the databases file."""

    database: Name
    aliases: tuple[Name, ...]
    user: Name
    max: int
    initial: int
    min: int


@dataclass(frozen=True, slots=True)
class Password(Record):
    """Which one this user's clients have to know now. Never to be logged."""

    user: Name
    password: Annotated[str, LONGEST_PASSWORD] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogLine(Record):
    mono_us: int
    level: Token
    """fatal, error, warn, info, debug or trace"""
    text: Line
    """The line as it is in the log."""


class Controls(Protocol):
    """A running daemon, as the verbs see it. Every method raises ManagementError where it says no."""

    @property
    def version(self) -> str: ...

    @property
    def instance_id(self) -> str:
        """Another one after every start, so that a reader knows that the totals began anew."""

    @property
    def started_wall(self) -> float:
        """Seconds since 1970, UTC."""

    @property
    def started_mono(self) -> float:
        """Seconds on the clock of `now`."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""

    # -- looking

    def snapshot(self) -> Snapshot: ...

    async def ping_servers(self) -> tuple[ServerPing, ...]:
        """Asks every server whether it answers, each within a bound of its own, in the order of the configuration."""

    def events(self, after: int) -> Sequence[Event]:
        """The events of the ring whose number is greater, oldest first."""

    def log_tail(self, level: str, lines: int) -> Sequence[LogLine]:
        """The last lines of the log that are at least as grave as `level`, oldest first."""

    def settings(self, prefix: str) -> Sequence[Setting]:
        """The keys that are `prefix`, or begin with `prefix` and a dot; empty: all. `bad-argument` if there is none."""

    def files(self) -> Sequence[ConfigurationFile]:
        """All of them, in the order of the daemon's options."""

    def aliases(self) -> Sequence[Alias]:
        """The lines of the databases file."""

    def password(self, user: str) -> Password:
        """The password that was made up for this user. `refused` where none was: they don't rotate, or it is nobody."""

    # -- acting

    async def record(self, name: str, *, dry_run: bool) -> Dump:
        """Writes what the flight recorder has kept. `name` of the file; empty: the daemon's choice. `refused`."""

    def record_command(self, peer: str, command: str) -> None:
        """Somebody asked for something that changes the daemon, and was obeyed: for the log and the events."""

    def shutdown(self, mode: ShutdownMode, timeout: float | None, *, dry_run: bool) -> float | None:
        """Begins, hurries or takes back the end of the daemon. Returns at once: what follows is the daemon's business.

        `timeout`: seconds that a graceful end waits for the clients; 0 without end, None for `flush_timeout`.
        Returns how many seconds that is now; None when there is no end to them, or nothing to wait for.
        `refused`, for example when there is no shutdown to take back.
        """

    def flush(self, mode: FlushMode, database: str | None, timeout: float | None, *, dry_run: bool) -> Flushed:
        """Closes server connections of one database (or an alias of it), or of all (None).

        `timeout`, for FlushMode.GRACEFULLY: seconds after which those still leased are closed all the same; 0 never,
        None for `flush_timeout`. `bad-argument` when no pool and no limit knows the database.
        """

    def switch(self, database: str | None, enabled: bool, *, dry_run: bool) -> Switched:
        """Lets new clients into a database (or an alias of it), or into all (None), or refuses them."""

    async def pause(self, database: str | None, timeout: float | None, *, dry_run: bool) -> Paused:  # noqa: ASYNC109
        """Grants no more connections to a database (or an alias of it), or to any (None), and closes those there are.

        Those that are leased are closed when they come back. With a `timeout` it is waited for so many seconds until
        none is left; 0 waits without end. `bad-argument` when no pool and no limit knows the database.
        """

    def resume(self, database: str | None, *, dry_run: bool) -> Resumed:
        """Takes a pause back: whoever was held goes on. `bad-argument` as above."""

    async def reconnect(self, database: str | None, timeout: float | None, *, dry_run: bool) -> Paused:  # noqa: ASYNC109
        """Replaces the connections: those nobody uses now, the others when they come back. Otherwise as `pause`."""

    def kill(self, client: int, *, dry_run: bool) -> Killed:
        """Ends a client's connection. `refused` when there is no such client."""

    def clear_statistics(self, *, dry_run: bool) -> int:
        """All totals and histograms begin anew. Returns of how many pools."""

    async def reload(self, *, dry_run: bool) -> Reloaded:
        """Reads all files anew and applies what needs no restart. `configuration` with every problem of the files."""

    async def set(self, key: str, text: str, *, dry_run: bool) -> Change:
        """Changes one key until the next reload or start. `bad-argument` when the key or its value is none."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request under way: what it acts on, who sent it and what they may do."""

    controls: Controls
    role: Role | None
    """None: they may nothing."""
    peer: str = ""
    """Who asks, in words, for the log: `root (pid 4711)`, `ops@10.0.3.7:51422`."""
    dry_run: bool = False
