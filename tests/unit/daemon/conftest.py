from __future__ import annotations

import pytest

from tests.unit.daemon.lobby import Lobby


@pytest.fixture(params=[True, False], ids=["straight", "task"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client and its server see is the same, whether its session is a task from the start or not."""
    monkeypatch.setattr(Lobby, "straight", request.param)
