from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agroal.demo import kept
from agroal.errors import AgroalError

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")


def sleeper(folder: Path, at_sigint: str = "SIG_DFL") -> subprocess.Popen[str]:
    """A process in that folder that has come as far as to sleep."""
    source = f"from signal import *; import time; signal(SIGINT, {at_sigint}); print(flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", source], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    return process


@linux
def test_what_was_kept_is_stopped_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    (folder / "postgres").mkdir(parents=True)
    with sleeper(folder) as one, sleeper(folder / "postgres") as another:
        kept.remember(folder, [one.pid, another.pid])

        kept.stop(folder)

        assert (one.wait(), another.wait()) == (-signal.SIGINT, -signal.SIGINT)
    assert not folder.exists()


@linux
def test_a_process_that_lives_elsewhere_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    kept.remember(folder, [os.getpid()])

    kept.stop(folder)

    assert not folder.exists()


def test_a_folder_of_another_kind_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")

    with pytest.raises(AgroalError, match="not a folder that"):
        kept.stop(tmp_path)

    assert (tmp_path / "precious").exists()


@linux
def test_a_process_that_does_not_end_leaves_the_folder_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_PATIENCE", 0)
    with sleeper(tmp_path, "SIG_IGN") as process:
        kept.remember(tmp_path, [process.pid])

        with pytest.raises(AgroalError, match=f"process {process.pid} did not end"):
            kept.stop(tmp_path)

        process.kill()
    assert tmp_path.exists()
