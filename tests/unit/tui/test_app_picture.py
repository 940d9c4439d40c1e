from __future__ import annotations

import pytest
from agroal_top.demo import DemoSource
from agroal_top.options import Options
from agroal_top.picture import svg
from agroal_top.source import Lost

from tests.unit.tui.screens.scene import FakeSource


def test_the_screen_is_an_svg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal_top.picture.PATIENCE", 60.0)  # it comes when it comes
    drawn = svg(DemoSource(1), Options(interval=0.2, page="pools"), (100, 30), seconds=0)
    assert drawn.startswith("<svg")
    assert "keycloak" in drawn
    assert "url(http" not in drawn
    assert "monospace" in drawn


def test_nothing_to_draw_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal_top.picture.PATIENCE", 0.0)
    with pytest.raises(Lost, match="nobody there"):
        svg(FakeSource(away="nobody there"), Options())
