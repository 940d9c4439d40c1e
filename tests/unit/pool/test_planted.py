"""The world of test_world.py is worth something only if it notices bugs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from agroal.errors import IllegalTransition
from tests.unit.pool.planted import BUGS, Plant
from tests.unit.pool.test_world import Life

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


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_the_world_notices_when(bug: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises((AssertionError, IllegalTransition, pytest.fail.Exception)):
        run_state_machine_as_test(Life, settings=ENOUGH)
