"""What administrators command: flushes, gates, pauses, other settings and limits."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from agroal.config.choices import Validation
from agroal.errors import IllegalTransition
from agroal.pool import flushing, pauses, upkeep
from agroal.pool.effects import CloseReason, Effect
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.upkeep import Random
from agroal.pool.view import PoolView


class Orders(PoolView, ABC):
    """The part of the pool that obeys them."""

    _random: Random
    _sweep_at: float
    _validate_at: float

    @abstractmethod
    def _settle(self, now: float, *effects: Effect, refill: bool = False) -> list[Effect]:
        """How every event ends."""

    def flush(
        self,
        mode: FlushMode,
        database: str | None,
        now: float,
        reason: CloseReason | None = None,
        user: str | None = None,
    ) -> list[Effect]:
        """Close the connections to one database (its real name) and of one user (None: of any), as the mode says."""
        reached = flushing.reached(self._board, database, user)
        reason = reason or (CloseReason.REPLACED if mode is FlushMode.REPLACE else CloseReason.FLUSHED)
        return self._settle(now, *flushing.flush(self._board, reached, mode, reason, now), refill=True)

    def switch(self, database: str | None, is_open: bool, now: float) -> list[Effect]:
        """Open or close the gate of one database (its real name), or (None) of all."""
        self._board.gate.set(database, is_open)
        return self._settle(now, refill=True)

    def pause(self, database: str | None, now: float) -> list[Effect]:
        """Grant and open no more connections to one database (its real name), or (None) to any; close what there is."""
        return self._settle(now, *pauses.pause(self._board, database, now), refill=True)

    def resume(self, database: str | None, now: float) -> list[Effect]:
        """Serve again whoever was held."""
        pauses.resume(self._board, database, now)
        return self._settle(now, refill=True)

    def reconfigure(self, settings: PoolSettings, limits: Sequence[Limit], now: float) -> list[Effect]:
        """Other settings and limits are in force. Who holds or awaits a connection goes on.

        Where a limit is lowered, free connections beyond it are closed now, and leased ones when they come back.
        """
        board, was = self._board, self._board.settings
        if settings.max_connections != was.max_connections:
            raise IllegalTransition("max_connections can't change while the pool lives")
        board.reconfigure(settings, limits)
        if settings.max_connection_age != was.max_connection_age:
            for slot in board.seats.taken():
                slot.retire_at = upkeep.retirement(settings, self._random, slot.born)
        self._sweep_at = now  # what is worn by the new settings goes at the next tick
        if (settings.validation, settings.background_interval) != (was.validation, was.background_interval):
            self._validate_at = self._next_round(now)
        return self._settle(now, *board.serve_unasked(now), *board.shrink(now), refill=True)

    def _next_round(self, now: float) -> float:
        settings = self._board.settings
        return now + settings.background_interval if settings.validation == Validation.BACKGROUND else math.inf
