"""TLS on a channel: the same non-blocking socket in the same pump, only that it encrypts.

OpenSSL is told not to read ahead, and a receive of the pump has room for more than one record. So whatever has been
decrypted has been handed on, what has not is still in the kernel, and a level-triggered set tells of it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agroal.auth import ident
from agroal.config.choices import TlsMode
from agroal.errors import PeerGone, ServerUnavailable
from agroal.net.chosen import Channel
from agroal.wire.codes import SSL_REQUEST

ALPN: Final = "postgresql"
REQUEST: Final = struct.pack("!II", 8, SSL_REQUEST)
RECORD: Final = 8192
"""Bytes of plain text in a record: a client can use the first while the rest is still on its way."""
TLS_HELLO: Final = b"\x16"
"""How a TLS handshake begins, and no startup packet: that one would be far too long."""


class TlsSocket(ssl.SSLSocket):
    """An SSLSocket that behaves like a non-blocking socket: what can't be done now is a BlockingIOError."""

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int | None = None, flags: int = 0) -> int:  # type: ignore[override]
        try:
            return super().recv_into(buffer, nbytes or len(buffer))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def recv(self, buflen: int = RECORD, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:  # type: ignore[override]
        """As much as the peer takes, in records. After a BlockingIOError the same bytes must come again first."""
        view, sent = memoryview(data), 0
        try:
            while sent < len(view):
                sent += super().send(view[sent : sent + RECORD])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not sent:
                raise BlockingIOError from None
        return sent

    def shutdown(self, how: int) -> None:
        """Say goodbye in TLS, then shut the socket down; what the peer still sends can be read."""
        self._say_goodbye()
        socket.socket.shutdown(self, how)

    def close(self) -> None:
        self._say_goodbye()
        super().close()

    def _say_goodbye(self) -> None:
        with suppress(OSError, ValueError):  # the peer's own goodbye is not waited for
            self.unwrap()


@dataclass(frozen=True, slots=True)
class Upgrade:
    """How a channel is to be encrypted."""

    context: ssl.SSLContext
    server_side: bool
    hostname: str | None = None
    """Of the server that we are the client of."""
    binding: bytes | None = None
    """What SCRAM-SHA-256-PLUS binds to: the hash of our certificate (RFC 5929)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How connections to one server are encrypted."""

    mode: TlsMode
    upgrade: Upgrade
    direct: bool = False
    """The handshake comes first: PostgreSQL 17 and newer."""

    @property
    def is_strict(self) -> bool:
        """Without encryption there is no connection."""
        return self.mode not in (TlsMode.DISABLE, TlsMode.ALLOW, TlsMode.PREFER)


class TlsFailed(PeerGone):
    """The handshake came to nothing."""


class Handshake:
    """Encrypts a channel, and calls `finished` with what went wrong, if anything did. Leaves the channel unattended."""

    def __init__(self, channel: Channel, upgrade: Upgrade, finished: Callable[[TlsFailed | None], None]) -> None:
        self._channel = channel
        self._finished = finished
        channel.sock = upgrade.context.wrap_socket(
            channel.sock,
            server_side=upgrade.server_side,
            do_handshake_on_connect=False,
            server_hostname=upgrade.hostname,
        )
        channel.attend(self._go_on, self._hung_up)
        self._go_on()

    def _go_on(self) -> None:
        sock = self._channel.sock
        assert isinstance(sock, ssl.SSLSocket)
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            self._end(TlsFailed(f"TLS with {self._channel.label} failed: {_reason(error)}"))
        except OSError:
            self._hung_up()
        else:
            self._end(None)

    def _hung_up(self) -> None:
        self._end(TlsFailed(f"{self._channel.label} hung up in the middle of the TLS handshake"))

    def _end(self, error: TlsFailed | None) -> None:
        self._channel.ignore()
        self._finished(error)


async def secure(channel: Channel, upgrade: Upgrade) -> None:
    """Encrypt the channel. Raises TlsFailed."""
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finished(error: TlsFailed | None) -> None:
        if outcome.done():
            return
        if error:
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    Handshake(channel, upgrade, finished)
    await outcome


async def something_to_read(channel: Channel) -> None:
    """Wait until the peer has sent something, or has hung up."""
    heard = asyncio.Event()
    channel.attend(heard.set, heard.set)
    try:
        await heard.wait()
    finally:
        if not channel.closed:
            channel.ignore()


async def secure_directly(channel: Channel, upgrade: Upgrade) -> None:
    """Encrypt the channel without having asked. Raises TlsFailed."""
    await secure(channel, upgrade)
    if failure := unnamed(channel):
        raise failure


def unnamed(channel: Channel) -> TlsFailed | None:
    """Who begins with TLS must say in the handshake that it means PostgreSQL: what went wrong, if it has not."""
    assert isinstance(channel.sock, ssl.SSLSocket)
    if channel.sock.selected_alpn_protocol() == ALPN:
        return None
    return TlsFailed(f'{channel.label} did not name the protocol "{ALPN}" in the TLS handshake (ALPN)')


def common_name(channel: Channel) -> str | None:
    """Of the peer's certificate, if it has shown one that was verified. None also where there is not exactly one."""
    if not isinstance(channel.sock, ssl.SSLSocket):
        return None
    return ident.common_name(channel.sock.getpeercert() or {})


def tls_version(channel: Channel) -> str:
    """Such as `TLSv1.3`; empty when the channel is not encrypted."""
    return channel.sock.version() or "" if isinstance(channel.sock, ssl.SSLSocket) else ""


def peer_certificate(channel: Channel) -> bytes | None:
    """The peer's certificate in DER, verified or not; None where it has shown none."""
    return channel.sock.getpeercert(binary_form=True) if isinstance(channel.sock, ssl.SSLSocket) else None


async def offered_by_server(channel: Channel) -> bool:
    """Ask a server whether it speaks TLS. Raises ServerUnavailable, PeerGone."""
    try:
        channel.write(REQUEST)
        await something_to_read(channel)
        answer = channel.sock.recv(2, socket.MSG_PEEK)
    except OSError as error:
        raise PeerGone(f"{channel.label} closed the connection") from error
    match answer:
        case b"S" | b"N":
            channel.sock.recv(1)
            return answer == b"S"
        case b"":
            raise PeerGone(f"{channel.label} closed the connection")
    # An error in the clear may come from anybody in between, and so may bytes behind the answer (CVE-2021-23222).
    raise ServerUnavailable(f"{channel.label} did not answer yes or no when it was asked for TLS")


def _reason(error: ssl.SSLError) -> str:
    """In words, without OpenSSL's file names."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    return (error.reason or "unknown error").lower().replace("_", " ")
