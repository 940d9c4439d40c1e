"""How long queries and transactions took, by pool: fed by the data plane, read by the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from agroal.net.chosen import Meter
from agroal.pool.histogram import BOUNDS_FINE_US
from agroal.pool.slot import PoolKey


def _fine() -> Meter:
    return Meter(BOUNDS_FINE_US)


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one database and user."""

    query: Meter = field(default_factory=_fine)
    transaction: Meter = field(default_factory=_fine)


class Timings:
    """Those of all. There are as many as there were pools whose clients PostgreSQL has let in."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], Timing] = {}

    def of(self, key: PoolKey) -> Timing:
        """What is fed by who serves this key; the same ever after, whatever secret is in the key."""
        pair = key.database, key.user
        return self._of.get(pair) or self._of.setdefault(pair, Timing())

    def seen(self, database: str, user: str) -> Timing:
        """What is known of it; nothing, where nobody has been served."""
        return self._of.get((database, user)) or Timing()
