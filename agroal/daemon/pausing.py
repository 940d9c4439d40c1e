"""Pauses and replacements of connections, as an administrator asks for them: what the pool does not know belongs to it.

The connection that asks PostgreSQL for secrets (`auth_query`) is closed with the others, and opened again when it is
needed. While its database is paused nobody can be looked up: who is not in the vault waits, before it has proved who it
is, as long as `authentication_timeout` lets it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from agroal.management.controls import Paused, Resumed
from agroal.management.event import EventKind
from agroal.management.phrases import counted
from agroal.management.times import microseconds
from agroal.pool.flushing import FlushMode
from agroal.pool.gate import Gate

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

EVERYTHING = "all"

Count = Callable[[str | None], Counter[bool]]
"""How many connections of a database clients hold (True), and how many others there are."""


def changed(gate: Gate, database: str | None, is_open: bool) -> tuple[str, ...]:
    """For which databases it makes a difference to open or shut the gate of one, or (None) of all."""
    if database is not None:
        return (database,) if gate.is_open(database) is not is_open else ()
    named = [name for name, was_open in gate.exceptions.items() if was_open is not is_open]
    return (*named, EVERYTHING) if gate.is_open_by_default is not is_open else tuple(named)


class Pausing:
    """`database` is a real name; None: all."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def pause(self, database: str | None, seconds: float | None, *, dry_run: bool) -> Paused:
        """Returns when no connection is left, or after so many seconds; 0: without end; None: at once."""
        daemon, pool = self._daemon, self._daemon.pool
        differing, waited = changed(pool.passage, database, False), None
        if not dry_run:
            pool.pause(database)
            self.heed()
            if differing:
                daemon.report(EventKind.PAUSED, f"{_named(database)} paused: clients are held")
            if seconds is not None:
                waited = await self._until_gone(self._paused_yet, database, seconds)
        left = self._left(pool.core.there, database)
        return Paused(differing, left[True], left[False], pool.core.waiting(database), waited)

    def resume(self, database: str | None, *, dry_run: bool) -> Resumed:
        daemon, pool = self._daemon, self._daemon.pool
        differing, held = changed(pool.passage, database, True), pool.core.held(database)
        if not dry_run:
            pool.resume(database)
            pool.vacated.set()
            self.heed()
            if differing:
                daemon.report(EventKind.RESUMED, f"{_named(database)} resumed: {counted(held, 'client')} waited for it")
        return Resumed(differing, held)

    async def reconnect(self, database: str | None, seconds: float | None, *, dry_run: bool) -> Paused:
        """Likewise, when all connections that there were have been replaced."""
        pool, waited = self._daemon.pool, None
        replaced = pool.core.there if dry_run else pool.core.leaving
        if not dry_run:
            pool.flush(FlushMode.REPLACE, database)
            self._close_lookup(database)
            if seconds is not None:
                waited = await self._until_gone(replaced, database, seconds)
        left = self._left(replaced, database)
        return Paused((), left[True], left[False], pool.core.held(database), waited)

    def heed(self) -> None:
        """Secrets are looked up as far as pauses allow: after each change of those, or of the look-ups."""
        if lookup := self._daemon.lookup:
            database = self._daemon.settings.auth_query_database
            lookup.is_open = self._daemon.pool.passage.is_open(database)
            if not lookup.is_open:
                self._close_lookup(database)

    def _close_lookup(self, database: str | None) -> None:
        if (lookup := self._daemon.lookup) and self._is_of_lookups(database):
            lookup.part(self._daemon.pool.vacated.set)

    def _is_of_lookups(self, database: str | None) -> bool:
        return database in (None, self._daemon.settings.auth_query_database)

    async def _until_gone(self, count: Count, database: str | None, seconds: float) -> int:
        """Wait until it counts none. Returns how many microseconds that took."""
        vacated, began = self._daemon.pool.vacated, self._daemon.now()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds or None):
                while self._left(count, database).total():
                    vacated.clear()
                    await vacated.wait()
        return microseconds(self._daemon.now() - began)

    def _paused_yet(self, database: str | None) -> Counter[bool]:
        """What is there of what is still paused: whoever waits for the rest would wait in vain."""
        core = self._daemon.pool.core
        return Counter() if changed(core.passage, database, False) else core.there(database)

    def _left(self, count: Count, database: str | None) -> Counter[bool]:
        left, lookup = count(database), self._daemon.lookup
        if lookup and self._is_of_lookups(database):
            left[False] += len(lookup.partings)
        return left


def _named(database: str | None) -> str:
    return "all databases are" if database is None else f"database {database} is"
