"""Which pipeline serves whom."""

from __future__ import annotations

from agroal.config.choices import Pipeline
from agroal.config.model import Configuration
from agroal.pool.limits import Limit, best_match
from agroal.pool.slot import PoolKey


class Pipelines:
    """What one configuration says."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._limits = tuple(map(Limit.of, configuration.limits))
        self._known: dict[tuple[str, str], Pipeline] = {}

    def of(self, key: PoolKey) -> Pipeline:
        """The pipeline of a client with this key: its line's, else everybody's; never AUTO."""
        names = key.database, key.user
        pipeline = self._known.get(names)
        if pipeline is None:
            if len(self._known) >= 1024:
                self._known.clear()
            pipeline = self._known[names] = self._choose(key)
        return pipeline

    def _choose(self, key: PoolKey) -> Pipeline:
        limit = best_match(self._limits, key)
        pipeline = (limit and limit.pipeline) or self.configuration.settings.pipeline
        return Pipeline.SESSION if pipeline is Pipeline.AUTO else pipeline
