from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agroal.daemon.background import READY, PidFile, Readiness
from agroal.errors import ConfigurationError


def in_the_background(then: str) -> subprocess.CompletedProcess[str]:
    """What the process in front says and returns when the other one does this."""
    program = f"import os\nfrom agroal.daemon.background import go_to_background\nready = go_to_background()\n{then}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=10)


class TestReadiness:
    def test_the_process_in_front_goes_home_when_the_other_serves(self) -> None:
        done = in_the_background("ready.reached()\nprint('nobody hears this')")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_what_went_wrong_is_printed_in_front(self) -> None:
        done = in_the_background("ready.failed('no port\\nand no log')")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "agroal: no port\nagroal: and no log\n")

    @pytest.mark.parametrize("end", ["raise SystemExit(0)", "raise KeyError", "os._exit(0)"])
    def test_an_end_without_a_word_is_a_failure(self, end: str) -> None:
        done = in_the_background(end)
        assert done.returncode == 1
        assert done.stderr == "agroal: it ended before it was ready; its log may say why\n"

    def test_what_goes_wrong_later_is_not_told(self) -> None:
        reading, writing = os.pipe()
        ready = Readiness(writing)
        ready.reached()
        ready.failed("the disk is full")
        with os.fdopen(reading, "rb") as pipe:
            assert pipe.read() == READY


@pytest.fixture
def pidfile(tmp_path: Path) -> Path:
    return tmp_path / "agroal.pid"


def nobody() -> int:
    """The id of a process that is gone."""
    gone = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(gone, 0)
    return gone


class TestPidFile:
    def test_is_there_while_the_daemon_runs(self, pidfile: Path) -> None:
        with PidFile(pidfile):
            assert pidfile.read_text() == f"{os.getpid()}\n"
            assert pidfile.stat().st_mode & 0o777 & ~0o640 == 0
        assert not pidfile.exists()

    def test_goes_with_a_daemon_that_fails(self, pidfile: Path) -> None:
        with pytest.raises(KeyError), PidFile(pidfile):
            raise KeyError
        assert not pidfile.exists()

    def test_that_was_removed_meanwhile_is_no_trouble(self, pidfile: Path) -> None:
        with PidFile(pidfile):
            pidfile.unlink()

    @pytest.mark.parametrize("left_behind", ["gone", "empty", "ours"])
    def test_of_a_process_that_is_gone_is_replaced(self, pidfile: Path, left_behind: str) -> None:
        """Ours: in a container every daemon has the same id."""
        pidfile.write_text({"gone": f"{nobody()}\n", "empty": "", "ours": f"{os.getpid()}\n"}[left_behind])
        with PidFile(pidfile):
            assert pidfile.read_text() == f"{os.getpid()}\n"

    def test_of_a_living_process_is_refused_and_kept(self, pidfile: Path) -> None:
        pidfile.write_text(f"{os.getppid()}\n")
        with pytest.raises(ConfigurationError, match=f"running already, as process {os.getppid()}"), PidFile(pidfile):
            pass
        assert pidfile.read_text() == f"{os.getppid()}\n"

    def test_of_somebody_elses_living_process_is_refused(self, pidfile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def not_permitted(_pid: int, _signal: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", not_permitted)
        pidfile.write_text("4711\n")
        with pytest.raises(ConfigurationError, match="running already, as process 4711"), PidFile(pidfile):
            pass

    @pytest.mark.parametrize("text", ["host = localhost\n", "-1", "0", "12 34", "9" * 30, "\0\xff"])
    def test_that_holds_something_else_is_refused_and_kept(self, pidfile: Path, text: str) -> None:
        pidfile.write_text(text, encoding="latin-1")
        with pytest.raises(ConfigurationError, match="something else than a process id") as refusal, PidFile(pidfile):
            pass
        assert str(refusal.value).startswith(f"{pidfile}: pidfile: ")
        assert pidfile.read_text(encoding="latin-1") == text

    def test_in_a_directory_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with (
            pytest.raises(ConfigurationError, match="can't be written: No such file"),
            PidFile(tmp_path / "no" / "pid"),
        ):
            pass

    def test_that_is_a_directory_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="can't be written: Is a directory"), PidFile(tmp_path):
            pass

    def test_that_can_not_be_read_is_said(self, pidfile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def not_permitted(*_: object, **__: object) -> str:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_text", not_permitted)
        with pytest.raises(ConfigurationError, match="Permission denied"), PidFile(pidfile):
            pass
