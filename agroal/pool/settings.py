"""What the pool core is told: caps, patience and pauses. Durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass

from agroal.config.choices import Validation


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The first seven are the configuration keys of the same names; all but `max_connections` may change."""

    max_connections: int = 100
    blocking_timeout: float = 30.0
    """0: nobody waits for somebody else's connection, only for one that is being opened."""
    idle_timeout: float = 0.0
    """0: never."""
    max_connection_age: float = 0.0
    """0: never. Each connection is given up to a tenth less, so that those opened together don't all go together."""
    wait_notice_timeout: float = 5.0
    """0: never."""
    validation: Validation = Validation.OFF
    background_interval: float = 300.0
    connects_at_once: int = 16
    """Connects under way, at most. One pool has at most half of them, so that a slow log-in does not stop others."""
    retry_first: float = 0.25
    """The pause after a connect that failed; it doubles with every further failure."""
    retry_cap: float = 1.0
    """The longest pause: how late a server's recovery may be noticed by those who wait."""
    refill_cap: float = 30.0
    """The longest pause before connections that nobody waits for are tried again."""
    validations_at_once: int = 8
    """By background validation."""
    patience: float = 0.1
    """How long a pool may keep a connection that another pool, which has none, could use. See room.py."""
    tenure: float = 0.5
    """How long a pool may have one connection more than others that could use it, for each that these have."""
