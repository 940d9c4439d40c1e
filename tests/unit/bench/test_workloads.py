from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.failure import BenchFailed
from tests.bench.workloads import QUICK, WORKLOADS, Pgbench, Psql

PGBENCH = """\
pgbench (15.18)
number of transactions actually processed: {transactions}
number of failed transactions: {failed} (0.000%)
latency average = 0.500 ms
initial connection time = 10.000 ms
tps = 16000.5 (without initial connection time)
"""
SELECT = Pgbench("select", ("-S",))
ROW = Psql("row", "SELECT 1", times=2)


def test_names_are_unique_and_the_quick_ones_are_among_them() -> None:
    names = [workload.name for workload in WORKLOADS]
    assert len(set(names)) == len(names)
    assert set(QUICK) < set(names)


def test_pgbench_runs_for_so_many_seconds_and_names_its_database_last() -> None:
    arguments = SELECT.arguments(3)
    assert arguments[arguments.index("-T") + 1] == "3"
    assert arguments[-1] == "dbname=bench sslmode=disable"


def test_what_is_meant_to_be_encrypted_is() -> None:
    assert replace(SELECT, tls=True).arguments(3)[-1] == "dbname=bench sslmode=require"


def test_a_report_of_pgbench_becomes_a_result() -> None:
    result = SELECT.result(PGBENCH.format(transactions=48000, failed=0))
    assert (result.transactions, result.rate, result.latency) == (48000, 16000.5, 0.5)


@pytest.mark.parametrize(("transactions", "failed"), [(0, 0), (100, 1)])
def test_failed_transactions_are_no_result(transactions: int, failed: int) -> None:
    with pytest.raises(BenchFailed, match=f"{failed} transactions of {transactions} failed"):
        SELECT.result(PGBENCH.format(transactions=transactions, failed=failed))


def test_psql_repeats_its_command_on_one_connection() -> None:
    arguments = ROW.arguments(3)
    assert arguments.count("SELECT 1") == 2
    assert arguments[-1] == "dbname=bench sslmode=disable"


def test_the_times_of_psql_are_averaged() -> None:
    result = ROW.result("Time: 40.000 ms\nTime: 1060.000 ms (00:01.060)\n")
    assert (result.transactions, result.latency) == (2, 550.0)
    assert result.rate == pytest.approx(1.818, abs=0.001)


def test_a_command_without_a_time_is_no_result() -> None:
    with pytest.raises(BenchFailed, match="1 of 2 commands"):
        ROW.result("Time: 40.000 ms\n")
