"""Limits: how many connections the lines of the databases file allow, and which line is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Self

from agroal.config.choices import Pipeline
from agroal.config.model import LimitLine
from agroal.pool.slot import PoolKey

ALL = "all"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max_size` connections for the pool keys that match; `all` matches any database, any user."""

    database: str
    aliases: tuple[str, ...]
    user: str
    max_size: int
    initial_size: int = 0
    min_size: int = 0
    origin: str = ""
    """file:line"""
    pipeline: Pipeline | None = None
    """Of the clients that it is for; None: what the settings say."""

    @classmethod
    def of(cls, line: LimitLine) -> Self:
        return cls(
            line.database,
            line.aliases,
            line.user,
            line.max_size,
            line.initial_size,
            line.min_size,
            f"{PurePath(line.file).name}:{line.line}",
            line.pipeline,
        )

    def __str__(self) -> str:
        return f"{self.database}/{self.user} ({self.origin})" if self.origin else f"{self.database}/{self.user}"

    def precision(self, key: PoolKey) -> tuple[bool, bool] | None:
        """How closely this limit means the key: the greater, the closer; a user beats a database. None: not at all."""
        user = self.user == key.user
        database = self.database == key.database or key.database in self.aliases
        if (user or self.user == ALL) and (database or self.database == ALL):
            return user, database
        return None


def best_match(limits: Sequence[Limit], key: PoolKey) -> Limit | None:
    """Database and user; then user with any database; then database with any user; then `all all`. The first of equals.

    None: only `max_connections` bounds the key.
    """
    ranked = [(rank, limit) for limit in limits if (rank := limit.precision(key)) is not None]
    return max(ranked, key=lambda pair: pair[0], default=(None, None))[1]
