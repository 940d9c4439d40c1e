"""A client's exclusive hold on a slot and the server in it, and who asks for one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agroal.errors import ClientFacing
from agroal.net.dial import Server

if TYPE_CHECKING:
    from agroal.daemon.session import Session


@dataclass(slots=True)
class Lease:
    """Handed out by the pool, given back exactly once."""

    slot: int
    number: int
    server: Server


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
