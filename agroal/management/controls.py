"""What the verbs need from a running daemon, and nothing more. The daemon implements it; the tests have a fake."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agroal.management.record import Line, Name, Record, Token
from agroal.management.snapshot import Snapshot


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


class Controls(Protocol):
    """A running daemon, as the verbs see it."""

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

    def snapshot(self) -> Snapshot: ...

    async def ping_servers(self) -> tuple[ServerPing, ...]:
        """Asks every server whether it answers, each within a bound of its own, in the order of the configuration."""

    def shutdown(self, mode: ShutdownMode, timeout: float | None) -> float | None:
        """Begins, hurries or takes back the end of the daemon. Returns at once: what follows is the daemon's business.

        `timeout`: seconds that a graceful end waits for the clients; 0 without end, None for `flush_timeout`.
        Returns how many seconds that is now; None when there is no end to them, or nothing to wait for.
        Raises ManagementError `refused`, for example when there is no shutdown to take back.
        """


@dataclass(frozen=True, slots=True)
class Call:
    """A request under way: what it acts on, and what whoever sent it may do."""

    controls: Controls
    role: Role
