from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _without_anybodys_wishes(nobodys_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No top.toml, no action log, no word about colours of whoever runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nobodys_home))
    monkeypatch.setenv("XDG_STATE_HOME", str(nobodys_home))
    monkeypatch.delenv("NO_COLOR", raising=False)
