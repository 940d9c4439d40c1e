"""How a client's connection is taken from a listening socket, into the pump.

This is the readable reference; `_pump.pyx` has its compiled twin, which makes a socket object only where one is asked
for.
"""

from __future__ import annotations

import socket
from typing import Final

from agroal.net.pump import Channel

LOCAL: Final = "[local]"
"""Where whoever comes by a Unix socket is, for people."""


def accepted(listening: Channel) -> tuple[Channel, str | None]:
    """One client of this listening channel, and its address; None at a Unix socket. Raises OSError."""
    sock, address = listening.sock.accept()
    if sock.family == socket.AF_UNIX:
        return Channel(listening.pump, sock, LOCAL), None
    return Channel(listening.pump, sock, f"{address[0]}:{address[1]}"), address[0]
