"""What one answer is drawn from, and how many series there can be.

Who connects chooses user, database and application name; and each new combination is a new time series, for ever. So
the names that a label can have are bounded: the pools of the databases file have theirs, of the others the first that
PostgreSQL has let in. What comes later is counted together, as `other`. The same goes for application names. A name
that was shown once is shown ever after, so no series ends because another began.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from typing import Final, Generic, NamedTuple, TypeVar

from agroal.config.choices import MetricsPrefix, Pipeline
from agroal.management.snapshot import Pool, Snapshot
from agroal.pool.limits import Limit

OTHER: Final = "other"
MOST_POOLS: Final = 100
"""Pools with series of their own, besides those that a line of the databases file names."""
MOST_APPLICATIONS: Final = 100
MOST_SLOTS: Final = 200
"""Slots with series of their own; the totals count all."""

_HIGHEST: Final = ("max", "initial", "min", "oldest_wait_us", "failures")
"""What is no number of things, and not added up."""

T = TypeVar("T", bound=Hashable)


class Sort(NamedTuple):
    """Of clients."""

    state: str
    tls: str
    """The version; empty in the clear."""
    holds: bool
    """A connection to PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The daemon at one instant, and what its configuration says."""

    snapshot: Snapshot
    limits: Sequence[Limit] = ()
    pipeline: Pipeline = Pipeline.AUTO
    prefix: MetricsPrefix = MetricsPrefix.AGROAL
    primary: str = ""
    """The name of the server that clients are connected to."""
    clients: Mapping[Sort, int] = field(default_factory=dict)
    """How many there are of each sort. The picture need not have them one by one: there may be ten thousand."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The same, with names that are bounded in number."""

    facts: Facts
    snapshot: Snapshot
    """With the pools and slots that are shown."""


class Bounded(Generic[T]):
    """The first `most` values."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[T] = set()

    def admits(self, value: T) -> bool:
        """Whether it is one of them, or becomes one now."""
        if value not in self._known and len(self._known) < self._most:
            self._known.add(value)
        return value in self._known


class Names:
    """Those that have been shown since the start."""

    def __init__(self, pools: int = MOST_POOLS, applications: int = MOST_APPLICATIONS, slots: int = MOST_SLOTS) -> None:
        self._pools: Bounded[tuple[str, str]] = Bounded(pools)
        self._applications: Bounded[str] = Bounded(applications)
        self._most_slots = slots

    def see(self, facts: Facts) -> Seen:
        """What is to be shown of these."""
        named = {(limit.database, limit.user) for limit in facts.limits}
        own: set[tuple[str, str]] = set()
        shown: dict[tuple[str, str], list[Pool]] = {}
        for pool in facts.snapshot.pools:
            key = pool.database, pool.user
            if key in named or (pool.leases and self._pools.admits(key)):
                own.add(key)
            shown.setdefault(key if key in own else (OTHER, OTHER), []).append(pool)
        slots = []
        for slot in facts.snapshot.slots:
            if slot.id < self._most_slots:
                is_own = (slot.database, slot.user) in own
                database, user = (slot.database, slot.user) if is_own else (OTHER, OTHER)
                application = self._application(slot.application_name)
                slots.append(replace(slot, database=database, user=user, application_name=application))
        pools = tuple(_together(*key, pools) for key, pools in shown.items())
        return Seen(facts, replace(facts.snapshot, pools=pools, slots=tuple(slots)))

    def _application(self, name: str) -> str:
        return name if not name or self._applications.admits(name) else OTHER


def _together(database: str, user: str, pools: Sequence[Pool]) -> Pool:
    """Several pools as one."""
    first, *others = pools
    if not others:
        return replace(first, database=database, user=user)
    values: dict[str, object] = {}
    for name in (one.name for one in fields(Pool)):
        each = [getattr(pool, name) for pool in pools]
        if isinstance(each[0], tuple):
            values[name] = added(each)
        elif isinstance(each[0], int) and not isinstance(each[0], bool):
            values[name] = max(each) if name in _HIGHEST else sum(each)
    values["enabled"] = all(pool.enabled for pool in pools)
    values["paused"] = any(pool.paused for pool in pools)
    return replace(first, database=database, user=user, **values)  # type: ignore[arg-type]


def added(counts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Histograms with the same buckets, as one."""
    return tuple(map(sum, zip_longest(*counts, fillvalue=0)))
