"""Connections to PostgreSQL: reach it, log in, hang up."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, Self

from agroal.auth.login import Greeting
from agroal.config.choices import ChannelBinding, TlsMode
from agroal.config.servers import ServerSettings
from agroal.errors import PeerGone, ProtocolViolation, ServerRefused, ServerUnavailable, ServerUnreachable
from agroal.net.chosen import Channel, Pump
from agroal.net.converse import converse
from agroal.net.listen import SocketOptions
from agroal.net.server import SERVER_MESSAGE_LIMIT, Server
from agroal.net.tls import Policy, TlsFailed, offered_by_server, secure, secure_directly
from agroal.wire.frontend import TERMINATE
from agroal.wire.talk import Talk

NOT_LIKE_THIS = "28000"  # no line of PostgreSQL's pg_hba.conf lets us in with TLS, or without it


@dataclass(frozen=True, slots=True)
class Address:
    """Where a PostgreSQL instance listens. A host that begins with a slash is the directory of its Unix socket."""

    name: str
    """The server's section in the configuration."""
    host: str
    port: int

    @classmethod
    def of(cls, server: ServerSettings) -> Self:
        return cls(server.name, server.host, server.port)

    def __str__(self) -> str:
        return self.socket_path if self.is_unix else f"{self.host}:{self.port}"

    @property
    def is_unix(self) -> bool:
        """Reached through the file system."""
        return self.host.startswith("/")

    @property
    def socket_path(self) -> str:
        """Where libpq would look, too."""
        return f"{self.host}/.s.PGSQL.{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """How to get to a server: where it is, and what is encrypted."""

    address: Address
    policy: Policy | None = None
    binding: ChannelBinding = ChannelBinding.PREFER


async def reach(pump: Pump, address: Address, options: SocketOptions) -> Channel:
    """A connected channel. Raises ServerUnavailable with the reason that the system gives."""
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    targets: list[tuple[socket.AddressFamily, str | tuple[object, ...]]]
    try:
        if address.is_unix:
            targets = [(socket.AF_UNIX, address.socket_path)]
        else:
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            targets = [(family, sockaddr) for family, _, _, _, sockaddr in found]
    except OSError as error:
        raise _unreachable(address, error) from error
    for family, target in targets:
        sock = None
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            options.apply(sock)
            await loop.sock_connect(sock, target)
        except OSError as error:
            if sock:
                sock.close()
            failure = error
        except BaseException:
            if sock:
                sock.close()
            raise
        else:
            return Channel(pump, sock, f"server {address}")
    raise _unreachable(address, failure or OSError("its name has no address"))


async def open_channel(pump: Pump, address: Address, options: SocketOptions, policy: Policy | None) -> Channel:
    """Reach the server, and encrypt the channel where the policy wants it. Raises ServerUnavailable, TlsFailed."""
    channel = await reach(pump, address, options)
    if policy is None or address.is_unix:
        return channel
    try:
        if policy.direct:
            await secure_directly(channel, policy.upgrade)
        elif await offered_by_server(channel):
            await secure(channel, policy.upgrade)
        elif policy.is_strict:
            _refuse_without_tls(address, policy)
    except BaseException:
        channel.close()
        raise
    return channel


def _refuse_without_tls(address: Address, policy: Policy) -> NoReturn:
    raise ServerUnavailable(
        f"server {address} does not offer TLS, and tls = {policy.mode} wants it",
        hint="Switch it on in PostgreSQL (ssl = on), or set tls of this server to prefer.",
    )


async def dial(
    pump: Pump,
    address: Address,
    options: SocketOptions,
    login: Callable[[Channel], Talk[Greeting]],
    seconds: float,
    policy: Policy | None = None,
) -> Server:
    """Reach the server and log in, in this time. Raises ServerUnavailable, ServerRefused.

    `login` makes the talk, once it is known whether the channel is encrypted.
    """
    if policy is None or policy.is_strict:
        return await _dial(pump, address, options, login, seconds, policy)
    first, second = (None, policy) if policy.mode is TlsMode.ALLOW else (policy, None)
    encrypted: list[bool] = []

    def log_in(channel: Channel) -> Talk[Greeting]:
        encrypted.append(channel.encrypted)
        return login(channel)

    try:
        return await _dial(pump, address, options, log_in, seconds, first)
    except ServerRefused as refused:
        if refused.server_sqlstate != NOT_LIKE_THIS or encrypted != [first is policy]:
            raise
    return await _dial(pump, address, options, login, seconds, second)


async def _dial(
    pump: Pump,
    address: Address,
    options: SocketOptions,
    login: Callable[[Channel], Talk[Greeting]],
    seconds: float,
    policy: Policy | None,
) -> Server:
    channel: Channel | None = None
    try:
        async with asyncio.timeout(seconds):
            channel = await open_channel(pump, address, options, policy)
            greeting = await converse(channel, login(channel), SERVER_MESSAGE_LIMIT)
    except BaseException as error:
        if channel:
            channel.close()
        explained = _explained(error, address, seconds)
        if explained is error:
            raise
        raise explained from error
    if channel.unread:
        channel.close()
        raise ServerUnavailable(f"server {address} said more than a login needs")
    return Server(channel, address, greeting, policy)


def _explained(error: BaseException, address: Address, seconds: float) -> BaseException:
    """What went wrong in a login, in words for the client that waits for it."""
    match error:
        case TimeoutError():
            return ServerUnreachable(f"server {address} did not answer within {seconds:g} s")
        case TlsFailed():
            return ServerUnavailable(str(error))
        case PeerGone():
            return ServerUnreachable(f"server {address} closed the connection during the login")
        case ProtocolViolation():
            return ServerUnavailable(f"server {address} does not speak PostgreSQL's protocol: {error.message}")
    return error


async def hang_up(channel: Channel, seconds: float, farewell: bytes = TERMINATE) -> None:
    """Say goodbye and wait until the server's side is gone, so that it counts against no limit any more.

    After `seconds` the connection is closed all the same. Never raises.
    """
    if channel.closed:
        return
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    finish = partial(_finish, gone)
    try:
        if farewell:
            if channel.unsent:
                channel.unsent = b""  # the rest of a message whose sender has left: nothing can follow but the end
            else:
                channel.write(farewell)
            channel.sock.shutdown(socket.SHUT_WR)
        channel.attend(partial(_drain, channel, finish), finish)
        async with asyncio.timeout(seconds):
            await gone
    except (OSError, TimeoutError):
        pass
    finally:
        channel.close()


def _drain(channel: Channel, finish: partial[None]) -> None:
    """Read and throw away, up to the end."""
    try:
        if channel.sock.recv_into(channel.pump.buffer):
            return
    except BlockingIOError:
        return
    except OSError:
        pass
    channel.ignore()
    finish()


def _finish(gone: asyncio.Future[None]) -> None:
    if not gone.done():
        gone.set_result(None)


def _unreachable(address: Address, error: OSError) -> ServerUnreachable:
    # asyncio puts words of its own into a refused connect's strerror; a resolver's number is none of the system's.
    foreign = error.errno is None or isinstance(error, socket.gaierror)
    reason = error.strerror or error if foreign else os.strerror(error.errno or 0)
    return ServerUnreachable(
        f'could not connect to server "{address.name}" at {address}: {reason}',
        hint="Is PostgreSQL running there, and does it accept connections?",
    )
