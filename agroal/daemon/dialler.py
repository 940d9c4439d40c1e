"""How this daemon gets to PostgreSQL: which server, with which credentials, in which time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from agroal.auth.accept import failed
from agroal.auth.login import Credentials, login
from agroal.auth.users import Secret, Users
from agroal.config.model import Settings
from agroal.daemon.connecting import Report
from agroal.errors import ServerRefused, ServerUnavailable
from agroal.management.event import EventKind
from agroal.net.dial import Address, Server, dial, reach
from agroal.net.listen import SocketOptions
from agroal.net.passthrough import log_in_through
from agroal.net.pump import Pump
from agroal.pool.slot import PoolKey

if TYPE_CHECKING:
    from agroal.daemon.session import Session

STARTUP = {"application_name": "agroal"}
"""What our own connections are called while no client uses them."""


class ServerDialler:
    """Opens connections to one PostgreSQL instance."""

    def __init__(
        self,
        pump: Pump,
        address: Address,
        settings: Settings,
        users: Users,
        token: Callable[[int], bytes],
        report: Report = lambda kind, text: None,
    ) -> None:
        self.address = address
        self._report = report
        self._pump = pump
        self._settings = settings
        self._users = users
        self._token = token
        self._options = SocketOptions(settings.nodelay, settings.keep_alive)
        self.failure: str | None = None
        """Why the last connect failed to reach the server; None when it did not."""
        self._salted: dict[str, dict[tuple[bytes, int], bytes]] = {}

    def reconfigure(self, address: Address, settings: Settings, options: SocketOptions) -> None:
        """For connections from now on."""
        if address != self.address:
            self.failure = None
        self.address = address
        self._settings = settings
        self._options = options

    def knows(self, users: Users) -> None:
        """Log in with these secrets from now on."""
        self._users = users
        self._salted.clear()

    async def dial(self, key: PoolKey, session: Session | None) -> Server:
        """Log in with what the vault knows of the user, or else with what the session's client said.

        Raises ClientFacing.
        """
        secret: Secret | None
        salted: dict[tuple[bytes, int], bytes]
        if key.secret:
            password = session.accepted.password if session and session.accepted else None
            if password is None:
                raise ServerUnavailable("the client whose password was to be tried has left")
            secret, salted = Secret(password), {}
        else:
            secret, salted = self._users.get(key.user), self._salted.setdefault(key.user, {})
        credentials = Credentials(key.user, secret, self._token(18).hex(), salted)
        talk = login(key.database, credentials, STARTUP)
        try:
            server = await dial(self._pump, self.address, self._options, talk, self._settings.connect_timeout)
        except ServerUnavailable as error:
            if self.failure is None:
                self._report(EventKind.SERVER_DOWN, error.message)
            self.failure = error.message
            raise
        except ServerRefused as error:
            if key.secret and error.server_sqlstate.startswith("28"):
                raise failed(key.user) from error  # as we say it ourselves: strangers are not to be told apart
            raise
        if self.failure is not None:
            self._report(EventKind.SERVER_UP, f'server "{self.address.name}" at {self.address} can be reached again')
        self.failure = None
        return server

    async def dial_through(self, key: PoolKey, session: Session) -> Server:
        """Let the server ask the client itself."""
        seconds = self._settings.connect_timeout
        try:
            async with asyncio.timeout(seconds):
                channel = await reach(self._pump, self.address, self._options)
        except TimeoutError as error:
            raise ServerUnavailable(f"server {self.address} did not answer within {seconds:g} s") from error
        try:
            async with asyncio.timeout(seconds + self._settings.authentication_timeout):
                greeting = await log_in_through(session.client, channel, key.user, key.database)
        except TimeoutError as error:
            channel.close()
            raise ServerUnavailable("the authentication by the server took too long") from error
        except BaseException:
            channel.close()
            raise
        return Server(channel, self.address, greeting)
