"""What wears connections out, and the pauses between connects that fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from agroal.pool import room
from agroal.pool.effects import CloseReason
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import FLUSH, GRACEFULLY, IDLE_CHECK, MAX_CONNECTION_AGE, REMOVE, STAYING, Slot, SlotState

Random = Callable[[], float]
"""Gives numbers from 0 to 1."""

AGE_SPREAD = 0.1
"""The part of max_connection_age that is left to chance."""
SWEEP_SPACING = 1e-4
"""Seconds between sweeps for each slot. A look at a slot takes about 0.1 µs, so this is a thousandth of a processor."""


def retirement(settings: PoolSettings, random: Random, now: float) -> float:
    """When a connection that was opened now is too old."""
    age = settings.max_connection_age
    return now + age * (1 - AGE_SPREAD * random()) if age else math.inf


def pauses(failures: int, settings: PoolSettings, random: Random) -> tuple[float, float]:
    """How long to leave a server alone after so many failures in a row: doubling, capped, halved by chance.

    The first is for connections that somebody waits for, the second for those that nobody does.
    """
    doubled = settings.retry_first * 2.0 ** min(failures - 1, 32)
    luck = 1 - random() / 2
    return min(settings.retry_cap, doubled) * luck, min(settings.refill_cap, doubled) * luck


def fault(
    back: Slot, dirt: CloseReason | None, seats: Seats, settings: PoolSettings, now: float
) -> tuple[SlotState, CloseReason] | None:
    """Why a connection that came back does not go to the next client, and the state in which it is closed."""
    lane, cap = back.lane, back.lane.cap
    if back.state is GRACEFULLY:
        return FLUSH, dirt or back.doom or CloseReason.FLUSHED
    if dirt:
        return REMOVE, dirt
    if lane.private:
        return REMOVE, CloseReason.PASS_THROUGH
    if now >= back.retire_at:
        return MAX_CONNECTION_AGE, CloseReason.TOO_OLD
    if len(cap.seats) > cap.size and cap.excess:
        return REMOVE, CloseReason.LIMIT_LOWERED
    if lane.waiting and room.makes_way(back, seats, settings, now):
        return REMOVE, CloseReason.MAKING_ROOM
    return None


def wear(slot: Slot, spare: int, settings: PoolSettings, now: float) -> tuple[SlotState, CloseReason] | None:
    """Why a connection that nobody wants is to be closed, if `spare` may go, and the state in which it is."""
    if now >= slot.retire_at:
        return MAX_CONNECTION_AGE, CloseReason.TOO_OLD
    if spare > 0 and settings.idle_timeout and now >= slot.idle_since + settings.idle_timeout:
        return IDLE_CHECK, CloseReason.IDLE
    return None


def worn(seats: Seats, settings: PoolSettings, now: float) -> Iterator[tuple[Slot, SlotState, CloseReason]]:
    """The free connections that are to be closed now, each with the state and the reason.

    The idle ones that a limit's `min_size` asks for stay: they would only be opened again.
    """
    for cap in seats.caps:
        spare = cap.spare
        for slot in cap.free.values():
            if found := wear(slot, spare, settings, now):
                spare -= 1
                yield slot, *found


def next_sweep(seats: Seats, settings: PoolSettings, now: float) -> float:
    """When to look for worn connections again, after looking now. Infinite when nothing wears."""
    idle = settings.idle_timeout or math.inf
    age = settings.max_connection_age or math.inf
    # What is freed or opened from now on is not due before these.
    due = [now + idle, now + age * (1 - AGE_SPREAD)]
    due += [at for cap in seats.caps for slot in cap.free.values() if (at := slot.idle_since + idle) > now]
    due += [slot.retire_at for slot in seats.slots if slot.state in STAYING and slot.retire_at > now]
    return max(min(due), now + SWEEP_SPACING * len(seats.slots))
