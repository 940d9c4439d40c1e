"""Socket activation: the listening sockets that systemd opened for us (sd_listen_fds(3), systemd.socket(5)).

They are checked before anything is served on them: what is not a listening stream socket is a mistake in the unit, and
best said at the start.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final, Self

from agroal.errors import ConfigurationError, Problem

FIRST: Final = 3
"""The number of the first descriptor that systemd passes."""
MOST: Final = 1024
"""More sockets than any unit has: a number that is no mistake is below."""
CLIENTS: Final = "clients"
METRICS: Final = "metrics"
MANAGEMENT: Final = "management"
NAMES: Final = (CLIENTS, METRICS, MANAGEMENT)
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


class Inherited:
    """Listening sockets by what they are for; each is taken once. Whoever takes one does not remove its file."""

    def __init__(self, sockets: Mapping[str, list[socket.socket]] | None = None) -> None:
        self._sockets = dict(sockets or {})

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> Self:
        """What was passed to the process `pid`. Raises ConfigurationError, with all that is wrong with it."""
        if environment.get("LISTEN_PID") != str(pid):  # it was meant for who started us
            return cls()
        found: dict[str, list[socket.socket]] = {}
        problems: list[Problem] = []
        for descriptor, name in enumerate(_names(environment), FIRST):
            try:
                found.setdefault(_purpose(name), []).append(_listening(descriptor))
            except ValueError as error:
                problems.append(_problem("LISTEN_FDS", f"descriptor {descriptor}, named {name[:64]!a}, {error}"))
        if problems:
            cls(found).close()
            raise ConfigurationError(problems)
        return cls(found)

    def take(self, name: str) -> list[socket.socket]:
        """Those for this purpose, one of NAMES; none the second time."""
        return self._sockets.pop(name, [])

    def close(self) -> list[str]:
        """Close those that nobody has taken. Returns what they were for."""
        for sock in (sock for sockets in self._sockets.values() for sock in sockets):
            sock.close()
        untaken = list(self._sockets)
        self._sockets.clear()
        return untaken


def _names(environment: Mapping[str, str]) -> list[str]:
    """One for each socket; without LISTEN_FDNAMES all are for clients."""
    text = environment.get("LISTEN_FDS", "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MOST)) and int(text) <= MOST):
        raise ConfigurationError([_problem("LISTEN_FDS", f"expected a number from 0 to {MOST}, not {text[:64]!a}")])
    count = int(text)
    if "LISTEN_FDNAMES" not in environment:
        return [CLIENTS] * count
    names = environment["LISTEN_FDNAMES"].split(":") if count else []
    if len(names) != count:
        raise ConfigurationError([_problem("LISTEN_FDNAMES", f"{len(names)} names for LISTEN_FDS={count} sockets")])
    return names


def _purpose(name: str) -> str:
    """What a socket of this name is for. Raises ValueError."""
    if name in NAMES:
        return name
    if name == "unknown" or name.endswith(".socket"):  # systemd's own, where the unit gives none
        return CLIENTS
    raise ValueError(f"is for nothing here: FileDescriptorName= must be one of {', '.join(NAMES)}")


def _listening(descriptor: int) -> socket.socket:
    """The socket with this descriptor, as ours are. Raises ValueError."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ValueError(f"is no socket: {error.strerror}") from error
    if mistake := _mistake(sock):
        sock.close()
        raise ValueError(mistake)
    os.set_inheritable(descriptor, False)
    sock.setblocking(False)
    return sock


def _mistake(sock: socket.socket) -> str:
    """What is wrong with it; empty when nothing is."""
    if sock.family not in FAMILIES or sock.type != socket.SOCK_STREAM:
        return "is no stream socket of TCP or Unix: the unit needs ListenStream="
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "does not listen: the unit needs Accept=no"
    return ""


def _problem(variable: str, what: str) -> Problem:
    return Problem("systemd", 0, variable, what)
