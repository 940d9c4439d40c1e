from __future__ import annotations

import pytest

from agroal_top.options import Options
from agroal_top.picture import svg
from agroal_top.source import Lost
from tests.unit.tui.screens.scene import FakeSource, snapshot


def test_the_screen_is_an_svg() -> None:
    source = FakeSource()
    source.say(snapshot(0), snapshot(1))
    drawn = svg(source, Options(page="pools"), (100, 30), seconds=0)
    assert drawn.startswith("<svg")
    assert "analytics" in drawn


def test_nothing_to_draw_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal_top.picture.PATIENCE", 0.0)
    with pytest.raises(Lost, match="nobody there"):
        svg(FakeSource(away="nobody there"), Options())
