"""How long queries and transactions take.

A query takes from the moment when it is passed on to the answer that settles all that was asked up to then; what a
client asks ahead is measured with it. What it takes to get a server is not in it. A transaction takes from the first of
its queries to the ReadyForQuery that says idle.

This is the readable reference; `_flow.pyx` has its compiled twin.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from agroal.pool.histogram import Histogram
from agroal.wire.scan import IDLE, Tally

NOTED: Final = 16_384
"""Bytes of what a client asks that are kept, in case it takes long."""


class Stopwatch:
    """One client's. `slow` is called with the beginning of what was asked, and the seconds that it took, if these are
    at least `slowest`; None: never.
    """

    __slots__ = ("_asked", "_begun", "_noted", "_queries", "_slow", "_transactions", "slowest")

    def __init__(
        self, queries: Histogram, transactions: Histogram, slowest: float | None, slow: Callable[[bytes, float], None]
    ) -> None:
        self._queries = queries
        self._transactions = transactions
        self._slow = slow
        self.slowest = slowest
        self._asked = self._begun = 0.0
        """When the query and the transaction under way began; 0 when there is none."""
        self._noted = b""

    def look(self, tally: Tally, buffer: bytearray, fresh: int) -> None:
        """Something has been passed on. `fresh`: so many bytes of the buffer begin with a message of the client."""
        if not self._asked:
            if tally.owed > 0:
                self._asked = now = monotonic()
                self._begun = self._begun or now
                if self.slowest is not None:
                    self._noted = bytes(buffer[: min(fresh, NOTED)])
        elif tally.owed <= 0:
            now = monotonic()
            took, self._asked = now - self._asked, 0.0
            self._queries.add(int(took * 1e6))
            if tally.status == IDLE:
                self._transactions.add(int((now - self._begun) * 1e6))
                self._begun = 0.0
            if self.slowest is not None:
                if took >= self.slowest:
                    self._slow(self._noted, took)
                self._noted = b""
