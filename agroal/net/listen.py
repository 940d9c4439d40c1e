"""Listening sockets: TCP on every address that was asked for, and what accepts on those and on the Unix socket."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from agroal.errors import ConfigurationError, Problem
from agroal.net.chosen import Channel, Pump

log = logging.getLogger("agroal.listen")

NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
BREATHER = 0.2
"""Seconds that a listener rests when there is no descriptor for one more client."""


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """What every TCP connection is set to."""

    nodelay: bool = True
    keep_alive: bool = True

    def apply(self, sock: socket.socket) -> None:
        """Set them; a Unix socket has none of them."""
        if sock.family == socket.AF_UNIX:
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, self.nodelay)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, self.keep_alive)


def bind_tcp(host: str, port: int, backlog: int) -> list[socket.socket]:
    """Listening sockets for a host name, an address, or `*` for every address, IPv4 and IPv6.

    Raises ConfigurationError when one can't be had: it says which, and why.
    """
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            None if host == "*" else host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                sockets.append(_listening(family, address, backlog))
            except OSError as error:
                if (
                    host == "*"
                    and family == socket.AF_INET6
                    and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
                ):
                    continue  # a machine without IPv6
                raise
    except OSError as error:
        for sock in sockets:
            sock.close()
        hint = "; is another program listening there?" if error.errno == errno.EADDRINUSE else ""
        raise _cannot_listen(f"{host}:{port}", f"{error.strerror or error}{hint}") from error
    return sockets


def _listening(family: int, address: tuple[object, ...], backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _cannot_listen(where: str, why: str) -> ConfigurationError:
    return ConfigurationError([Problem("agroal", 0, "host", f"can't listen on {where}: {why}")])


class Connection(Protocol):
    """A client's, in whatever form."""

    def close(self) -> None:
        """Hang up."""


Came = TypeVar("Came", bound=Connection)
Where = TypeVar("Where")
Accept = Callable[[Channel], tuple[Came, Where]]
"""Takes one connection of a listening channel: that, and the peer's address. Raises OSError."""


def by_socket(listening: Channel) -> tuple[socket.socket, object]:
    """An Accept, for whom the pump does not serve. `net.arriving` has that for the others."""
    return listening.sock.accept()


class Listener(Generic[Came, Where]):
    """Takes connections from one listening socket, and hands each on with its peer's address."""

    def __init__(
        self,
        pump: Pump,
        sock: socket.socket,
        accept: Accept[Came, Where],
        welcome: Callable[[Came, Where], None],
        later: Later,
        *,
        shared: bool = False,
    ) -> None:
        """`shared`: another process listens on this very socket, too, and its file is not ours."""
        self._channel = Channel(pump, sock, f"listener {sock.getsockname()}")
        self._sock = sock
        self._take = accept
        self._welcome = welcome
        self._later = later
        self._shared = shared
        self._path = sock.getsockname() if sock.family == socket.AF_UNIX and not shared else None
        self._channel.attend(self._accept)

    def reconfigure(self, backlog: int, options: SocketOptions) -> None:
        """Let so many connections wait to be taken. Who is taken from now on inherits these options."""
        self._sock.listen(backlog)
        options.apply(self._sock)

    def close(self) -> None:
        """Stop listening; the Unix socket's file goes too."""
        if not self._channel.closed and self._path:
            Path(os.fsdecode(self._path)).unlink(missing_ok=True)
        if self._shared and not self._channel.closed:
            self._channel.pump.forget(self._channel)  # it stays in the set while others have it open (epoll(7), Q6)
        self._channel.close()

    def _accept(self) -> None:
        """Take one client. While there are more, the set says so again: a storm of them does not starve the others."""
        try:
            client, address = self._take(self._channel)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in NO_DESCRIPTORS:
                self._rest(error)
            return  # else the client was gone before we came (accept(2): ECONNABORTED and the network's own errors)
        try:
            self._welcome(client, address)
        except Exception:
            log.exception("internal error: a client from %s is turned away", address)
            client.close()

    def _rest(self, error: OSError) -> None:
        """Not the client's fault and not worth spinning over: it stays in the backlog until there is room."""
        log.warning("can't accept a client: %s; next try in %g s", error.strerror, BREATHER)
        self._channel.pause()
        self._later(BREATHER, self._wake)

    def _wake(self) -> None:
        if not self._channel.closed:
            self._channel.resume()


Later = Callable[[float, Callable[[], None]], object]
"""Calls something after so many seconds: the event loop's `call_later`."""
