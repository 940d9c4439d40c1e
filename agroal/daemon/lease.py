"""A client's exclusive hold on a slot and the server in it, and who asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agroal.errors import ClientFacing
from agroal.net.server import Server
from agroal.pool.slot import PoolKey

if TYPE_CHECKING:
    from agroal.daemon.session import Session


def _nothing() -> None:
    """Nobody listens yet."""


@dataclass(slots=True, eq=False)
class Lease:
    """Handed out by the pool, given back exactly once."""

    slot: int
    number: int
    server: Server
    key: PoolKey
    session: Session | None
    """Who holds it. None on stand-by, and while the server is cleaned."""
    turns: int = 0
    """How many clients had it, one after the other, besides the first."""
    rested: float = 0.0
    """When it was put on stand-by."""
    lost: Callable[[], None] = _nothing
    """To be called when its server speaks or hangs up while nobody holds it."""


class Asker(Protocol):
    """Who waits for a lease. It is told exactly one of these, unless it cancels."""

    @property
    def session(self) -> Session:
        """Whose client it is for."""

    @property
    def waits(self) -> bool:
        """It is still there."""

    def granted(self, lease: Lease) -> None:
        """Here it is."""

    def refused(self, error: ClientFacing) -> None:
        """There is none for it."""


@dataclass(slots=True)
class Awaited:
    """Somebody awaits the lease."""

    session: Session
    answer: asyncio.Future[Lease]

    @property
    def waits(self) -> bool:
        return not self.answer.done()

    def granted(self, lease: Lease) -> None:
        self.answer.set_result(lease)

    def refused(self, error: ClientFacing) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
