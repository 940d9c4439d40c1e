"""Whether clients can be served: what `/readyz` says, and a load balancer goes by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agroal.daemon.picture import role
from agroal.errors import ServerUnavailable
from agroal.net.dial import Address, reach
from agroal.net.listen import SocketOptions

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

PROBE_TIMEOUT: Final = 2.0
"""Seconds for the primary to take a connection."""
REMEMBERED: Final = 1.0
"""Seconds that the outcome of a probe serves for: whoever asks, PostgreSQL is not bothered more often."""


class Readiness:
    """Goes by what the pool knows of the primary. If that is nothing, or nothing good, it is asked for a connection."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._turn = asyncio.Lock()
        self._probed: tuple[float, Address, str | None] | None = None

    async def why_not(self) -> str | None:
        """What keeps clients from being served; None when nothing does."""
        daemon = self._daemon
        if daemon.stopping:
            return "agroal is shutting down"
        address = daemon.dialler.address
        connections = [server for server in daemon.pool.servers.values() if server.address == address]
        if role(connections) == "standby":
            return f'server "{address.name}" is a standby'
        if connections and daemon.dialler.failure is None:
            return None
        async with self._turn:
            now = daemon.now()
            if self._probed is None or self._probed[1] != address or now >= self._probed[0] + REMEMBERED:
                self._probed = now, address, await self._probe(address)
            return self._probed[2]

    async def _probe(self, address: Address) -> str | None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                channel = await reach(self._daemon.pump, address, SocketOptions())
        except ServerUnavailable as error:
            return error.message
        except TimeoutError:
            return f"server {address} did not answer within {PROBE_TIMEOUT:g} s"
        channel.close()
        return None
