from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import Metric

from agroal.config.choices import MetricsPrefix
from agroal.management.snapshot import Snapshot
from agroal.metrics.exposition import AT_ONCE, Exposition, Format, buckets, chosen
from agroal.metrics.family import Kind, Spread
from agroal.metrics.seen import MOST_POOLS, Facts
from agroal.metrics.table import FAMILIES, PROCESS
from tests.unit.looping import in_a_loop
from tests.unit.management.sample import COUNTERS, POOL, snapshot
from tests.unit.metrics.made import everything, facts, parsed, scrape

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What Prometheus 3 asks for."""
TYPES = {Kind.GAUGE: "gauge", Kind.COUNTER: "counter", Kind.TOTAL: "unknown", Kind.HISTOGRAM: "histogram"}


def values(metrics: list[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in metrics
        for sample in metric.samples
        if not sample.name.startswith("process_")
    }


@pytest.mark.parametrize("wanted", Format)
def test_prometheus_clients_own_parser_finds_every_metric_as_it_is_declared(wanted: Format) -> None:
    found = {metric.name: metric for metric in parsed(scrape(wanted, everything()), wanted)}
    for family in FAMILIES:
        metric = found.pop("agroal_" + family.name.removesuffix("_total" if family.kind is Kind.COUNTER else "\0"))
        assert (metric.type, metric.documentation) == (TYPES[family.kind], family.doc)
        assert {frozenset(sample.labels) - {"le"} for sample in metric.samples} == {frozenset(family.labels)}
    assert {name.removesuffix("_total") for name, _, _ in PROCESS} >= found.keys()


def test_both_formats_say_the_same() -> None:
    text, openmetrics = (values(parsed(scrape(wanted), wanted)) for wanted in Format)
    assert text == openmetrics
    assert len(text) > 100


def test_openmetrics_has_an_end_and_text_has_none() -> None:
    assert scrape(Format.OPENMETRICS).endswith("\n# EOF\n")
    assert scrape(Format.OPENMETRICS).count("# EOF") == 1
    assert "# EOF" not in scrape(Format.TEXT)


def test_the_prefix_renames_all_but_the_process() -> None:
    ours = scrape()
    theirs = scrape(given=facts(prefix=MetricsPrefix.PGAGROAL))
    names = [metric.name for metric in parsed(theirs)]
    assert {name.partition("_")[0] for name in names} == {"pgagroal", "process"}
    assert names == [metric.name.replace("agroal_", "pgagroal_", 1) for metric in parsed(ours)]
    assert "\npgagroal_query_count 41.0\n" in theirs


def test_whatever_names_there_are_they_stay_in_their_place() -> None:
    evil = 'a"} 1\nagroal_state{x="\\'
    (taken,) = [
        sample
        for metric in parsed(scrape(given=facts(snapshot(pools=(replace(POOL, user=evil),)))))
        for sample in metric.samples
        if sample.name == "agroal_pool_waiting"
    ]
    assert taken.labels == {"database": "shop", "user": evil}


def test_what_is_not_known_has_no_lines() -> None:
    text = scrape(given=facts(snapshot(pools=(), waiters=(), servers=())))
    assert "agroal_pool_" not in text
    assert "agroal_waiting" not in text
    assert "agroal_waits_total 1.0" in text


def test_buckets_are_cumulative_seconds() -> None:
    assert buckets(Spread((50, 1_000, 2_500_000), (4, 0, 2, 1), 9)) == [
        ("5e-05", 4),
        ("0.001", 4),
        ("2.5", 6),
        ("+Inf", 7),
    ]


@pytest.mark.parametrize("wanted", Format)
def test_a_metric_of_many_lines_is_drawn_in_parts_between_which_the_loop_has_its_turn(wanted: Format) -> None:
    pools = tuple(replace(POOL, user=f"user{n}", leases=n + 1) for n in range(MOST_POOLS + 7))
    lines, breaths = 0, 0

    async def breathe() -> None:
        nonlocal breaths
        breaths += 1

    exposition = Exposition(lambda: facts(snapshot(pools=pools)), lambda: 0, lambda: 0.0, breathe)
    text = asyncio.run(exposition.render(wanted)).decode()
    lines = text.count("\n")
    leases = {
        sample.labels["user"]: sample.value
        for metric in parsed(text, wanted)
        for sample in metric.samples
        if sample.name == "agroal_pool_leases_total"
    }
    assert leases == {**{f"user{n}": n + 1 for n in range(MOST_POOLS)}, "other": sum(range(101, 108))}
    assert text.count("# TYPE agroal_pool_wait_seconds histogram") == 1
    assert breaths > len(FAMILIES) - 10
    assert breaths > lines / (AT_ONCE + 10)


class Daemon:
    """Whose picture is another each time, and its clock."""

    def __init__(self, max_age: float) -> None:
        self.max_age = max_age
        self.now = 1000.0
        self.pictures = 0
        self.tick = 0.0
        """How much later it is each time that somebody looks at the clock."""
        self.exposition = Exposition(self._facts, lambda: self.max_age, self._clock)

    def _clock(self) -> float:
        self.now += self.tick
        return self.now

    def _facts(self) -> Facts:
        self.pictures += 1
        return Facts(self._snapshot())

    def _snapshot(self) -> Snapshot:
        return snapshot(counters=replace(COUNTERS, queries=self.pictures))

    async def queries(self, wanted: Format = Format.TEXT) -> float:
        text = (await self.exposition.render(wanted)).decode()
        return values(parsed(text, wanted))["agroal_query_count", ()]


@in_a_loop
async def test_without_a_cache_each_answer_is_fresh() -> None:
    daemon = Daemon(0)
    assert [await daemon.queries(), await daemon.queries()] == [1, 2]


@in_a_loop
async def test_an_answer_serves_as_long_as_it_may() -> None:
    daemon = Daemon(10)
    assert await daemon.queries() == 1
    daemon.now += 9.9
    assert await daemon.queries() == 1
    daemon.now += 0.1
    assert await daemon.queries() == 2


@in_a_loop
async def test_each_format_is_kept_by_itself() -> None:
    daemon = Daemon(10)
    assert await daemon.queries(Format.TEXT) == 1
    assert await daemon.queries(Format.OPENMETRICS) == 2
    assert await daemon.queries(Format.TEXT) == 1


@in_a_loop
async def test_another_age_counts_at_once() -> None:
    daemon = Daemon(1000)
    assert await daemon.queries() == 1
    daemon.max_age = 0
    assert await daemon.queries() == 2
    daemon.max_age = 1000
    assert await daemon.queries() == 2


@in_a_loop
async def test_a_crowd_has_one_answer_for_the_first_and_one_for_all_others() -> None:
    daemon = Daemon(0)
    daemon.tick = 0.001
    assert sorted(await asyncio.gather(*(daemon.queries() for _ in range(9)))) == [1] + [2] * 8
    assert await daemon.queries() == 3


@in_a_loop
async def test_who_comes_while_an_answer_is_drawn_has_that_one() -> None:
    daemon = Daemon(10)
    assert await asyncio.gather(*(daemon.queries() for _ in range(5))) == [1] * 5


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.TEXT),
        ("text/plain;version=0.0.4", Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("Application/OpenMetrics-Text; version=1.0.0", Format.OPENMETRICS),
        (PROMETHEUS, Format.OPENMETRICS),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.3", Format.TEXT),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text; q=nonsense", Format.TEXT),
        ("application/openmetrics-text; q=1.", Format.OPENMETRICS),
        ("application/openmetrics-text; q=1e9, text/plain", Format.TEXT),
        (",;,=;q", Format.TEXT),
    ],
)
def test_openmetrics_is_for_who_asks_for_it(accept: str, wanted: Format) -> None:
    assert chosen(accept) is wanted


def test_the_media_types_are_the_official_ones() -> None:
    assert Format.TEXT.value == "text/plain; version=0.0.4; charset=utf-8"
    assert Format.OPENMETRICS.value == "application/openmetrics-text; version=1.0.0; charset=utf-8"
