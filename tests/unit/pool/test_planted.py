"""The world of test_world.py is worth something only if it notices bugs."""

from __future__ import annotations

import pytest

from tests.unit.pool.planting import BUGS, Bug, complaint


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_the_world_notices_when(bug: Bug) -> None:
    assert complaint(bug), "nobody noticed"
