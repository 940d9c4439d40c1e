"""The pool core under simulated loads: `python -m tests.bench.simulation`. It prints, and asserts nothing.

The loads and their waits are on virtual time, so every run with the same seed gives the same figures, in the
milliseconds of real time that the last column says. Fairness is how often the best served pool was served for each time
that the worst served one was: 1 is perfect where all want the same. Where loads differ, a line for each follows.
"""

from __future__ import annotations

import argparse
from time import perf_counter

from tests.unit.pool.simulation import WORKLOADS, Load, Simulation, Workload

HEADERS = ("", "queries/s", "fairness", "wait p50 ms", "wait p99 ms", "connects/query", "took ms")
WIDTHS = (48, 11, 10, 13, 13, 16, 9)


def row(*cells: str) -> str:
    """The first to the left, figures to the right."""
    first, *figures = zip(cells, WIDTHS, strict=True)
    return f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in figures)


def figures(workload: Workload, simulation: Simulation, load: Load | None = None) -> list[str]:
    keys = load.pool_keys() if load else simulation.waits
    return [
        f"{sum(simulation.served[key] for key in keys) / workload.seconds:.0f}",
        f"{simulation.spread(load):.2f}",
        f"{simulation.wait(0.5, load) * 1000:.1f}",
        f"{simulation.wait(0.99, load) * 1000:.1f}",
    ]


def report(workload: Workload, seed: int) -> None:
    begin = perf_counter()
    simulation = workload.simulate(seed)
    took = (perf_counter() - begin) * 1000
    connects = simulation.connects / max(1, simulation.served.total())
    print(row(workload.name, *figures(workload, simulation), f"{connects:.4f}", f"{took:.0f}"))
    for load in workload.loads if len(workload.loads) > 1 else ():
        habits = f"  {load.name}: {load.pools} × {load.clients} clients, {load.work * 1000:g} ms"
        print(row(habits, *figures(workload, simulation, load), "", ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulation", description="Simulated loads.")
    parser.add_argument("--seed", type=int, default=1, help="what the dice begin with")
    chosen = parser.parse_args()
    print(row(*HEADERS))
    for one in WORKLOADS:
        report(one, chosen.seed)
