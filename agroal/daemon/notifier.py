"""Datagrams to systemd, as sd_notify(3) describes them.

They are news: a daemon whose news can't be delivered goes on all the same. But some must arrive in the end, or systemd
takes a daemon that serves for one that hangs; those are kept until it takes them.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from typing import Final

log = logging.getLogger("agroal.systemd")

FLAGS: Final = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
KEPT: Final = 16
"""Announcements that are kept: what is older than so many changes of state is news to nobody."""


class Notifier:
    """Tells the socket at `address` (NOTIFY_SOCKET; @ begins an abstract one), or nobody when that is empty."""

    def __init__(self, address: str = "") -> None:
        self._address = os.fsencode(address)
        self._socket: socket.socket | None = None
        self._unsent: deque[bytes] = deque(maxlen=KEPT)
        self._failing = False
        if self._address[:1] in (b"/", b"@"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        elif address:
            log.warning("systemd is told nothing: NOTIFY_SOCKET must begin with / or @, not as %a", address[:64])

    @property
    def listens(self) -> bool:
        """Somebody wants to hear."""
        return self._socket is not None

    def announce(self, *assignments: str) -> None:
        """A change of state, each assignment `NAME=value`: it is delivered in any case, and in order."""
        if self.listens:
            self._unsent.append(_datagram(assignments))
            self.deliver()

    def mention(self, *assignments: str) -> bool:
        """What will be said again. False: systemd has no room for it now, or announcements come first."""
        return self.deliver() and self._send(_datagram(assignments))

    def deliver(self) -> bool:
        """Try again what was announced. False while something is left."""
        while self._unsent and self._send(self._unsent[0]):
            self._unsent.popleft()
        return not self._unsent

    def close(self) -> None:
        """Nothing is said any more."""
        if self._socket:
            self._socket.close()
        self._socket = None
        self._unsent.clear()

    def _send(self, datagram: bytes) -> bool:
        if not self._socket:
            return False
        abstract = self._address[:1] == b"@"
        try:
            self._socket.sendto(datagram, FLAGS, b"\0" + self._address[1:] if abstract else self._address)
        except BlockingIOError:  # it is busy: there is no room in its queue
            return False
        except OSError as error:
            if not self._failing:
                log.warning("systemd can't be told how agroal is: %s", error.strerror or error)
            self._failing = True
            return False
        self._failing = False
        return True


def _datagram(assignments: tuple[str, ...]) -> bytes:
    return "\n".join(assignments).encode(errors="replace")
