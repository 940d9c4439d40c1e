"""What administrators do in the world."""

from __future__ import annotations

import math

from agroal.pool.effects import Close, CloseReason
from agroal.pool.flushing import Fate, FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.upkeep import AGE_SPREAD
from tests.unit.pool.answers import Answers
from tests.unit.pool.notes import At, Connection, Luck


class Orders(Answers):
    """They flush, shut gates, pause and reload."""

    def flush(self, mode: FlushMode, database: str | None) -> None:
        hit = [one for one in self.connections.values() if database in (None, one.key.database)]
        reason = CloseReason.REPLACED if mode is FlushMode.REPLACE else CloseReason.FLUSHED
        idle = [one for one in hit if one.at in (At.IDLE, At.ASKED)]
        leased = [one for one in hit if one.at is At.LEASED]
        doomed = [one for one in leased if mode is FlushMode.ALL or (mode is FlushMode.STRAGGLERS and one.unwanted)]
        for one in hit:
            if self.is_marked(one, mode):
                one.unwanted = one.unwanted or reason
        forecast = self.pool.forecast(mode, database)
        effects = self.pool.flush(mode, database, self.now)
        closes = sum(isinstance(one, Close) and one.reason is reason for one in effects)
        assert forecast[Fate.CLOSED] + forecast[Fate.KILLED] == closes, "what was said before comes true"
        self.take("flush", effects)
        flushed = mode is not FlushMode.STRAGGLERS
        assert all((one.at is At.CLOSING) == flushed for one in idle if one.idle_since < self.now), "nothing idle stays"
        assert all((one.at is At.CLOSING) == (one in doomed) for one in leased), "what is leased goes as the mode says"

    def switch(self, database: str | None, is_open: bool) -> None:
        self.gates = {None: is_open} if database is None else self.gates | {database: is_open}
        self.take("switch", self.pool.switch(database, is_open, self.now))

    def reload(self, settings: PoolSettings, limits: list[Limit]) -> None:
        names = {(limit.database, limit.user) for limit in limits}
        self.filled = {name for name in self.filled if name in names}
        older = settings.max_connection_age != self.settings.max_connection_age
        self.settings, self.limits = settings, limits
        self.grace = {id(limit): len(self.under(limit)) for limit in limits}
        for connection in self.connections.values():
            if older and connection.at is not At.OPENING:
                age = settings.max_connection_age
                connection.retire_at = connection.began + age * (1 - AGE_SPREAD * self.chance) if age else math.inf
        self.take("reload", self.pool.reconfigure(settings, limits, self.now))

    def is_marked(self, connection: Connection, mode: FlushMode) -> bool:
        """Whether a flush leaves it where it is, to be closed later."""
        match connection.at, mode:
            case At.LEASED, FlushMode.GRACEFULLY | FlushMode.REPLACE:
                return True
            case At.OPENING, FlushMode.ALL:
                return True
            case At.OPENING, FlushMode.REPLACE:
                return not connection.private
        return False

    def pause(self, database: str | None) -> None:
        """Nobody is granted anything, and what is there goes."""
        self.passages = {None: False} if database is None else self.passages | {database: False}
        hit = [one for one in self.connections.values() if database in (None, one.key.database)]
        idle = [one for one in hit if one.at in (At.IDLE, At.ASKED)]
        for one in hit:
            if self.is_marked(one, FlushMode.REPLACE):
                one.unwanted = one.unwanted or CloseReason.PAUSED
        for client in self.waiting:
            if self.is_paused(client.key) and not client.alone and client.held_since is None:
                client.held_since = self.now
        effects = self.pool.pause(database, self.now)
        paused = [one for one in effects if isinstance(one, Close) and one.reason is CloseReason.PAUSED]
        assert [one.slot for one in paused] == [one.slot for one in sorted(idle, key=lambda one: one.slot)]
        self.take("pause", effects)

    def resume(self, database: str | None) -> None:
        """They go on where they were."""
        paused = [key for key in self.luck if database in (None, key.database) and self.is_paused(key)]
        self.luck |= {key: Luck() for key in paused}
        self.passages = {None: True} if database is None else self.passages | {database: True}
        for client in self.waiting:
            if client.held_since is not None and not self.is_paused(client.key):
                client.since += self.now - client.held_since
                client.held_since = None
        self.take("resume", self.pool.resume(database, self.now))
