from __future__ import annotations

from tests.bench.budget import budget_table
from tests.bench.figures import Memory, Sample, Summary, summarise
from tests.unit.bench.samples import sample, tail


def beside(workload: str, ours: float, theirs: float, peer: str = "agroal") -> list[Sample]:
    return [sample(peer, 1, ours, workload=workload), sample("pgbouncer", 1, theirs, workload=workload)]


def rows(summaries: list[Summary], *memory: Memory) -> list[tuple[str, ...]]:
    return list(budget_table(summaries, memory, "pgbouncer").rows)


def test_a_budget_stands_beside_what_was_measured() -> None:
    samples = beside("tls/select-prepared", 12.0, 10.0)
    assert rows(summarise(samples)) == [("CPU, TLS", "agroal", "1.20", "1.30 ×", "1.00 ×")]


def test_several_workloads_of_one_budget_are_listed() -> None:
    samples = [*beside("session/select-simple", 9.0, 10.0), *beside("session/select-prepared", 11.0, 10.0)]
    ((*_, measured, _, _),) = rows(summarise(samples))
    assert measured == "simple 0.90, prepared 1.10"


def test_each_variant_has_its_own_budget() -> None:
    samples = beside("session/select-simple", 16.0, 10.0, "agroal-pure")
    assert rows(summarise(samples)) == [("CPU, select by session", "agroal-pure", "1.60", "1.60 ×", "1.30 ×")]


def test_a_time_is_compared_by_the_rate() -> None:
    samples = [
        sample("agroal", 1, 1.0, workload="large/row-40mb", rate=4.0),
        sample("pgbouncer", 1, 1.0, workload="large/row-40mb", rate=5.0),
    ]
    assert rows(summarise(samples))[0][2] == "1.25"


def test_a_tail_has_two_budgets() -> None:
    samples = [tail("agroal", 1, 10.0, 13.0), tail("pgbouncer", 1, 10.0, 26.0)]
    found = rows(summarise(samples))
    assert [row[2:] for row in found] == [("0.50", "1.00 ×", "0.80 ×"), ("1.30", "–", "1.30")]


def test_without_a_reference_there_is_no_ratio_to_show() -> None:
    assert rows(summarise([sample("agroal", 1, 1.0, workload="tls/select-prepared")])) == []


def test_memory_has_budgets_of_agroal_alone() -> None:
    held = [Memory(peer, "session", 40 * 1024, 1000, 52 * 1024, 64) for peer in ("agroal", "pgbouncer")]
    assert [row[1:] for row in rows([], *held)] == [
        ("agroal", "40.0", "–", "45"),
        ("agroal", "12.3", "–", "12"),
        ("agroal", "64.0", "–", "one buffer"),
    ]
