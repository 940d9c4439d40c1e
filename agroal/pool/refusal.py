"""Why a client waits, and what it is told when that was in vain."""

from __future__ import annotations

from agroal.errors import ClientFacing, PoolIsFull
from agroal.pool.lanes import Lane
from agroal.pool.seats import Seats
from agroal.pool.waiters import Waiter, WaitReason

FINAL = ("28", "3D")
"""SQLSTATE classes (manual, appendix A): who one is, and which database is meant."""


def is_final(error: ClientFacing) -> bool:
    """Whether an error of PostgreSQL's is one that time won't mend."""
    return error.fields()["C"][:2] in FINAL


def wait_reason(seats: Seats, lane: Lane, position: int) -> WaitReason:
    """What the waiter at this position of its lane (0 is the first) waits for."""
    if position < len(lane.validating):
        return WaitReason.VALIDATING
    if position < len(lane.validating) + len(lane.opening) and not lane.private:
        return WaitReason.OPENING
    if blocker := seats.blocker(lane.cap):
        return blocker
    return WaitReason.RETRY if lane.failures else WaitReason.CONNECTS


def pool_is_full(seats: Seats, waiter: Waiter, reason: WaitReason, now: float) -> PoolIsFull:
    """53300 with all that helps: which cap, how many hold it, how long the client waited, what to do."""
    lane, cap = waiter.lane, waiter.lane.cap
    waited = f"This client waited {now - waiter.came:.1f} s"
    others = len(lane.waiting) - 1
    if others:
        waited += f", {others} more wait behind it"
    match reason:
        case WaitReason.LIMIT:
            detail = f"The limit {cap.limit} is reached: {len(cap.seats)} of {cap.size} connections. {waited}."
            hint = "Raise that line's max_size, or let clients hold their connections for less long."
        case WaitReason.MAX_CONNECTIONS:
            total = len(seats.slots)
            detail = f"max_connections is reached: {total - len(seats.empty)} of {total} connections. {waited}."
            hint = "Raise max_connections, or let clients hold their connections for less long."
        case _:
            detail = f"{waited}: {reason.value}."
            hint = "PostgreSQL is slow to accept connections. Its log may say why."
    return PoolIsFull(
        f'no connection became free for database "{lane.key.database}" and user "{lane.key.user}"',
        detail=detail,
        hint=hint,
    )
