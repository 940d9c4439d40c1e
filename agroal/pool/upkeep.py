"""What time and administrators do to connections, and the pauses between connects that fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum

from agroal.pool.effects import CloseReason
from agroal.pool.seats import Seats
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import IDLE_CHECK, MAX_CONNECTION_AGE, STAYING, Slot, SlotState


class FlushMode(StrEnum):
    """Which connections a flush closes."""

    IDLE = "idle"  # the free ones
    GRACEFULLY = "gracefully"  # the free ones now, the leased ones when they come back
    ALL = "all"  # all of them now, under their clients


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


def pause(failures: int, settings: PoolSettings, random: Random) -> float:
    """How long to leave a server alone after so many failures in a row: doubling, capped, halved by chance."""
    longest = min(settings.retry_cap, settings.retry_first * 2.0 ** min(failures - 1, 32))
    return longest * (1 - random() / 2)


def worn(seats: Seats, settings: PoolSettings, now: float) -> Iterator[tuple[Slot, SlotState, CloseReason]]:
    """The free connections that are to be closed now, each with the state and the reason.

    The idle ones that a limit's `min_size` asks for stay: they would only be opened again.
    """
    idle = settings.idle_timeout or math.inf
    for cap in seats.caps:
        spare = cap.spare
        for slot in cap.free.values():
            if now >= slot.retire_at:
                spare -= 1
                yield slot, MAX_CONNECTION_AGE, CloseReason.TOO_OLD
            elif now >= slot.since + idle and spare > 0:
                spare -= 1
                yield slot, IDLE_CHECK, CloseReason.IDLE


def next_sweep(seats: Seats, settings: PoolSettings, now: float) -> float:
    """When to look for worn connections again, after looking now. Infinite when nothing wears."""
    idle = settings.idle_timeout or math.inf
    age = settings.max_connection_age or math.inf
    # What is freed or opened from now on is not due before these.
    due = [now + idle, now + age * (1 - AGE_SPREAD)]
    due += [slot.since + idle for cap in seats.caps for slot in cap.free.values() if slot.since + idle > now]
    due += [slot.retire_at for slot in seats.slots if slot.state in STAYING and slot.retire_at > now]
    return max(min(due), now + SWEEP_SPACING * len(seats.slots))
