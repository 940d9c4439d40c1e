"""What the core asks the shell to do, in order, and why.

Every Connect is answered by exactly one `connected` or `connect_failed`, every Close by one `closed`, every Validate by
one `validated`, unless the slot is to be closed before, or has `closed` by itself. Every waiter gets exactly one Grant
or Refuse, or none when it cancels first, and at most one Notify before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agroal.errors import ClientFacing
from agroal.pool.slot import PoolKey


class CloseReason(StrEnum):
    """Why a connection to PostgreSQL ends. The value is for people, the name for programs."""

    IDLE = "nobody used it for idle_timeout"
    TOO_OLD = "it reached max_connection_age"
    FLUSHED = "it was flushed"
    MAKING_ROOM = "it made room for another pool"
    PASS_THROUGH = "its client had logged in to PostgreSQL by itself, so nobody else may use it"
    ABANDONED = "its client left before it was open"
    LIMIT_LOWERED = "its limit has been lowered"
    DIRTY = "it came back in the middle of something"
    RESET_FAILED = "the reset query failed"
    SPOKE_WHILE_IDLE = "PostgreSQL sent something while nobody used it"
    INVALID = "it did not answer when it was validated"
    LOST = "PostgreSQL closed it"
    PAUSED = "its database is paused"
    REPLACED = "it was to be replaced"
    SHUTTING_DOWN = "agroal is shutting down"


class RefuseReason(StrEnum):
    """Why a waiter leaves without a connection."""

    POOL_IS_FULL = "no connection became free in time"
    CONNECT_FAILED = "PostgreSQL could not be reached, or refused the connection"
    FLUSHED = "its connection was flushed while it was being opened"


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection and log in to it."""

    slot: int
    key: PoolKey
    waiter: int | None = None
    """The one client it is for, who logs in to PostgreSQL by itself."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The waiter has the slot's connection from now on. If the waiter is gone, answer with `decline`."""

    waiter: int
    slot: int
    lease: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The waiter gets no connection. Several waiters may be given the same error object."""

    waiter: int
    error: ClientFacing
    reason: RefuseReason


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the waiter that it is being waited with, and where it stands: it has waited for `wait_notice_timeout`."""

    waiter: int
    position: int
    """From 1, among those who wait for the same database and user."""
    error: ClientFacing | None
    """What the server said to the last connect, if it failed."""
    paused: bool = False
    """It is held: its database is paused."""


@dataclass(frozen=True, slots=True)
class Validate:
    """Ask the server whether it still works. Nobody holds the slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection. If the slot is leased, its client loses it; the lease ends with `closed` at the latest."""

    slot: int
    reason: CloseReason


Effect = Connect | Grant | Refuse | Notify | Validate | Close
