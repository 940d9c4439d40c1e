"""A client's exclusive hold on a slot and the server in it, and who asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from agroal.errors import ClientFacing
from agroal.net.chosen import Hold
from agroal.net.server import Server
from agroal.pool.slot import PoolKey

if TYPE_CHECKING:
    from agroal.daemon.session import Session


class Lease(Hold):
    """Handed out by the pool, given back exactly once."""

    __slots__ = ("key", "number", "slot")

    def __init__(
        self,
        slot: int,
        number: int,
        server: Server,
        key: PoolKey,
        session: Session | None,
        now: float,
        lost: Callable[[Lease], None],
    ) -> None:
        """`lost` is called with it when its server speaks or hangs up while nobody holds it."""
        super().__init__(server, session, partial(lost, self), now)
        self.slot = slot
        self.number = number
        self.key = key


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

    def handed(self, lease: Lease) -> None:
        """The same; and its server has just done the work of another client."""

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

    def handed(self, lease: Lease) -> None:
        lease.server.channel.ignore()
        self.granted(lease)

    def refused(self, error: ClientFacing) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
