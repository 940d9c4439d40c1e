from __future__ import annotations

import pytest

from tests.bench import budget
from tests.bench.catalogue import GROUPS, MEMORY, NAMES, QUICK, WORKLOADS, chosen
from tests.bench.setups import Mode


def test_names_are_unique_and_the_quick_ones_are_among_them() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(QUICK) < set(NAMES)


def test_nothing_asked_for_is_the_quick_ones() -> None:
    assert set(chosen([], [], everything=False)) == set(QUICK)


def test_everything_is_everything() -> None:
    assert chosen(["session/select-simple"], [], everything=True) == NAMES


def test_names_and_groups_add_up_in_the_order_of_the_catalogue() -> None:
    names = chosen(["session/select-simple"], ["tail"], everything=False)
    assert names == ("session/select-simple", "tail/8-clients", "tail/100-clients", "tail/500-clients")


@pytest.mark.parametrize("group", ["session", "transaction"])
def test_both_modes_have_both_transactions_in_all_protocols(group: str) -> None:
    works = [f"{work}-{how}" for work in ("select", "tpcb") for how in ("simple", "extended", "prepared")]
    assert GROUPS[group] == tuple(f"{group}/{work}" for work in works)
    assert {workload.setup.mode for workload in WORKLOADS if workload.name in GROUPS[group]} == {Mode(group)}


def test_whatever_has_a_budget_can_be_measured() -> None:
    assert set(GROUPS["budget"]) == budget.NAMES


def test_more_clients_than_servers_come_by_transaction_only() -> None:
    crowded = [workload for workload in WORKLOADS if workload.crowd > workload.setup.servers]
    assert len(crowded) >= 3
    assert {workload.setup.mode for workload in crowded} == {Mode.TRANSACTION}


def test_memory_is_measured_in_each_mode() -> None:
    assert set(MEMORY.values()) == set(Mode)
