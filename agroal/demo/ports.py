"""TCP ports that nobody uses."""

from __future__ import annotations

import random
import socket

from agroal.errors import AgroalError

_FIRST, _LAST = 10_000, 32_767
"""Below the range from which Linux takes the ports of outgoing connections: none of those gets in the way later."""


def free_port(dice: random.Random | None = None) -> int:
    """A port of the loopback interface that could be bound a moment ago."""
    dice = dice or random.Random()
    for port in dice.sample(range(_FIRST, _LAST + 1), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no obstacle
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AgroalError(f"no free TCP port found between {_FIRST} and {_LAST}")
