"""What uvloop does differently from asyncio's own loop."""

from __future__ import annotations

import uvloop

from tests.unit.daemon.scene import scene
from tests.unit.looping import settle


def test_a_deadline_that_is_due_at_once_is_no_trouble() -> None:
    """uvloop's `call_at` returns a handle without `when` then."""

    async def in_uvloop() -> None:
        async with scene(max_connections=1, idle_timeout=1e-9) as on:
            lease = await on.lease()
            on.shell.reconfigure(on.shell.core._board.settings, (), "")
            await on.give_back(lease)
            await settle()

    uvloop.run(in_uvloop())
