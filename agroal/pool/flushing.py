"""Flushes: which connections an administrator's word closes, and how many that would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

from agroal.errors import ServerLost
from agroal.pool.board import Board
from agroal.pool.effects import CloseReason, Effect, RefuseReason
from agroal.pool.slot import FLUSH, GRACEFULLY, Slot, SlotState


class FlushMode(StrEnum):
    """Which connections a flush closes."""

    IDLE = "idle"  # the free ones
    GRACEFULLY = "gracefully"  # the free ones now, the leased ones when they come back
    STRAGGLERS = "stragglers"  # those now that were to be closed when they come back
    ALL = "all"  # all of them now, under their clients
    REPLACE = "replace"  # as gracefully, and those being opened once they are open


class Fate(StrEnum):
    """What a flush does to a connection."""

    CLOSED = "closed"  # nobody used it
    MARKED = "marked"  # closed when it comes back
    KILLED = "killed"  # closed under its client
    ABANDONED = "abandoned"  # closed once it is open


def fate(slot: Slot, mode: FlushMode) -> Fate | None:
    """What a flush would do to a connection; None: nothing."""
    match slot.state, mode:
        case SlotState.GRACEFULLY, FlushMode.STRAGGLERS:
            return Fate.KILLED
        case _, FlushMode.STRAGGLERS:
            return None
        case SlotState.FREE | SlotState.VALIDATION, _:
            return Fate.CLOSED
        case SlotState.IN_USE, FlushMode.GRACEFULLY | FlushMode.REPLACE:
            return Fate.MARKED
        case SlotState.IN_USE | SlotState.GRACEFULLY, FlushMode.ALL:
            return Fate.KILLED
        case SlotState.INIT, FlushMode.ALL if not slot.doom:
            return Fate.ABANDONED
        case SlotState.INIT, FlushMode.REPLACE if not slot.doom and slot.waiter is None:
            return Fate.ABANDONED
    return None


def reached(board: Board, database: str | None, user: str | None) -> list[Slot]:
    """The connections to one database (its real name) and of one user; None: of any."""
    keys = ((slot, slot.lane.key) for slot in board.seats.taken())
    return [slot for slot, key in keys if database in (None, key.database) and user in (None, key.user)]


def forecast(slots: Iterable[Slot], mode: FlushMode) -> Counter[Fate]:
    """What `flush` would do."""
    fates = (fate(slot, mode) for slot in slots)
    return Counter(one for one in fates if one)


def flush(board: Board, slots: Iterable[Slot], mode: FlushMode, reason: CloseReason, now: float) -> Iterator[Effect]:
    """Close these connections, as far as the mode goes."""
    for slot in slots:
        match fate(slot, mode):
            case Fate.CLOSED | Fate.KILLED:
                yield board.close(slot, FLUSH, reason, now)
            case Fate.MARKED:
                slot.doom = reason
                board.seats.move(slot, GRACEFULLY, now)
            case Fate.ABANDONED:
                waiter = slot.waiter
                board.seats.doom(slot, reason)
                if waiter is not None:
                    del board.private[waiter]
                    flushed = ServerLost("the connection was flushed while it was being opened")
                    yield board.refuse(waiter, flushed, RefuseReason.FLUSHED)
