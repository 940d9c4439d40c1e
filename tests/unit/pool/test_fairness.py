"""The rules of room.py at work: who gets how much, and at what price in reconnects. Virtual time, fixed dice."""

from __future__ import annotations

from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from tests.unit.pool.simulation import Load, Simulation


def users(number: int, clients: int, work: float, think: float = 0.0) -> list[Load]:
    return [Load(f"user{index}", clients, work, think) for index in range(number)]


def simulate(seats: int, loads: list[Load], seconds: float = 2.0, start: float = 1.0) -> Simulation:
    """Everybody under one limit, for some seconds after the start has settled."""
    simulation = Simulation(PoolSettings(max_connections=100), [Limit("all", (), "all", seats)], loads)
    simulation.run(start)
    simulation.served.clear()
    simulation.connects = 0
    simulation.run(seconds)
    return simulation


def spread(simulation: Simulation) -> float:
    return max(simulation.served.values()) / min(simulation.served[load.user] for load in simulation.loads)


def test_equal_demand_gets_equal_service_without_a_reconnect() -> None:
    simulation = simulate(20, users(10, clients=10, work=0.02), seconds=5.0)
    assert spread(simulation) < 1.1
    assert simulation.connects == 0
    assert sum(simulation.served.values()) > 0.98 * 5.0 * 20 / 0.02


def test_short_pauses_of_the_clients_cost_no_reconnects() -> None:
    simulation = simulate(30, users(10, clients=10, work=0.005, think=0.02))
    assert spread(simulation) < 1.1
    assert simulation.connects < 10


def test_more_users_than_seats_take_turns() -> None:
    simulation = simulate(10, users(20, clients=5, work=0.01), seconds=5.0)
    assert spread(simulation) < 1.5
    assert simulation.connects < 5.0 * 10 / 0.1  # ten users without a seat get one once per patience
    assert max(max(waits) for waits in simulation.waits.values()) < 0.5


def test_a_greedy_user_does_not_starve_the_others() -> None:
    simulation = simulate(10, [Load("greedy", 100, 0.01), *users(9, clients=1, work=0.01, think=0.02)])
    modest = [wait for load in simulation.loads[1:] for wait in simulation.waits[load.user]]
    assert sum(modest) / len(modest) < 0.01
    assert simulation.served["greedy"] > 0.9 * 2.0 / 0.01


def test_long_transactions_do_not_make_the_seats_go_round() -> None:
    simulation = simulate(10, users(5, clients=10, work=0.5), seconds=60.0, start=10.0)
    assert spread(simulation) < 1.25
    assert simulation.connects == 0
