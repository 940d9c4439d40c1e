"""What the daemon offers besides being a pool: each service starts before the first client, and ends after the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agroal.daemon.controls import DaemonControls
from agroal.management.dispatch import Dispatcher
from agroal.management.server import ManagementServer

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon


class Service(Protocol):
    """Something with sockets or tasks of its own."""

    async def start(self) -> None:
        """Raises ConfigurationError when it can't do its work."""

    async def close(self) -> None:
        """End it; whether it was started or not."""


class Services:
    """All of them, as the configuration wants them."""

    def __init__(self, daemon: Daemon) -> None:
        self._services = tuple(_wanted(daemon))

    async def start(self) -> None:
        """Raises ConfigurationError."""
        for service in self._services:
            await service.start()

    async def close(self) -> None:
        """The one that was started last ends first."""
        for service in reversed(self._services):
            await service.close()


def _wanted(daemon: Daemon) -> list[Service]:
    controls, dispatcher = DaemonControls(daemon), Dispatcher()
    services: list[Service] = [
        daemon.supervision,
        daemon.flight,
        ManagementServer(daemon.socket_path("agroal"), controls, dispatcher),
    ]
    if daemon.settings.management:  # what these two load takes memory: who does not want them does without
        from agroal.daemon.remote import RemoteManagement

        services.append(RemoteManagement(daemon, controls, dispatcher))
    if daemon.settings.metrics:
        from agroal.daemon.scraping import Scraping

        services.append(Scraping(daemon))
    return services
