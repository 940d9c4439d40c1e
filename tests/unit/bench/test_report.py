from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.figures import Memory, summarise
from tests.bench.report import Table, markdown, memory_table, micros, rate, workload_table
from tests.unit.bench.samples import ROUNDS, sample, tail


def test_a_workload_has_a_row_for_each_peer() -> None:
    table = workload_table("select", summarise([*ROUNDS, sample("agroal", 1, 5.0, workload="copy")]))
    assert table.header[0] == "select"
    assert [row[0] for row in table.rows] == ["direct", "agroal", "pgbouncer"]
    assert table.rows[1] == (
        "agroal", "900", "0.90", "8.00 ms", "20.0 µs", "15.0 µs", "1.50 2.00 1.10", "1.50", "10.0 MB",
    )  # fmt: skip


def test_what_was_not_measured_is_a_dash() -> None:
    row = workload_table("select", summarise(ROUNDS)).rows[0]
    assert row == ("direct", "2\N{NO-BREAK SPACE}000", "2.00", "8.00 ms", "–", "–", "–", "–", "–")


def test_what_was_measured_for_nobody_has_no_column() -> None:
    table = workload_table("select", summarise([sample("direct", 1, None)]))
    assert table.header == ("select", "tps", "latency", "CPU")
    assert table.rows == (("direct", "1\N{NO-BREAK SPACE}000", "8.00 ms", "–"),)


def test_a_tail_has_columns_of_its_own() -> None:
    table = workload_table(
        "tail/500-clients", summarise([tail("agroal", 1, 10.0, 13.0), tail("pgbouncer", 1, 10.0, 26.0)])
    )
    agroal = dict(zip(table.header, table.rows[0], strict=True))
    assert (agroal["p50"], agroal["p99"]) == ("10.00 ms", "13.00 ms")
    assert (agroal["p99 ÷ p50"], agroal["p99 ÷ pgbouncer"]) == ("1.30", "0.50")


def test_fairness_has_a_column_of_its_own() -> None:
    table = workload_table("fair", summarise([replace(sample("agroal", 1, 5.0, workload="fair"), spread=1.25)]))
    assert dict(zip(table.header, table.rows[0], strict=True))["max ÷ min of users"] == "1.25"


def test_the_memory_of_a_client_stands_beside_that_of_the_pool() -> None:
    table = memory_table([Memory("agroal", "session", 40_960, 1000, 52_960, 64)])
    assert table.header[3] == "with 1\N{NO-BREAK SPACE}000 idle clients"
    assert table.rows == (("agroal", "session", "40.0 MB", "51.7 MB", "12.0 kB", "64 kB"),)


def test_markdown_has_figures_to_the_right() -> None:
    table = Table(("select", "tps"), (("direct", "2000"), ("agroal", "900")))
    assert markdown(table).splitlines() == [
        "| select | tps |",
        "| --- | ---: |",
        "| direct | 2000 |",
        "| agroal | 900 |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.34, "12.3 µs"), (99.94, "99.9 µs"), (123.4, "123 µs"), (45_678.9, "45\N{NO-BREAK SPACE}679 µs")],
)
def test_microseconds_have_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert micros(value) == text


@pytest.mark.parametrize(("value", "text"), [(1.234, "1.2"), (99.9, "99.9"), (12_345.6, "12\N{NO-BREAK SPACE}346")])
def test_a_throughput_is_a_whole_number_unless_it_is_small(value: float, text: str) -> None:
    assert rate(value) == text
