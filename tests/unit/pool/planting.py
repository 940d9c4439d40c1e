"""Plant one bug after another in the pool, and see that the world of test_world.py notices each.

`python -m tests.unit.pool.planting` prints which promise each of them broke, and ends with 1 if one went unnoticed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from agroal.errors import IllegalTransition
from tests.unit.pool import planted, planted_pauses, planted_upkeep
from tests.unit.pool.lives import live
from tests.unit.pool.test_world import Life

Bug = Callable[[pytest.MonkeyPatch], None]

BUGS: list[Bug] = [*planted.BUGS, *planted_upkeep.BUGS, *planted_pauses.BUGS]

ENOUGH = settings(
    max_examples=400,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


def complaint(bug: Bug) -> str | None:
    """The promise that the pool with this bug breaks; None if the world notices nothing."""
    with pytest.MonkeyPatch.context() as patch:
        bug(patch)
        try:
            for seed in range(50):
                live(seed, steps=400)
            run_state_machine_as_test(Life, settings=ENOUGH)
        except (AssertionError, IllegalTransition, KeyError, pytest.fail.Exception) as broken:
            return str(broken).partition("\n")[0] or repr(broken)
    return None


if __name__ == "__main__":
    unnoticed = 0
    for one in BUGS:
        heard = complaint(one)
        unnoticed += heard is None
        print(f"{one.__name__.replace('_', ' '):<72}{heard or 'NOBODY NOTICED'}", flush=True)
    sys.exit(1 if unnoticed else 0)
