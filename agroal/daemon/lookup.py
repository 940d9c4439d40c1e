"""Asks PostgreSQL for the secrets of users who are not in the vault (`auth_query`), over one connection of its own.

What it says is remembered for a short while, so that a storm of clients is one question, and a password that was
changed counts soon. A question that can't be asked refuses the client; it never lets anybody in.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from agroal.auth.login import Credentials
from agroal.auth.lookup import LONGEST_NAME, STARTUP, look_up
from agroal.auth.users import Secret
from agroal.errors import ClientFacing, LookupFailed, PeerGone, ProtocolViolation
from agroal.net.converse import converse
from agroal.net.dial import hang_up
from agroal.net.server import SERVER_MESSAGE_LIMIT, Server

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.files import Secrets

log = logging.getLogger("agroal.lookup")

REMEMBERED_SECONDS: Final = 5.0
REMEMBERED: Final = 1000
"""Users. Strangers decide which."""


class Lookup:
    """`connect` logs the superuser in; an answer must come within `seconds`."""

    def __init__(self, connect: Callable[[], Awaitable[Server]], seconds: float, now: Callable[[], float]) -> None:
        self._connect = connect
        self._seconds = seconds
        self._now = now
        self._known: OrderedDict[str, tuple[str | None, float]] = OrderedDict()
        self._asked: dict[str, asyncio.Task[str | None]] = {}
        self._turn = asyncio.Lock()
        self._server: Server | None = None
        self.partings: set[asyncio.Task[None]] = set()
        """Connections that it is about to do without."""
        self._opened = asyncio.Event()
        self._opened.set()

    @property
    def is_open(self) -> bool:
        """Whether PostgreSQL may be asked. Who has a question waits until it may."""
        return self._opened.is_set()

    @is_open.setter
    def is_open(self, is_open: bool) -> None:
        self._opened.set() if is_open else self._opened.clear()

    def part(self, parted: Callable[[], object]) -> None:
        """Do without the connection until the next question, when the one under way is over; then call `parted`."""

        def done(task: asyncio.Task[None]) -> None:
            self.partings.discard(task)
            parted()

        task = asyncio.get_running_loop().create_task(self._hang_up())
        self.partings.add(task)
        task.add_done_callback(done)

    async def _hang_up(self) -> None:
        async with self._turn:
            if server := self._server:
                self._server = None
                await hang_up(server.channel, self._seconds)

    async def secret_of(self, user: str) -> str | None:
        """What PostgreSQL stores as the user's password; None for who can't log in with one. Raises LookupFailed."""
        if len(user.encode("utf-8", "surrogateescape")) > LONGEST_NAME:
            return None
        secret, until = self._known.get(user, (None, 0.0))
        if self._now() < until:
            return secret
        task = self._asked.get(user)
        if task is None:
            task = self._asked[user] = asyncio.get_running_loop().create_task(self._ask(user))
            task.add_done_callback(partial(self._answered, user))
        try:
            return await asyncio.shield(task)  # others may wait for the same answer
        except asyncio.CancelledError:
            if task.cancelled() and not _is_cancelled():
                raise LookupFailed from None
            raise

    def _answered(self, user: str, task: asyncio.Task[str | None]) -> None:
        del self._asked[user]
        if not task.cancelled():
            task.exception()  # whoever asked may have left

    async def close(self) -> None:
        """Who waits for an answer gets none: LookupFailed."""
        asked = list(self._asked.values())
        for task in asked:
            task.cancel()
        if asked:
            await asyncio.wait(asked)
        await self._hang_up()
        if self.partings:
            await asyncio.wait(self.partings)

    async def _ask(self, user: str) -> str | None:
        try:
            async with asyncio.timeout(self._seconds):
                secret = await self._ask_in_turn(user)
        except (ClientFacing, PeerGone, TimeoutError) as error:
            log.warning("auth_query for user=%s failed: %s", user, str(error) or "no answer in time")
            raise LookupFailed from error
        self._known[user] = secret, self._now() + REMEMBERED_SECONDS
        self._known.move_to_end(user)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return secret

    async def _ask_in_turn(self, user: str) -> str | None:
        while True:
            await self._opened.wait()
            async with self._turn:
                if self.is_open:  # still, after those before it
                    return await self._ask_server(user)

    async def _ask_server(self, user: str) -> str | None:
        """Over the connection that is there, or over a new one; whatever goes wrong is its end."""
        server, self._server = self._server, None
        if server and server.channel.peek() is not None:  # it has been closed meanwhile
            server.channel.close()
            server = None
        server = server or await self._connect()
        try:
            secret = await converse(server.channel, look_up(user), SERVER_MESSAGE_LIMIT)
        except BaseException:
            server.channel.close()
            raise
        if server.channel.unread:
            server.channel.close()
            raise ProtocolViolation("the server said more than it was asked")
        self._server = server
        return secret


def lookup_of(daemon: Daemon, known: Secrets) -> Lookup | None:
    """How this daemon asks, if its settings want that."""
    settings, token = daemon.settings, daemon.token
    if not settings.auth_query or not known.superuser:
        return None
    (name, password), *_ = known.superuser.items()
    salted: dict[tuple[bytes, int], bytes] = {}

    def connect() -> Awaitable[Server]:
        credentials = Credentials(name, Secret(password), token(18).hex(), salted)
        return daemon.dialler.log_in(settings.auth_query_database, credentials, STARTUP)

    return Lookup(connect, settings.authentication_timeout, daemon.now)


def _is_cancelled() -> bool:
    """Whether it is the one who asks that has been cancelled, and not the question."""
    asking = asyncio.current_task()
    return asking is not None and asking.cancelling() > 0
