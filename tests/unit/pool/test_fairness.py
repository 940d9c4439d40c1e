"""The rules of room.py at work: who gets how much, and at what price in reconnects. Virtual time, fixed dice."""

from __future__ import annotations

import pytest

from tests.unit.pool.simulation import (
    EQUAL,
    FAST_AND_SLOW,
    NOISY_AND_RARE,
    ONE_AND_TEN,
    TWELVE,
    UNEVEN,
    WORKLOADS,
    Load,
    Workload,
)

SEEDS = (1, 2)


def users(number: int, clients: int, work: float, think: float = 0.0) -> tuple[Load, ...]:
    return (Load("user", clients, work, think, number),)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_nobody_starves_and_seats_seldom_change_hands(workload: Workload, seed: int) -> None:
    simulation = workload.simulate(seed)
    assert simulation.refused == 0
    assert all(simulation.served[key] for load in workload.loads for key in load.pool_keys())
    assert simulation.wait(1.0) < 0.6
    # An odd seat goes round once per patience, whatever is asked for: so the price does not grow with the queries.
    assert simulation.connects <= workload.seconds * workload.seats / simulation.settings.patience
    assert simulation.connects / simulation.served.total() < 0.06


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_demand_gets_equal_service_without_a_reconnect(seed: int) -> None:
    simulation = EQUAL.simulate(seed)
    assert simulation.spread() <= 1.1
    assert simulation.connects == 0
    assert simulation.served.total() > 0.98 * EQUAL.seconds * EQUAL.seats / 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_demand_gets_equal_service_where_the_seats_can_not_be_shared_out_evenly(seed: int) -> None:
    simulation = UNEVEN.simulate(seed)
    assert simulation.spread() <= 1.1
    assert simulation.connects <= 6 * UNEVEN.seconds / simulation.settings.tenure  # each of the six odd seats
    assert simulation.served.total() > 0.98 * UNEVEN.seconds * UNEVEN.seats / 0.005


@pytest.mark.parametrize("work", [0.002, 0.05])
def test_the_odd_seats_go_round_as_often_however_long_the_queries_take(work: float) -> None:
    simulation = Workload("", 16, users(10, clients=10, work=work), seconds=10.0).simulate()
    assert simulation.spread() <= 1.1
    assert simulation.connects == pytest.approx(6 * 10.0 / simulation.settings.tenure, rel=0.1)


def test_an_odd_seat_goes_round_the_more_seldom_the_less_it_matters() -> None:
    few, many = (Workload("", seats, users(5, clients=20, work=0.005), seconds=20.0).simulate() for seats in (6, 31))
    assert max(few.spread(), many.spread()) <= 1.1
    assert few.connects > 5 * many.connects > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_twelve_databases_take_turns_on_six_connections(seed: int) -> None:
    simulation = TWELVE.simulate(seed)
    assert simulation.spread() < 1.5
    assert simulation.wait(0.99) < 0.15


def test_fast_queries_do_not_wait_for_slow_ones() -> None:
    fast, slow = FAST_AND_SLOW.loads
    simulation = FAST_AND_SLOW.simulate()
    assert simulation.wait(0.99, fast) < 0.01
    assert simulation.wait(0.99, slow) < 2 * slow.work


def test_who_comes_rarely_waits_no_longer_than_the_noisy_ones() -> None:
    noisy, rare = NOISY_AND_RARE.loads
    simulation = NOISY_AND_RARE.simulate()
    assert simulation.wait(0.99, rare) <= simulation.wait(0.99, noisy)
    assert simulation.spread(noisy) <= 1.1


def test_one_user_with_many_clients_does_not_crowd_out_those_with_one() -> None:
    big, small = ONE_AND_TEN.loads
    simulation = ONE_AND_TEN.simulate()
    assert simulation.wait(0.5, small) < 0.001
    assert simulation.spread(small) < 1.3
    each = sum(simulation.served[key] for key in small.pool_keys()) / small.pools
    assert each < sum(simulation.served[key] for key in big.pool_keys()) < 6 * each


def test_short_pauses_of_the_clients_cost_no_reconnects() -> None:
    simulation = Workload("", 30, users(10, clients=10, work=0.005, think=0.02), seconds=2.0).simulate()
    assert simulation.spread() < 1.1
    assert simulation.connects < 10


def test_more_users_than_seats_take_turns() -> None:
    simulation = Workload("", 10, users(20, clients=5, work=0.01)).simulate()
    assert simulation.spread() < 1.5
    assert simulation.connects < 5.0 * 10 / 0.1  # ten users without a seat get one once per patience
    assert simulation.wait(1.0) < 0.5


def test_a_greedy_user_does_not_starve_the_others() -> None:
    greedy, modest = Load("greedy", 100, 0.01), Load("modest", 1, 0.01, 0.02, pools=9)
    simulation = Workload("", 10, (greedy, modest), seconds=2.0).simulate()
    waits = [wait for key in modest.pool_keys() for wait in simulation.waits[key]]
    assert sum(waits) / len(waits) < 0.01
    assert sum(simulation.served[key] for key in greedy.pool_keys()) > 0.9 * 2.0 / 0.01


def test_long_transactions_do_not_make_the_seats_go_round() -> None:
    simulation = Workload("", 10, users(5, clients=10, work=0.5), seconds=60.0, start=10.0).simulate()
    assert simulation.spread() < 1.25
    assert simulation.connects == 0


def test_the_same_seed_gives_the_same_figures() -> None:
    one, other = (Workload("", 6, TWELVE.loads, seconds=0.5).simulate(7) for _ in range(2))
    assert (one.served, one.waits, one.connects) == (other.served, other.waits, other.connects)
