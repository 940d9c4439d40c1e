from __future__ import annotations

from agroal.demo.measure import HEADER, Row
from agroal.demo.report import Report

REPORT = Report(transactions=1000, failed=0, rate=24649.01, latency=0.3244)


def test_a_row_has_a_cell_for_each_column() -> None:
    row = Row("pooled", REPORT, connections=8, cpu=16.24)

    assert row.cells() == ("pooled", "24\u00a0649", "0.32 ms", "8", "16.2 µs")
    assert len(row.cells()) == len(HEADER)


def test_where_no_cpu_time_was_counted_there_is_a_dash() -> None:
    assert Row("directly", REPORT, connections=9, cpu=None).cells()[-1] == "–"
