"""What was relayed. `_relays.pyx` has the compiled twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(slots=True)
class Traffic:
    """Monotonic totals of what was relayed."""

    queries: int = 0
    transactions: int = 0
    bytes_in: int = 0
    """From clients."""
    bytes_out: int = 0
    """To clients."""

    def __iadd__(self, other: Traffic) -> Self:
        self.queries += other.queries
        self.transactions += other.transactions
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        return self

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.queries + other.queries,
            self.transactions + other.transactions,
            self.bytes_in + other.bytes_in,
            self.bytes_out + other.bytes_out,
        )
