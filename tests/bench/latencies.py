"""The latency of each single transaction, from pgbench's log of transactions (`pgbench -l`)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

_SETTLING = 0.5
"""Seconds from the first transaction's end until the figures count: servers that were closed are opened meanwhile."""


def settled(lines: Iterable[str]) -> list[float]:
    """Milliseconds per transaction, ascending, of those that ended once everything had settled.

    A line is: client, number of the transaction, microseconds, script, and the end in seconds and microseconds.
    """
    ends_and_times = [
        (int(words[4]) + int(words[5]) / 1e6, int(words[2]) / 1000) for line in lines if len(words := line.split()) >= 6
    ]
    begin = min((end for end, _ in ends_and_times), default=0.0) + _SETTLING
    return sorted(time for end, time in ends_and_times if end >= begin)


def percentile(ascending: Sequence[float], share: float) -> float:
    """The least value that is not exceeded by this share of all."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]
