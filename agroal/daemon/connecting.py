"""Opening server connections, and telling administrators how that goes: once when it begins to fail, not each time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agroal.daemon.about import What, said
from agroal.errors import ClientFacing, Internal, PeerGone, ServerUnavailable
from agroal.management.event import EventKind
from agroal.management.phrases import counted
from agroal.net.server import Server
from agroal.pool.slot import PoolKey

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.pool")

REMIND = 60.0
"""Seconds after which it is said once more that connects still fail."""
REMEMBERED = 1000
"""Pools whose connects fail: clients choose the names of databases, and can invent any number of them."""

Report = Callable[[EventKind, str], object]


class Dialler(Protocol):
    """Opens server connections."""

    async def dial(self, key: PoolKey, session: Session | None) -> Server:
        """Log in for this key; with what the session knows, where the vault knows nothing. Raises ClientFacing."""

    async def dial_through(self, key: PoolKey, session: Session) -> Server:
        """Log the session's client in by passing its answers through. Raises ClientFacing, PeerGone."""


@dataclass(slots=True)
class _Trouble:
    """A pool whose connects fail."""

    words: str
    since: float
    told: float
    failures: int = 1


class Connector:
    """Asks the dialler, and remembers who has no luck with it."""

    def __init__(self, dialler: Dialler, report: Report, now: Callable[[], float] = time.monotonic) -> None:
        self._dialler = dialler
        self._report = report
        self._now = now
        self._trouble: dict[PoolKey, _Trouble] = {}

    async def open(self, key: PoolKey, session: Session | None, *, private: bool = False) -> Server | ClientFacing:
        """A server that has logged in for this key, or what clients are told. Never raises.

        `private`: the client of the session answers PostgreSQL's questions itself.
        """
        try:
            if not private:
                server = await self._dialler.dial(key, session)
            elif session:
                server = await self._dialler.dial_through(key, session)
            else:
                return ServerUnavailable("the client left before it could log in")
        except ClientFacing as failure:
            error = failure
        except PeerGone as gone:
            error = ServerUnavailable(str(gone))
        except Exception as failure:
            log.exception("internal error while connecting to a server")
            error = Internal(f"internal error of agroal: {type(failure).__name__}")
        else:
            self._recovered(key)
            return server
        self._failed(key, error, of_client=private or bool(key.secret))
        return error

    def _failed(self, key: PoolKey, error: ClientFacing, *, of_client: bool) -> None:
        """`of_client`: the password is the client's own affair, and it is told."""
        words, now = str(error), self._now()
        if of_client:
            fields = said(event=What.CONNECT_FAILED, reason=error.fields()["C"], user=key.user, database=key.database)
            log.info("no connection for user=%s database=%s: %s", key.user, key.database, words, extra=fields)
            return
        trouble = self._trouble.get(key)
        if trouble and trouble.words == words and now < trouble.told + REMIND:
            trouble.failures += 1
            return
        again = f" (still, after {counted(trouble.failures, 'failure')})" if trouble and trouble.words == words else ""
        since, failures = (trouble.since, trouble.failures + 1) if trouble else (now, 1)
        self._trouble[key] = _Trouble(words, since, now, failures)
        if len(self._trouble) > REMEMBERED:
            del self._trouble[next(iter(self._trouble))]
        self._report(
            EventKind.POOL_FAILING, f"no connection for user={key.user} database={key.database}: {words}{again}"
        )

    def _recovered(self, key: PoolKey) -> None:
        if trouble := self._trouble.pop(key, None):
            took = self._now() - trouble.since
            self._report(
                EventKind.POOL_RECOVERED,
                f"connections for user={key.user} database={key.database} can be opened again, "
                f"after {counted(trouble.failures, 'failure')} in {took:.1f} s",
            )
