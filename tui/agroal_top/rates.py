"""From totals to numbers per second, from histograms to percentiles."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from operator import sub

from agroal.management.snapshot import Counters, Slot


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second."""

    tps: float
    qps: float
    bytes_in: float
    """from clients"""
    bytes_out: float
    """to clients"""
    leases: float
    declined: float
    waits: float
    wait_us: float
    """microseconds that clients waited, together"""
    timeouts: float
    cancelled: float
    arrivals: float
    """connections of clients"""
    logins: float
    rejected: float
    tls_failures: float
    connects: float
    connect_failures: float
    validations: float
    disconnects: float
    log_warnings: float
    log_errors: float


@dataclass(frozen=True, slots=True)
class PoolRates:
    """Per second, of one pool.

    The first four are counted on its slots: what a connection did after the last snapshot that had it is not in them.
    """

    tps: float
    qps: float
    bytes_in: float
    bytes_out: float
    leases: float
    waits: float
    wait_us: float
    timeouts: float


@dataclass(frozen=True, slots=True)
class SlotRates:
    """Per second, since the snapshot before."""

    tps: float
    qps: float
    bytes_in: float
    bytes_out: float


COUNTERS = tuple(field.name for field in fields(Counters))
"""What the totals of a Mark begin with; the waits by duration follow."""

_CALLED = {"tps": "transactions", "qps": "queries", "arrivals": "clients", "logins": "authenticated"}
"""By the name of a rate its counter, where that has another."""

PLACES = {field.name: COUNTERS.index(_CALLED.get(field.name, field.name)) for field in fields(Rates)}
"""Where the total of a rate stands."""

QUERIES = [field.name for field in fields(PoolRates)].index("qps")
"""Where among the totals of a pool its queries stand."""

POOL_TOTALS = len(fields(PoolRates))
"""What the totals of a pool begin with, in the order of PoolRates; the waits by duration follow."""


def differences(first: Sequence[int], last: Sequence[int]) -> list[int]:
    return list(map(sub, last, first))


def rates(first: array[int], last: array[int], seconds: float) -> Rates:
    return Rates(*((last[place] - first[place]) / seconds for place in PLACES.values()))


def pool_rates(first: array[int], last: array[int], seconds: float) -> PoolRates | None:
    """None for a pool that was dropped and made anew in between."""
    grown = differences(first[:POOL_TOTALS], last[:POOL_TOTALS])
    return None if min(grown) < 0 else PoolRates(*(count / seconds for count in grown))


def slot_totals(slot: Slot) -> tuple[int, int, int, int]:
    """In the order of SlotRates."""
    return slot.transactions, slot.queries, slot.bytes_in, slot.bytes_out


def slot_rates(first: Slot, last: Slot, seconds: float) -> SlotRates | None:
    """None when the slot holds another connection by now."""
    if first.born_us != last.born_us:
        return None
    grown = differences(slot_totals(first), slot_totals(last))
    return SlotRates(*(count / seconds for count in grown))


def percentile(bounds: Sequence[int], counts: Sequence[int], quantile: float) -> int | None:
    """What `quantile` percent did not exceed, in the unit of the bounds; within a bucket they are taken to lie evenly.

    `counts` has one bucket more than there are bounds; of that one only the lower end is known. None when nothing was
    counted.
    """
    total = sum(counts)
    if total == 0:
        return None
    rank = quantile / 100 * total
    for bucket, reached in enumerate(accumulate(counts)):
        if reached >= rank and counts[bucket]:
            if bucket == len(bounds):
                break
            low = bounds[bucket - 1] if bucket else 0
            share = (rank - (reached - counts[bucket])) / counts[bucket]
            return round(low + (bounds[bucket] - low) * max(share, 0.0))
    return bounds[-1]
