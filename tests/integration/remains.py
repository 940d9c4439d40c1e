"""What a daemon still has of clients that have gone. It should be nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.snapshot import Snapshot

OWN_TASKS = 2
"""The daemon's main one, and that of the connection on which somebody asks for a snapshot."""


def open_descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def descriptors_beside_servers(pid: int, picture: Snapshot) -> int:
    """File descriptors of the process that are not those of server connections."""
    return open_descriptors(pid) - sum(server.connections for server in picture.servers)


@dataclass(frozen=True)
class AtRest:
    """True when nothing remains; else it shows what does."""

    remains: tuple[str, ...]

    @classmethod
    def of(cls, picture: Snapshot, pid: int, descriptors: int, tasks: int = OWN_TASKS) -> AtRest:
        """`descriptors`: as many as the process may have beside those of servers. `tasks`: how many it has to have."""
        return cls(tuple(_remains(picture, pid, descriptors, tasks)))

    def __bool__(self) -> bool:
        return not self.remains

    def __repr__(self) -> str:
        return "; ".join(self.remains) or "nothing"


def _remains(picture: Snapshot, pid: int, descriptors: int, tasks: int) -> Iterator[str]:
    yield from (f"client {one.id} of {one.user} is {one.state}" for one in picture.clients)
    yield from (f"a client of {one.user} waits: {one.reason}" for one in picture.waiters)
    for slot in picture.slots:
        if slot.state != "free":
            yield f"slot {slot.id} of {slot.user} is {slot.state}"
    slots = Counter((slot.database, slot.user) for slot in picture.slots)
    counted = {(pool.database, pool.user): pool.active + pool.idle + pool.other for pool in picture.pools}
    if slots != Counter(counted):
        yield f"the pools count other slots ({counted}) than there are ({dict(slots)})"
    if picture.loop.tasks != tasks:
        yield f"there are {picture.loop.tasks} tasks, not {tasks}"
    if (found := descriptors_beside_servers(pid, picture)) > descriptors:
        yield f"there are {found} file descriptors beside those of servers, not {descriptors}"
