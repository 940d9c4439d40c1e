"""Logins that were refused: who tried, from where, how often. Bounded, for strangers decide what is in it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

KEPT: Final = 100
BURST: Final = 10
"""Refusals within BURST_SECONDS that are news."""
BURST_SECONDS: Final = 10.0
BURST_PAUSE: Final = 60.0
"""Seconds before a burst is news again."""


@dataclass(slots=True)
class Failure:
    """Refusals that look the same."""

    user: str
    database: str
    address: str
    error: str
    count: int = 0
    last: float = 0.0
    """Monotonic seconds."""


class Failures:
    """The latest of them, and whether they come thick and fast."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str, str], Failure] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=BURST)
        self._quiet_until = 0.0
        self.total = 0

    def __iter__(self) -> Iterator[Failure]:
        """The latest first."""
        return reversed(self._kept.values())

    def add(self, user: str, database: str, address: str, error: str, now: float) -> None:
        key = user, database, address, error
        failure = self._kept.setdefault(key, Failure(*key))
        failure.count += 1
        failure.last = now
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._recent.append(now)
        self.total += 1

    def burst(self, now: float) -> Failure | None:
        """The latest failure, if they come in a burst that is news."""
        thick = len(self._recent) == BURST and self._recent[0] > now - BURST_SECONDS
        if not thick or now < self._quiet_until:
            return None
        self._quiet_until = now + BURST_PAUSE
        return next(iter(self))
