"""The port for Prometheus: what the daemon gives to `agroal.metrics`, and what of the settings it heeds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agroal.daemon.inherited import METRICS
from agroal.daemon.picture import picture
from agroal.daemon.readiness import Readiness
from agroal.metrics.exposition import Exposition
from agroal.metrics.http import HttpServer
from agroal.metrics.seen import Facts, Sort
from agroal.metrics.site import Site
from agroal.net.listen import bind_tcp
from agroal.net.tls import tls_version
from agroal.pool.limits import Limit

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.session import Session

BACKLOG = 64
"""Connections that wait to be taken."""


class Scraping:
    """Certificates, prefix and age of the cache are looked up for each request: so a reload has its effect at once."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        exposition = Exposition(self._facts, lambda: daemon.settings.metrics_cache_max_age, daemon.now)
        site = Site(exposition, Readiness(daemon).why_not)
        self._server = HttpServer(site.answer, lambda: daemon.encryption.metrics)

    async def start(self) -> None:
        """Raises ConfigurationError when it can't listen."""
        daemon, settings = self._daemon, self._daemon.settings
        sockets = daemon.listening.inherited(METRICS) or bind_tcp(settings.host, settings.metrics, BACKLOG)
        self._server.start(sockets)

    async def close(self) -> None:
        await self._server.close()

    def _facts(self) -> Facts:
        configuration, settings = self._daemon.configuration, self._daemon.settings
        clients = Counter(map(_sort, self._daemon.sessions.values()))
        return Facts(
            picture(self._daemon, most_clients=0),
            tuple(map(Limit.of, configuration.limits)),
            settings.pipeline,
            settings.metrics_prefix,
            configuration.primary.name,
            clients,
        )


def _sort(session: Session) -> Sort:
    return Sort(session.situation, tls_version(session.client), session.slot is not None)
