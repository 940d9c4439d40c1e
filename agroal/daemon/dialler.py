"""How this daemon gets to PostgreSQL: which server, with which credentials, in which time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from agroal.auth.accept import Accepted, failed
from agroal.auth.login import Credentials, Encryption, Greeting, login
from agroal.auth.scram import Keys
from agroal.auth.users import Secret
from agroal.config.choices import ChannelBinding
from agroal.config.model import Settings
from agroal.daemon.connecting import Report
from agroal.errors import ServerRefused, ServerUnavailable, ServerUnreachable
from agroal.management.event import EventKind
from agroal.net.chosen import Channel, Pump
from agroal.net.dial import Address, Route, dial, hang_up, open_channel
from agroal.net.listen import SocketOptions
from agroal.net.passthrough import log_in_through
from agroal.net.server import Server
from agroal.net.tls import TlsFailed, peer_certificate
from agroal.pool.slot import PoolKey
from agroal.wire.talk import Talk

if TYPE_CHECKING:
    from agroal.daemon.session import Session

STARTUP = {"application_name": "agroal"}
"""What our own connections are called while no client uses them."""


class ServerDialler:
    """Opens connections to one PostgreSQL instance."""

    def __init__(
        self,
        pump: Pump,
        route: Route,
        settings: Settings,
        users: Mapping[str, str],
        token: Callable[[int], bytes],
        report: Report = lambda kind, text: None,
    ) -> None:
        self._route = route
        self._report = report
        self._pump = pump
        self._settings = settings
        self._users = {name: Secret(text) for name, text in users.items()}
        self._learned: dict[str, tuple[Secret, Secret, Keys | None]] = {}
        """By user: what a client was measured by, and what it has shown of a password that the vault does not have."""
        self._token = token
        self._options = SocketOptions(settings.nodelay, settings.keep_alive)
        self.failure: str | None = None
        """Why the last connect failed to reach the server; None when it did not."""
        self._salted: dict[str, dict[tuple[bytes, int], bytes]] = {}

    @property
    def address(self) -> Address:
        """Where connections are opened now."""
        return self._route.address

    def reconfigure(self, route: Route, settings: Settings, options: SocketOptions) -> None:
        """For connections from now on."""
        if route.address != self.address:
            self.failure = None
        self._route = route
        self._settings = settings
        self._options = options

    def knows(self, users: Mapping[str, str]) -> None:
        """Log in with these secrets from now on."""
        self._users = {name: Secret(text) for name, text in users.items()}
        self._learned.clear()
        self._salted.clear()

    def learn(self, user: str, secret: Secret, accepted: Accepted) -> None:
        """A client has proved to be this user, by a secret from which nobody can log in: what it showed is as good.

        A password serves for every server, and gives way to keys only when the secret is another.
        """
        if self._users.get(user, secret) != secret:
            return  # it knows what clients have to know, and that is not what the server wants
        proved, known, _ = self._learned.get(user, (None, None, None))
        if accepted.told is not None:
            learned: tuple[Secret, Secret, Keys | None] = secret, Secret(accepted.told), None
        elif proved == secret and known != secret:
            return
        else:
            learned = secret, secret, accepted.keys
        if learned != self._learned.get(user):
            self._learned[user] = learned
            self._salted.pop(user, None)

    async def dial(self, key: PoolKey, session: Session | None) -> Server:
        """Log in with what the vault knows of the user, or else with what the session's client said.

        A connection during whose login there was a reload is opened anew. Raises ClientFacing.
        """
        while True:
            route, users = self._route, self._users
            server = await self._dial(key, session)
            if route is self._route and users is self._users:
                return server
            await hang_up(server.channel, self._settings.connect_timeout)

    async def _dial(self, key: PoolKey, session: Session | None) -> Server:
        address = self.address
        credentials = self._credentials(key, session)
        try:
            server = await self.log_in(key.database, credentials, STARTUP)
        except ServerUnreachable as error:
            self._tried(address, error.message)
            raise
        except ServerRefused as error:
            if key.secret and error.server_sqlstate.startswith("28"):
                raise failed(key.user) from error  # as we say it ourselves: strangers are not to be told apart
            raise
        self._tried(address, None)
        return server

    async def log_in(self, database: str, credentials: Credentials, startup: Mapping[str, str]) -> Server:
        """A connection that has logged in with these credentials. Raises ServerUnavailable, ServerRefused."""
        route, seconds = self._route, self._settings.connect_timeout

        def talk(channel: Channel) -> Talk[Greeting]:
            return login(database, credentials, startup, encryption(channel, route.binding))

        return await dial(self._pump, route.address, self._options, talk, seconds, route.policy)

    def _credentials(self, key: PoolKey, session: Session | None) -> Credentials:
        if key.secret:
            password = session.accepted.password if session and session.accepted else None
            if password is None:
                raise ServerUnavailable("the client whose password was to be tried has left")
            return Credentials(key.user, Secret(password), self._token(18).hex(), {})
        secret, keys = self._users.get(key.user), None
        if (secret is None or secret.password is None) and key.user in self._learned:
            _, secret, keys = self._learned[key.user]
        salted = self._salted.setdefault(key.user, {}) if secret and secret.password else {}
        return Credentials(key.user, secret, self._token(18).hex(), salted, keys)

    def _tried(self, address: Address, failure: str | None) -> None:
        """What became of a connect; of a server that is not ours any more, it is not worth a word."""
        if address != self.address:
            return
        if failure and self.failure is None:
            self._report(EventKind.SERVER_DOWN, failure)
        if self.failure and failure is None:
            self._report(EventKind.SERVER_UP, f'server "{address.name}" at {address} can be reached again')
        self.failure = failure

    async def dial_through(self, key: PoolKey, session: Session) -> Server:
        """Let the server ask the client itself."""
        route, seconds = self._route, self._settings.connect_timeout
        if route.binding is ChannelBinding.REQUIRE:
            raise ServerUnavailable(
                "channel binding is required (channel_binding = require), and what is passed through can't be bound",
                hint="Add the user with its password to the vault: agroal-admin user add.",
            )
        try:
            async with asyncio.timeout(seconds):
                channel = await open_channel(self._pump, route.address, self._options, route.policy)
        except TimeoutError as error:
            raise ServerUnavailable(f"server {route.address} did not answer within {seconds:g} s") from error
        except TlsFailed as error:
            raise ServerUnavailable(str(error)) from error
        try:
            async with asyncio.timeout(seconds + self._settings.authentication_timeout):
                greeting = await log_in_through(session.client, channel, key.user, key.database)
        except TimeoutError as error:
            channel.close()
            raise ServerUnavailable("the authentication by the server took too long") from error
        except BaseException:
            channel.close()
            raise
        return Server(channel, route.address, greeting, route.policy)


def encryption(channel: Channel, wanted: ChannelBinding) -> Encryption:
    """What a log-in over this channel can be bound to."""
    certificate = peer_certificate(channel) if wanted is not ChannelBinding.DISABLE else None
    if certificate is None:
        return Encryption(channel.encrypted, None, wanted)
    from agroal.auth.binding import server_end_point  # what reads certificates takes 6 MB: who has none does without

    return Encryption(channel.encrypted, server_end_point(certificate), wanted)
