"""The `tracker` key: one log line for each step in the life of a slot and of a client, for scripts to read.

    AGROAL|slot|INDEX|FROM|TO|MS|SERVER_PID|USER|DATABASE|
    AGROAL|client|NUMBER|STATE|SLOT|ADDRESS|USER|DATABASE|APPLICATION|

MS is how long the slot was in the state that it left. What is not known is empty, and a bar in a name is a blank.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agroal.daemon.about import Fields, What, about, said
from agroal.pool.slot import Slot, SlotState

if TYPE_CHECKING:
    from agroal.daemon.pool import PoolShell
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.tracker")


class Tracker:
    """Silent until it is switched on."""

    def __init__(self, pool: PoolShell) -> None:
        self._pool = pool
        self.on = False

    def switch(self, on: bool) -> None:
        self.on = on
        self._pool.core.observe(self._slot if on else None)

    def session(self, session: Session) -> None:
        """It has entered a state."""
        if not self.on:
            return
        startup = session.startup
        slot = "" if session.slot is None else session.slot
        user, database = (startup.user, startup.database) if startup else ("", "")
        _line(
            about(session),
            "client",
            session.number,
            session.state,
            slot,
            session.client.label,
            user,
            database,
            session.application_name,
        )

    def _slot(self, slot: Slot, was: SlotState, seconds: float) -> None:
        server = self._pool.servers.get(slot.index)
        key = slot.lane.key
        pid = server.pid if server else ""
        fields = Fields(slot=slot.index, user=key.user, database=key.database, **(about(server) if server else {}))
        _line(fields, "slot", slot.index, was, slot.state, f"{seconds * 1000:.3f}", pid, key.user, key.database)


def _line(fields: Fields, *values: object) -> None:
    fields["event"] = What.STEP
    log.info("AGROAL|%s|", "|".join(str(value).replace("|", " ") for value in values), extra=said(**fields))
