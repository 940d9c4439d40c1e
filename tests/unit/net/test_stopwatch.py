from __future__ import annotations

from collections.abc import Callable

import pytest

from agroal.net import chosen, stopwatch
from agroal.pool.histogram import BOUNDS_FINE_US, Histogram
from agroal.wire.chosen import TurnTally
from agroal.wire.codes import Frontend, Status
from agroal.wire.expectations import TurnTally as ReferenceTally

QUERY = int(Frontend.QUERY)
ASKED = bytearray(b"Q\0\0\0\rSELECT 1\0")

KINDS = [(Histogram, stopwatch.Stopwatch, ReferenceTally), (chosen.Meter, chosen.Stopwatch, TurnTally)]
both = pytest.mark.parametrize("kind", KINDS, ids=["reference", "chosen"])


class Timed:
    """A client, and what its watch has found."""

    def __init__(self, kind: tuple[Callable, ...], slowest: float | None = None) -> None:  # type: ignore[type-arg]
        meter, watch, tally = kind
        self.queries, self.transactions = meter(BOUNDS_FINE_US), meter(BOUNDS_FINE_US)
        self.slow: list[tuple[bytes, float]] = []
        self.watch = watch(self.queries, self.transactions, slowest, self.took_long)
        self.tally = tally({})

    def took_long(self, words: bytes, took: float) -> None:
        self.slow.append((words, took))

    def ask(self, fresh: int = len(ASKED)) -> None:
        self.tally.requested(QUERY)
        self.watch.look(self.tally, ASKED, fresh)

    def answer(self, status: Status = Status.IDLE) -> None:
        self.tally.ready(int(status))
        self.watch.look(self.tally, ASKED, 0)

    @property
    def counted(self) -> tuple[int, int]:
        return sum(self.queries.counts), sum(self.transactions.counts)


@both
def test_a_query_alone_is_a_transaction(kind: tuple[Callable, ...]) -> None:  # type: ignore[type-arg]
    timed = Timed(kind)
    timed.ask()
    assert timed.counted == (0, 0)
    timed.answer()
    assert timed.counted == (1, 1)
    assert timed.transactions.sum >= timed.queries.sum >= 0


@both
def test_a_transaction_of_several(kind: tuple[Callable, ...]) -> None:  # type: ignore[type-arg]
    timed = Timed(kind)
    for status, counted in ((Status.IN_TRANSACTION, (1, 0)), (Status.FAILED, (2, 0)), (Status.IDLE, (3, 1))):
        timed.ask()
        timed.answer(status)
        assert timed.counted == counted


@both
def test_what_is_asked_ahead_is_measured_with_it(kind: tuple[Callable, ...]) -> None:  # type: ignore[type-arg]
    timed = Timed(kind)
    timed.ask()
    timed.ask()
    timed.answer()
    assert timed.counted == (0, 0)
    timed.answer()
    assert timed.counted == (1, 1)


@both
def test_what_took_long_is_told_with_the_words(kind: tuple[Callable, ...]) -> None:  # type: ignore[type-arg]
    timed = Timed(kind, slowest=0.0)
    timed.ask()
    timed.answer()
    timed.ask(fresh=0)  # the buffer begins in the middle of a message
    timed.answer()
    assert [words for words, _ in timed.slow] == [bytes(ASKED), b""]
    assert all(took >= 0 for _, took in timed.slow)


@both
def test_what_took_less_is_not(kind: tuple[Callable, ...]) -> None:  # type: ignore[type-arg]
    timed = Timed(kind, slowest=3600.0)
    timed.ask()
    timed.answer()
    assert timed.slow == []


@both
def test_a_meter_counts_up_to_each_bound(kind: tuple[Callable, ...]) -> None:  # type: ignore[type-arg]
    meter = kind[0]((10, 20))
    for microseconds in (0, 10, 11, 20, 21, 5000):
        meter.add(microseconds)
    assert (list(meter.counts), meter.sum) == ([2, 2, 2], 5062)
