"""Visits one PostgreSQL: looks its name up, knocks, logs in as everybody for whom agroal would, and asks.

Everything has a time in which it must be over, and whatever fails is a finding and no error.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ssl import DER_cert_to_PEM_cert

from agroal.auth.login import Credentials, Greeting, login
from agroal.auth.users import Secret
from agroal.config.choices import TlsMode
from agroal.config.limits import ALL
from agroal.config.model import Configuration
from agroal.config.servers import ServerSettings
from agroal.daemon.dialler import encryption
from agroal.daemon.files import Secrets
from agroal.doctor import asking
from agroal.doctor.patient import Asked, Certificate, Facts, Login, Seen
from agroal.doctor.place import read_certificates
from agroal.errors import ClientFacing, PeerGone, ServerRefused, ServerUnreachable
from agroal.net.chosen import Channel, Pump
from agroal.net.dial import Route, dial, hang_up, open_channel
from agroal.net.listen import SocketOptions
from agroal.net.server import Server
from agroal.net.tls import peer_certificate, tls_version
from agroal.wire.talk import Talk

MOST_LOGINS = 20
"""Users who are tried."""
AT_ONCE = 4
SECONDS = 5.0
"""For one step: a name, a connection, a question."""
ALWAYS_THERE = "postgres"
UNKNOWN_DATABASE = "3D000"
STARTUP = {"application_name": "agroal doctor", "search_path": "pg_catalog"}

Step = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Visit:
    """One server, and what is known about how to log in to it."""

    pump: Pump
    route: Route
    server: ServerSettings
    configuration: Configuration
    secrets: Secrets
    ours: int
    """Connections that the running daemon has there."""
    step: Step
    """Hears what is done now."""

    async def see(self) -> Seen:
        """Everything about it. Never raises."""
        seen = Seen(self.server, self.server is self.configuration.primary)
        self.step(f"looking up {self.server.host}")
        seen = await self._look_up(seen)
        if not seen.lookup_error:
            self.step(f"connecting to {self.server.name}")
            seen = await self._reach(seen)
        if seen.lookup_error or seen.unreachable:
            return seen
        self.step(f"logging in to {self.server.name}")
        gate = asyncio.Semaphore(AT_ONCE)
        tried = await asyncio.gather(*(self._try(user, database, gate) for user, database in self._pairs()))
        seen = replace(seen, logins=tuple(login for login, _ in tried))
        servers = {login.user: server for login, server in tried if server}
        try:
            return await self._ask(seen, servers)
        finally:
            for server in servers.values():
                await hang_up(server.channel, SECONDS)

    async def _look_up(self, seen: Seen) -> Seen:
        if self.server.unix_socket:
            return seen
        loop, began = asyncio.get_running_loop(), time.monotonic()
        try:
            async with asyncio.timeout(SECONDS):
                found = await loop.getaddrinfo(self.server.host, self.server.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            return replace(seen, lookup_error=f"no answer within {SECONDS:g} s")
        except OSError as error:
            return replace(seen, lookup_error=error.strerror or str(error))
        took = time.monotonic() - began
        targets = dict.fromkeys((family, address) for family, _, _, _, address in found)
        heard = await asyncio.gather(*(_knock(family, address) for family, address in targets))
        addresses = tuple(str(address[0]) for _, address in targets)
        deaf = tuple(address for address, there in zip(addresses, heard, strict=True) if not there)
        return replace(seen, addresses=addresses, deaf=deaf, lookup_seconds=took)

    async def _reach(self, seen: Seen) -> Seen:
        """Connect and encrypt, and log in as nobody: PostgreSQL's log has nothing of it."""
        policy = self.route.policy
        wanted = None if policy and policy.mode is TlsMode.ALLOW else policy
        try:
            async with asyncio.timeout(SECONDS):
                channel = await open_channel(self.pump, self.route.address, SocketOptions(), wanted)
        except TimeoutError:
            return replace(seen, unreachable=f"no answer within {SECONDS:g} s")
        except (ClientFacing, PeerGone) as error:
            return replace(seen, unreachable=str(error))
        certificate, tls = peer_certificate(channel), tls_version(channel)
        channel.close()
        shown = tuple(_shown(certificate, self.server.name)) if certificate else ()
        return replace(seen, tls=tls, certificates=shown)

    def _pairs(self) -> Iterable[tuple[str, str]]:
        """As whom and where to: everybody with a password, once."""
        limits = self.configuration.limits
        common = next((limit.database for limit in limits if limit.database != ALL), ALWAYS_THERE)
        known = [name for name, text in self.secrets.users.items() if Secret(text).password]
        for name in known[:MOST_LOGINS]:
            own = (one.database for one in limits if one.user == name and one.database != ALL)
            yield name, next(own, common)

    async def _try(self, user: str, database: str, gate: asyncio.Semaphore) -> tuple[Login, Server | None]:
        async with gate:
            login, server = await self._try_once(user, database)
            if login.sqlstate == UNKNOWN_DATABASE and database != ALWAYS_THERE:
                _, server = await self._try_once(user, ALWAYS_THERE)
            return login, server

    async def _try_once(self, user: str, database: str) -> tuple[Login, Server | None]:
        try:
            return Login(user, database), await self._log_in(user, self.secrets.users[user], database)
        except ServerRefused as error:
            return Login(user, database, error.server_sqlstate, error.message), None
        except ClientFacing as error:
            return Login(user, database, error.sqlstate, error.message), None
        except (PeerGone, OSError) as error:
            return Login(user, database, ServerUnreachable.sqlstate, str(error)), None

    async def _log_in(self, user: str, secret: str, database: str) -> Server:
        credentials = Credentials(user, Secret(secret), os.urandom(18).hex(), {})

        def talk(channel: Channel) -> Talk[Greeting]:
            return login(database, credentials, STARTUP, encryption(channel, self.route.binding))

        return await dial(self.pump, self.route.address, SocketOptions(), talk, SECONDS, self.route.policy)

    async def _ask(self, seen: Seen, servers: dict[str, Server]) -> Seen:
        """As the superuser of auth_query if there is one, who sees more; else as the first who could log in."""
        self.step(f"asking {self.server.name}")
        asked = await self._superuser(servers) if seen.primary else None
        if asked and self.configuration.settings.auth_query:
            seen = replace(seen, asked=await self._lookup(asked, servers))
        user = asked.user if asked and asked.user in servers else next(iter(servers), None)
        return seen if user is None else replace(seen, facts=await self._facts(servers[user], user))

    async def _facts(self, server: Server, user: str) -> Facts | None:
        names = {*self.secrets.users, *(limit.user for limit in self.configuration.limits)}
        query = self.configuration.settings.server_reset_query
        try:
            found = await server.converse(asking.facts(user, sorted(names), self.ours), SECONDS)
            return replace(found, reset_error=await server.converse(asking.reset(query), SECONDS))
        except (ClientFacing, PeerGone, TimeoutError):
            return None

    async def _superuser(self, servers: dict[str, Server]) -> Asked | None:
        """Logs in as the daemon does for auth_query."""
        if not self.secrets.superuser:
            return None
        ((user, secret),) = self.secrets.superuser.items()
        database = self.configuration.settings.auth_query_database
        try:
            server = await self._log_in(user, secret, database)
        except (ClientFacing, PeerGone, OSError) as error:
            return Asked(user, database, str(error))
        if user in servers:
            await hang_up(servers.pop(user).channel, SECONDS)
        servers[user] = server
        return Asked(user, database)

    async def _lookup(self, asked: Asked, servers: dict[str, Server]) -> Asked:
        """Asks for the secret of somebody who is there for certain: the one who asks."""
        if asked.error:
            return asked
        try:
            superuser, answers = await servers[asked.user].converse(asking.lookup(asked.user), SECONDS)
        except (ClientFacing, PeerGone, TimeoutError) as error:
            return replace(asked, error=str(error) or "no answer in time")
        return replace(asked, superuser=superuser, answers=answers)


async def _knock(family: int, address: tuple[object, ...]) -> bool:
    """Whether anybody takes a connection there."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.get_running_loop().sock_connect(sock, address)
        except (OSError, TimeoutError):
            return False
        return True


def _shown(certificate: bytes, name: str) -> Iterable[Certificate]:
    return read_certificates(DER_cert_to_PEM_cert(certificate).encode(), f"shown by {name}", chain=False)
