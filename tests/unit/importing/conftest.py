from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.importing.bringing import Bringer


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bringer:
    monkeypatch.setenv("HOME", str(tmp_path))
    return Bringer(tmp_path)
