from __future__ import annotations

import pytest

from tests.bench.figures import Memory, summarise
from tests.unit.bench.samples import ROUNDS, sample, tail


def test_a_summary_is_of_one_workload_and_one_peer() -> None:
    found = summarise([*ROUNDS, sample("agroal", 1, 5.0, workload="copy")])
    assert [(one.workload, one.peer) for one in found] == [
        ("select", "direct"),
        ("select", "agroal"),
        ("select", "pgbouncer"),
        ("copy", "agroal"),
    ]


def test_medians_and_extremes_are_taken_over_the_rounds() -> None:
    agroal = summarise(ROUNDS)[1]
    assert (agroal.cpu, agroal.cpu_least, agroal.cpu_most) == (20.0, 15.0, 33.0)
    assert (agroal.rate, agroal.latency) == (900.0, 8.0)


def test_the_ratio_is_that_of_the_same_round_so_a_slow_round_does_no_harm() -> None:
    agroal = summarise(ROUNDS)[1]
    assert agroal.cpu_ratios == pytest.approx((1.5, 2.0, 1.1))
    assert agroal.cpu_ratio == pytest.approx(1.5)
    assert agroal.rate_ratio == pytest.approx(0.9)


def test_a_round_without_the_reference_has_no_ratio() -> None:
    reference = [sample("pgbouncer", 2, 10.0)]
    agroal = summarise([*(sample("agroal", number, 15.0) for number in (1, 2)), *reference])[0]
    assert agroal.cpu_ratios == (1.5,)


def test_without_the_reference_there_is_no_ratio_at_all() -> None:
    (alone,) = summarise([sample("agroal", 1, 15.0)])
    assert (alone.cpu_ratios, alone.cpu_ratio, alone.rate_ratio) == ((), None, None)


def test_without_a_pool_there_is_a_throughput_and_no_cpu_time() -> None:
    direct = summarise(ROUNDS)[0]
    assert (direct.cpu, direct.cpu_least, direct.cpu_most, direct.cpu_ratio, direct.rss) == (None,) * 5
    assert direct.rate_ratio == pytest.approx(2.0)


def test_the_memory_that_is_reported_is_the_most_of_any_round() -> None:
    assert summarise(ROUNDS)[1].rss == 10_243


def test_the_ratio_can_be_that_to_anyone_who_took_part() -> None:
    pgbouncer = summarise(ROUNDS, "agroal")[2]
    assert pgbouncer.cpu_ratios == pytest.approx((1 / 1.5, 1 / 2.0, 1 / 1.1))
    assert pgbouncer.reference == "agroal"


def test_a_tail_is_compared_with_its_own_middle_and_with_the_references_tail() -> None:
    times = {
        "agroal": [(10.0, 12.0), (20.0, 30.0), (10.0, 14.0)],
        "pgbouncer": [(10.0, 24.0), (10.0, 20.0), (5.0, 7.0)],
    }
    agroal = summarise(tail(peer, n, *pair) for peer, pairs in times.items() for n, pair in enumerate(pairs))[0]
    assert (agroal.p50, agroal.p99, agroal.p99_least, agroal.p99_most) == (10.0, 14.0, 12.0, 30.0)
    assert agroal.tail == pytest.approx(1.4)
    assert agroal.p99_ratio == pytest.approx(1.5)


def test_where_no_single_transaction_is_looked_at_there_is_no_tail() -> None:
    agroal = summarise(ROUNDS)[1]
    assert (agroal.p50, agroal.p99, agroal.p99_least, agroal.tail, agroal.p99_ratio, agroal.spread) == (None,) * 6


def test_what_a_client_costs_is_what_many_add() -> None:
    assert Memory("agroal", "session", 40_000, 1000, 52_500, 64).per_client == 12.5
