from __future__ import annotations

from pathlib import Path

import pytest

from agroal.reference.__main__ import main
from agroal.reference.files import SLOTS


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / SLOTS).write_text("```mermaid\n```\n", "utf-8")
    return tmp_path


def test_check_names_what_differs_and_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(project)]) == 1
    assert "man/agroal.1 is not what the tables say: run `make docs`\n" in capsys.readouterr().err
    assert not (project / "man").exists()


def test_what_was_written_passes_the_check(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(project)]) == 0
    assert "wrote docs/errors.md\n" in capsys.readouterr().out
    assert main(["--check", str(project)]) == 0
    assert main([str(project)]) == 0
    assert capsys.readouterr() == ("", "")


def test_it_is_about_the_directory_it_runs_in(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert main([]) == 0
    assert (project / "completions/zsh/_agroal-cli").exists()
