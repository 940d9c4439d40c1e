"""The text of an answer, by prometheus-client: the formats are its business, and what is in them ours.

A scrape must not keep clients waiting. So the picture is taken once, and then the loop has its turn every few lines:
with a hundred pools a histogram has two thousand, and each takes some ten microseconds.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from enum import Enum
from itertools import accumulate
from typing import Final

from prometheus_client import exposition as text
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from agroal.metrics.family import Family, Kind, Spread
from agroal.metrics.seen import Facts, Names, Seen
from agroal.metrics.table import FAMILIES

END: Final = b"# EOF\n"
"""Of an answer in OpenMetrics."""
AT_ONCE: Final = 100
"""Lines, or a few more, before the loop has its turn."""
COMMENTS: Final = 2
"""Lines with the name, the type and what it means, which are said once."""


class Format(Enum):
    """The value is the media type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def chosen(accept: str) -> Format:
    """What a header of this text asks for: OpenMetrics only where it is named and wanted as much as text."""
    wanted = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in wanted:
            wanted[kind] = max(wanted[kind], _quality(parameters))
    named, plain = wanted.values()
    return Format.OPENMETRICS if named and named >= plain else Format.TEXT


def _quality(parameters: Iterable[str]) -> float:
    """0 to 1; what can't be read is 0."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            whole, _, fraction = value.strip().partition(".")
            is_number = whole in ("0", "1") and (not fraction or (fraction.isascii() and fraction.isdecimal()))
            return min(1.0, float(value)) if is_number else 0.0
    return 1.0


class Exposition:
    """`facts` takes the picture; `max_age` is for how many seconds one answer serves, 0 is for itself only."""

    def __init__(
        self,
        facts: Callable[[], Facts],
        max_age: Callable[[], float],
        now: Callable[[], float],
        breathe: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0),
    ) -> None:
        self._facts = facts
        self._max_age = max_age
        self._now = now
        self._breathe = breathe
        self._names = Names()
        self._process = ProcessCollector(registry=None)
        self._kept: dict[Format, tuple[float, bytes]] = {}
        self._turn = asyncio.Lock()

    async def render(self, wanted: Format) -> bytes:
        """The metrics as they are, or as they were within the last `max_age` seconds.

        Whoever waits while one answer is drawn has the next in common.
        """
        asked = self._now()
        async with self._turn:
            taken, body = self._kept.get(wanted, (-math.inf, b""))
            if taken <= asked and self._now() >= taken + self._max_age():
                taken = self._now()
                body = await self._drawn(wanted)
                self._kept[wanted] = taken, body
            return body

    async def _drawn(self, wanted: Format) -> bytes:
        seen = self._names.see(self._facts())
        parts = []
        await self._breathe()
        for family in FAMILIES:
            for part in drawn(family, seen, wanted):
                parts.append(part)
                await self._breathe()
        parts += [_text(metric, wanted) for metric in self._process.collect()]
        return b"".join(parts) + (END if wanted is Format.OPENMETRICS else b"")


class _Lone(Collector):
    """What prometheus-client draws, which is a collector: here, of one metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return [self._metric]


def _text(metric: Metric, wanted: Format) -> bytes:
    if wanted is Format.TEXT:
        return text.generate_latest(_Lone(metric))
    return openmetrics.generate_latest(_Lone(metric)).removesuffix(END)  # type: ignore[no-untyped-call, no-any-return]


def drawn(family: Family, seen: Seen, wanted: Format) -> Iterator[bytes]:
    """The lines of a metric, some at a time; none when nothing is known of it just now."""
    metric: Metric = _TYPES[family.kind](f"{seen.facts.prefix}_{family.name}", family.doc, labels=family.labels)
    comments = 0
    for labels, value in family.read(seen):
        if isinstance(metric, HistogramMetricFamily):
            assert isinstance(value, Spread)
            metric.add_metric(labels, buckets(value), value.sum / 1e6)
        else:
            assert not isinstance(value, Spread)
            metric.add_metric(labels, float(value))  # type: ignore[attr-defined]
        if len(metric.samples) >= AT_ONCE:
            yield _text(metric, wanted).split(b"\n", comments)[comments]
            metric.samples.clear()
            comments = COMMENTS
    if metric.samples:
        yield _text(metric, wanted).split(b"\n", comments)[comments]


def buckets(spread: Spread) -> list[tuple[str, float]]:
    """How many took up to so many seconds, for each of the bounds."""
    bounds: list[str] = [floatToGoString(bound / 1e6) for bound in spread.bounds]  # type: ignore[no-untyped-call]
    return [*zip([*bounds, "+Inf"], accumulate(spread.counts), strict=True)]


_TYPES: Final = {
    Kind.GAUGE: GaugeMetricFamily,
    Kind.COUNTER: CounterMetricFamily,
    Kind.TOTAL: UnknownMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}
