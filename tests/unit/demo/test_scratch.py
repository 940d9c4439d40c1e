from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agroal.demo import scratch


def test_others_may_pass_through_the_folder_but_not_look_around(tmp_path: Path) -> None:
    folder = scratch.make("x-", tmp_path)

    assert folder.parent == tmp_path
    assert folder.name.startswith("x-")
    assert folder.stat().st_mode & 0o777 == 0o711


def test_a_folder_is_removed_with_all_it_holds(tmp_path: Path) -> None:
    folder = scratch.make("x-", tmp_path)
    (folder / "below").mkdir()
    (folder / "below" / "file").write_text("text")

    scratch.remove(folder)

    assert not folder.exists()


def test_what_is_gone_already_needs_no_removal(tmp_path: Path) -> None:
    scratch.remove(tmp_path / "never-was")


def test_a_file_that_appears_meanwhile_is_removed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scratch.make("x-", tmp_path)
    really_remove = shutil.rmtree
    attempts = []

    def disturbed(path: Path) -> None:
        attempts.append(path)
        if len(attempts) == 1:
            raise OSError("Directory not empty")
        really_remove(path)

    monkeypatch.setattr(scratch.shutil, "rmtree", disturbed)
    scratch.remove(folder)

    assert len(attempts) == 2
    assert not folder.exists()


def test_a_folder_that_can_not_be_removed_is_an_error_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(scratch.shutil, "rmtree", refused)
    monkeypatch.setattr(scratch, "_PATIENCE", 0)

    with pytest.raises(PermissionError, match="not yours"):
        scratch.remove(tmp_path)
