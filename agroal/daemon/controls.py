"""What the management verbs may see and do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agroal.daemon.picture import picture
from agroal.errors import ServerUnavailable
from agroal.management.controls import ServerPing, ShutdownMode
from agroal.management.snapshot import Snapshot
from agroal.net.dial import Address, reach
from agroal.net.listen import SocketOptions

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

PING_TIMEOUT = 2.0
"""Seconds for a server to take a connection."""


class DaemonControls:
    """Implements `management.controls.Controls` for one daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.version = daemon.version
        self.instance_id = daemon.instance_id
        self.started_wall = daemon.started_wall
        self.started_mono = daemon.started_mono

    def now(self) -> float:
        """Monotonic seconds."""
        return self._daemon.now()

    def snapshot(self) -> Snapshot:
        """The daemon at this instant."""
        return picture(self._daemon)

    async def ping_servers(self) -> tuple[ServerPing, ...]:
        """Ask every server at the same time whether it takes connections."""
        configured = self._daemon.configuration.servers
        return tuple(await asyncio.gather(*(self._ping(Address(s.name, s.host, s.port)) for s in configured)))

    async def _ping(self, address: Address) -> ServerPing:
        error: str | None = None
        began = self.now()
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                channel = await reach(self._daemon.pump, address, SocketOptions())
        except ServerUnavailable as failure:
            error = failure.message
        except TimeoutError:
            error = f"no answer within {PING_TIMEOUT:g} s"
        else:
            channel.close()
        rtt_us = None if error else round((self.now() - began) * 1e6)
        return ServerPing(address.name, address.host, address.port, "unknown", error is None, rtt_us, error)

    def shutdown(self, mode: ShutdownMode, timeout: float | None) -> float | None:
        """Begin, hurry or take back the end of the daemon. Returns the seconds that clients are waited for."""
        stop = self._daemon.stop
        match mode:
            case ShutdownMode.GRACEFULLY:
                seconds = self._daemon.settings.flush_timeout if timeout is None else timeout
                stop.gracefully(seconds)
                return seconds or None
            case ShutdownMode.IMMEDIATE:
                stop.immediately()
            case ShutdownMode.CANCEL:
                stop.cancel()
        return None
