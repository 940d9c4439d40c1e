"""A slot: one of `max_connections` seats, each empty or holding one connection to PostgreSQL.

Rules
1. A slot counts against its limit and against `max_connections` in every state but not-init: while its connection is
   being opened, and while it is being closed until PostgreSQL's side is gone. So PostgreSQL never sees more of us than
   a cap allows.
2. Only `Slot.move` writes a state, and only along TRANSITIONS. Anything else is our own bug: IllegalTransition.
3. A slot is leased in in-use and gracefully. Every grant has a lease number of its own, and a slot has at most one.
4. From flush, idle-check, max-connection-age and remove the only way is out. pgagroal *looks at* a connection in
   idle-check and max-connection-age. Here looking takes no time, so these are the states of a connection that was found
   wanting and is being closed.
5. In init the only way is the outcome of the connect. Who no longer wants the connection waits for the outcome, too:
   so no late word about one connection can be taken for a word about the next in the same slot.

docs/slots.md shows the table as a diagram, drawn by `diagram` below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from agroal.errors import IllegalTransition

if TYPE_CHECKING:
    from agroal.pool.effects import CloseReason
    from agroal.pool.lanes import Lane


class SlotState(StrEnum):
    """pgagroal's ten states, in its words."""

    NOT_INIT = "not-init"  # empty
    INIT = "init"  # a connection is being opened
    FREE = "free"  # logged in, clean, nobody's
    IN_USE = "in-use"  # leased
    GRACEFULLY = "gracefully"  # leased, and closed when it comes back
    FLUSH = "flush"  # being closed by a flush, a pause or a reconnect
    IDLE_CHECK = "idle-check"  # being closed: nobody wanted it for too long
    MAX_CONNECTION_AGE = "max-connection-age"  # being closed: too old
    VALIDATION = "validation"  # being asked whether it is alive
    REMOVE = "remove"  # being closed for any other reason


# An enum's members are slow to look up through the class (Python 3.11), and these are looked up for every query.
NOT_INIT: Final = SlotState.NOT_INIT
INIT: Final = SlotState.INIT
FREE: Final = SlotState.FREE
IN_USE: Final = SlotState.IN_USE
GRACEFULLY: Final = SlotState.GRACEFULLY
FLUSH: Final = SlotState.FLUSH
IDLE_CHECK: Final = SlotState.IDLE_CHECK
MAX_CONNECTION_AGE: Final = SlotState.MAX_CONNECTION_AGE
VALIDATION: Final = SlotState.VALIDATION
REMOVE: Final = SlotState.REMOVE

TRANSITIONS: Final[Mapping[SlotState, Mapping[SlotState, str]]] = {
    NOT_INIT: {INIT: "a connect begins"},
    INIT: {
        FREE: "connected",
        IN_USE: "connected, and granted",
        FLUSH: "connected after flush all, pause or reconnect",
        REMOVE: "connected, its client gone, or one too many",
        NOT_INIT: "connect failed",
    },
    FREE: {
        IN_USE: "granted",
        VALIDATION: "validate",
        FLUSH: "flush, pause or reconnect",
        IDLE_CHECK: "idle_timeout",
        MAX_CONNECTION_AGE: "max_connection_age",
        REMOVE: "makes room, is one too many, or spoke",
        NOT_INIT: "lost",
    },
    IN_USE: {
        IN_USE: "handed on",
        FREE: "released",
        GRACEFULLY: "flush gracefully, pause or reconnect",
        FLUSH: "flush all",
        MAX_CONNECTION_AGE: "released, too old",
        REMOVE: "released, unusable, one too many, or in others' way",
        NOT_INIT: "lost",
    },
    GRACEFULLY: {
        FLUSH: "released, or flush all",
        NOT_INIT: "lost",
    },
    VALIDATION: {
        FREE: "valid",
        IN_USE: "valid, and granted",
        FLUSH: "flush, pause or reconnect",
        IDLE_CHECK: "valid, but idle_timeout",
        MAX_CONNECTION_AGE: "valid, but max_connection_age",
        REMOVE: "invalid, or one too many",
        NOT_INIT: "lost",
    },
    FLUSH: {NOT_INIT: "closed"},
    IDLE_CHECK: {NOT_INIT: "closed"},
    MAX_CONNECTION_AGE: {NOT_INIT: "closed"},
    REMOVE: {NOT_INIT: "closed"},
}
"""From each state to each that may follow, and what leads there."""

CLOSING: Final = frozenset({FLUSH, IDLE_CHECK, MAX_CONNECTION_AGE, REMOVE})
LEASED: Final = frozenset({IN_USE, GRACEFULLY})
STAYING: Final = frozenset({INIT, FREE, IN_USE, VALIDATION})
"""What a limit's `min_size` is counted in: gracefully and the closing ones are on their way out."""


class PoolKey(NamedTuple):
    """Whose connections may stand in for each other: same database (its real name), same user.

    A tuple, because it is hashed for every query.
    """

    database: str
    user: str
    secret: str = ""
    """A keyed digest for users outside the vault: another password, other connections. Shown nowhere."""

    def __repr__(self) -> str:
        return f"{self.database}/{self.user}"


@dataclass(slots=True, eq=False)
class Slot:
    """A seat. What it says of a connection means nothing while it is not-init."""

    index: int
    state: SlotState = NOT_INIT
    since: float = 0.0
    """When it entered its state."""
    idle_since: float = 0.0
    """When its last client gave it back, or it was opened for nobody: validation is no use."""
    lane: Lane = field(init=False, repr=False)
    """Whose connection it holds."""
    born: float = 0.0
    """When the connect began."""
    retire_at: float = 0.0
    lease: int = 0
    """The number of its lease; 0 when it is not leased."""
    leased_at: float = 0.0
    """In gracefully: when its lease began."""
    leases: int = 0
    """How often this connection has been leased."""
    waiter: int | None = None
    """In init: the one client that this connection is for."""
    doom: CloseReason | None = None
    """Why it is being closed; in init, why it will be once it is open."""

    def move(self, to: SlotState, now: float) -> None:
        """The only writer of `state`."""
        if to not in TRANSITIONS[self.state]:
            raise IllegalTransition(f"slot {self.index}: {self.state} can't become {to}")
        self.state = to
        self.since = now


def diagram() -> str:
    """TRANSITIONS as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state}" as {state.name}' for state in TRANSITIONS]
    lines += [f"    [*] --> {NOT_INIT.name}"]
    lines += [
        f"    {state.name} --> {to.name}: {why}" for state, follow in TRANSITIONS.items() for to, why in follow.items()
    ]
    return "\n".join(lines) + "\n"
