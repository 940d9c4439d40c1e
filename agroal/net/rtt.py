"""The round trip to a server, as the kernel has measured it on connections that are open anyway."""

from __future__ import annotations

import socket
import sys
from typing import Final

RTT: Final = slice(68, 72)
"""Where `tcpi_rtt` is in `struct tcp_info`: eight bytes of flags, then 32 bits each, of which it is the sixteenth. In
microseconds, smoothed as in RFC 6298."""


def round_trip(sock: socket.socket) -> int | None:
    """Microseconds; None where the kernel has no idea: a Unix socket, or another system than Linux."""
    if sock.family == socket.AF_UNIX or sys.platform != "linux":
        return None
    try:
        found = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, RTT.stop)
    except OSError:
        return None
    return int.from_bytes(found[RTT], sys.byteorder) or None
