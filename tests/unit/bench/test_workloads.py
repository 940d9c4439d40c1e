from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from tests.bench.clients import Clients
from tests.bench.failure import BenchFailed
from tests.bench.setups import SESSION, TRANSACTION
from tests.bench.workloads import Fairness, Pgbench, Psql, Result, Tail, Workload

PGBENCH = """\
pgbench (15.18)
number of transactions actually processed: {transactions}
number of failed transactions: {failed} (0.000%)
latency average = 0.500 ms
initial connection time = 10.000 ms
tps = 16000.5 (without initial connection time)
"""
SELECT = Pgbench(name="select", options=("-S",))
ROW = Psql(name="row", sql="SELECT 1", times=2)
TAIL = Tail(name="tail", options=("-S",), setup=TRANSACTION, clients=500)
FAIR = Fairness(name="fair", options=("-S",), setup=TRANSACTION, clients=4, users=("one", "two"))


class Said(Clients):
    """Clients that have said this before they were asked; what each was asked is noted."""

    def __init__(self, *outputs: str, logs: Sequence[str] = ()) -> None:
        self.outputs = list(outputs)
        self.logs = logs
        self.asked: list[tuple[str, str, list[str]]] = []

    def command(self, program: str, user: str, arguments: Sequence[str]) -> str:
        return " ".join([program, "-U", user, *arguments])

    def run(self, program: str, user: str, arguments: Sequence[str], seconds: float) -> str:
        self.asked.append((program, user, list(arguments)))
        return self.outputs.pop(0)

    def run_together(self, program: str, users: Sequence[str], arguments: Sequence[str], seconds: float) -> list[str]:
        return [self.run(program, user, arguments, seconds) for user in users]

    def leavings(self, pattern: str) -> Iterator[str]:
        return iter(self.logs)


def result(workload: Workload, *outputs: str, logs: Sequence[str] = ()) -> Result:
    return workload.run(Said(*outputs, logs=logs), 3)


def test_pgbench_runs_for_so_many_seconds_and_names_its_database_last() -> None:
    arguments = SELECT.arguments(3)
    assert arguments[arguments.index("-T") + 1] == "3"
    assert arguments[-1] == "dbname=bench sslmode=disable"


def test_what_is_meant_to_be_encrypted_is() -> None:
    assert replace(SELECT, tls=True).arguments(3)[-1] == "dbname=bench sslmode=require"


def test_a_report_of_pgbench_becomes_a_result() -> None:
    found = result(SELECT, PGBENCH.format(transactions=48000, failed=0))
    assert (found.transactions, found.rate, found.latency) == (48000, 16000.5, 0.5)


@pytest.mark.parametrize(("transactions", "failed"), [(0, 0), (100, 1)])
def test_failed_transactions_are_no_result(transactions: int, failed: int) -> None:
    with pytest.raises(BenchFailed, match=f"{failed} transactions of {transactions} failed"):
        result(SELECT, PGBENCH.format(transactions=transactions, failed=failed))


def test_psql_repeats_its_command_on_one_connection() -> None:
    arguments = ROW.arguments()
    assert arguments.count("SELECT 1") == 2
    assert arguments[-1] == "dbname=bench sslmode=disable"


def test_the_times_of_psql_are_averaged() -> None:
    found = result(ROW, "Time: 40.000 ms\nTime: 1060.000 ms (00:01.060)\n")
    assert (found.transactions, found.latency) == (2, 550.0)
    assert found.rate == pytest.approx(1.818, abs=0.001)


def test_a_command_without_a_time_is_no_result() -> None:
    with pytest.raises(BenchFailed, match="1 of 2 commands"):
        result(ROW, "Time: 40.000 ms\n")


def test_a_tail_is_read_from_the_logs_of_all_threads() -> None:
    logs = [f"0 {n} {n * 1000} 0 {second} 0\n" for n, second in ((1, 100), (20, 101), (30, 102))]
    found = result(TAIL, PGBENCH.format(transactions=3, failed=0), logs=logs)
    assert (found.p50, found.p99) == (20.0, 30.0)
    assert "-l" in TAIL.arguments(3)
    assert TAIL.arguments(3)[TAIL.arguments(3).index("-T") + 1] == "5"
    assert TAIL.crowd == 500


def test_a_tail_without_a_log_is_no_result() -> None:
    with pytest.raises(BenchFailed, match="logged no transaction"):
        result(TAIL, PGBENCH.format(transactions=3, failed=0))


def test_fairness_is_the_spread_of_what_the_users_got() -> None:
    poor = PGBENCH.format(transactions=100, failed=0)
    rich = poor.replace("16000.5", "24000.75").replace("processed: 100", "processed: 300").replace("0.500", "0.300")
    found = result(FAIR, poor, rich)
    assert found.spread == pytest.approx(1.5)
    assert (found.transactions, found.rate) == (400, pytest.approx(40001.25))
    assert found.latency == pytest.approx((100 * 0.5 + 300 * 0.3) / 400)
    assert FAIR.crowd == 8


def test_fairness_runs_the_same_for_each_user() -> None:
    said = Said(*[PGBENCH.format(transactions=100, failed=0)] * 2)
    FAIR.run(said, 3)
    assert [user for _, user, _ in said.asked] == ["one", "two"]
    assert " -T 6 " in FAIR.command(said, 3)
    assert "for user in one two; do pgbench -U $user " in FAIR.command(said, 3)


def test_only_statements_that_outlive_a_transaction_have_to_be_followed() -> None:
    prepared = replace(SELECT, options=("-S", "-M", "prepared"))
    assert not replace(prepared, setup=SESSION).prepares
    assert replace(prepared, setup=TRANSACTION).prepares
    assert not replace(SELECT, setup=TRANSACTION).prepares
