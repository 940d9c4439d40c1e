"""The pool's shell, as far as administrators go: what they command, its beginning and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agroal.daemon.viewing import ViewedShell
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings


class OrderedShell(ViewedShell):
    """Obeys administrators."""

    def start(self) -> None:
        """Open what is to be there before the clients."""
        self._do(self.core.tick(self._now()))

    def flush(self, mode: FlushMode, database: str | None = None, user: str | None = None) -> None:
        self._do(self.core.flush(mode, database, self._now(), user=user))

    def switch(self, database: str | None, is_open: bool) -> None:
        self._do(self.core.switch(database, is_open, self._now()))

    def pause(self, database: str | None) -> None:
        self._do(self.core.pause(database, self._now()))

    def resume(self, database: str | None) -> None:
        self._do(self.core.resume(database, self._now()))

    def reconfigure(self, settings: PoolSettings, limits: Sequence[Limit], reset_query: str) -> None:
        self._reset_query = reset_query
        self._do(self.core.reconfigure(settings, limits, self._now()))

    async def close(self) -> None:
        """Close every connection, also under clients, and wait until all is over."""
        self._do(self.core.switch(None, False, self._now()))  # nothing is opened ahead of clients any more
        self._do(self.core.flush(FlushMode.ALL, None, self._now(), CloseReason.SHUTTING_DOWN))
        while self._tasks or self._cleaning:
            if self._tasks:
                await asyncio.wait(self._tasks)
            else:  # and closed, when they are clean
                self.vacated.clear()
                await self.vacated.wait()
        if self._timer:
            self._timer.cancel()
