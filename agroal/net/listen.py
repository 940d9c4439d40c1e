"""Listening sockets: TCP on every address asked for, and the Unix socket that libpq looks for."""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agroal.errors import ConfigurationError, Problem
from agroal.net.pump import Channel, Pump

log = logging.getLogger("agroal.listen")

ACCEPT_AT_ONCE = 16
"""Connections taken per wake-up, so that a storm of new clients does not starve the old ones."""
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
        raise _cannot_listen("host", f"{host}:{port}", f"{error.strerror or error}{hint}") from error
    return sockets


def _listening(family: int, address: tuple[object, ...] | str, backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def bind_unix(path: Path, backlog: int) -> socket.socket:
    """The listening socket at `path`, open to all local users as PostgreSQL's is: the HBA file decides.

    The file of a daemon that is gone is replaced; that of a living one is not. Raises ConfigurationError.
    """
    try:
        _remove_stale(path)
        sock = _listening(socket.AF_UNIX, str(path), backlog)
        path.chmod(0o777)
    except OSError as error:
        raise _cannot_listen("unix_socket_dir", str(path), error.strerror or str(error)) from error
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the socket file unless somebody answers behind it. Raises ConfigurationError when somebody does."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise _cannot_listen("unix_socket_dir", str(path), "the file exists and is not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise _cannot_listen(
        "unix_socket_dir", str(path), "another agroal is listening there; stop it, or choose another port"
    )


def _cannot_listen(key: str, where: str, why: str) -> ConfigurationError:
    return ConfigurationError([Problem("agroal", 0, key, f"can't listen on {where}: {why}")])


class Listener:
    """Takes connections from one listening socket, and hands each on with its peer's address."""

    def __init__(
        self, pump: Pump, sock: socket.socket, welcome: Callable[[socket.socket, object], None], later: Later
    ) -> None:
        self._channel = Channel(pump, sock, f"listener {sock.getsockname()}")
        self._sock = sock
        self._welcome = welcome
        self._later = later
        self._path = sock.getsockname() if sock.family == socket.AF_UNIX else None
        self._channel.attend(self._accept)

    def close(self) -> None:
        """Stop listening; the Unix socket's file goes too."""
        if not self._channel.closed and self._path:
            Path(os.fsdecode(self._path)).unlink(missing_ok=True)
        self._channel.close()

    def _accept(self) -> None:
        for _ in range(ACCEPT_AT_ONCE):
            try:
                sock, address = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_DESCRIPTORS:
                    self._rest(error)
                    return
                continue  # the client was gone before we came (accept(2): ECONNABORTED and the network's own errors)
            self._welcome(sock, address)

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
