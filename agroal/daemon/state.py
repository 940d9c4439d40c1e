"""Where a session is in its life."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    AUTH = "auth"
    WAITING = "waiting"
    ACTIVE = "active"
    IDLE = "idle"
    """It has no server, and wants none: between two transactions, in the transaction pipeline."""
    CLOSING = "closing"
