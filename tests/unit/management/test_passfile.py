from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from agroal.errors import ManagementError
from agroal.management.address import Remote
from agroal.management.passfile import own_name, password_for, with_password


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pass"
    path.touch(0o600)
    return path


def found(file: Path, text: str, host: str = "pool", port: int = 2346, user: str = "ops") -> str | None:
    file.write_text(text)
    return password_for(host, port, user, {"AGROAL_PASSFILE": str(file)})


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("pool:2346:ops:pencil", "pencil"),
        ("*:*:*:pencil\n", "pencil"),
        ("# pool:2346:ops:no\n\nother:2346:ops:no\npool:1:ops:no\npool:2346:eye:no\npool:*:ops:yes\n*:*:*:no", "yes"),
        (r"pool:2346:ops:pen\:cil\\", r"pen:cil\ ".strip()),
        ("pool:2346:ops:pen:cil", "pen:cil"),
        ("pool:2346:ops: pencil ", " pencil "),
        ("pool:2346:ops", None),
        ("pool:2346:ops:", None),
        ("pencil", None),
        ("", None),
        ("other:2346:ops:no", None),
    ],
)
def test_the_first_line_that_fits_counts(file: Path, text: str, password: str | None) -> None:
    assert found(file, text) == password


def test_colons_in_names_have_a_backslash_before_them(file: Path) -> None:
    assert found(file, r"fd00\:\:7:2346:o\:ps:pencil", "fd00::7", user="o:ps") == "pencil"


def test_the_variable_goes_before_the_file(file: Path) -> None:
    file.write_text("*:*:*:no")
    environment = {"AGROAL_PASSFILE": str(file), "AGROAL_PASSWORD": "pencil"}
    assert password_for("pool", 1, "ops", environment) == "pencil"


def test_without_a_file_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert password_for("pool", 1, "ops", {}) is None
    (tmp_path / ".agroalpass").write_text("*:*:*:pencil")
    (tmp_path / ".agroalpass").chmod(0o600)
    assert password_for("pool", 1, "ops", {}) == "pencil"


def test_a_file_that_others_may_read_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(ManagementError, match=f"others may read: chmod 0600 {file}") as refused:
        found(file, "*:*:*:pencil")
    assert refused.value.code == "configuration"


def test_a_file_that_can_not_be_read_is_said_to_be_so(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(ManagementError, match="it is not UTF-8"):
        password_for("pool", 1, "ops", {"AGROAL_PASSFILE": str(file)})
    with pytest.raises(ManagementError, match="can't be read"):
        password_for("pool", 1, "ops", {"AGROAL_PASSFILE": str(file / "x")})


def test_who_has_no_home_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert password_for("pool", 1, "ops", {}) is None


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 4711"), OSError("No username set")])
def test_who_has_no_name_is_nobody(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise error

    assert own_name()
    monkeypatch.setattr("getpass.getuser", nameless)
    assert own_name() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


REMOTE = Remote("pool", 2346, "ops")


class TestAsking:
    @pytest.fixture(autouse=True)
    def _at_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        self.asked: list[str] = []
        monkeypatch.setattr("getpass.getpass", lambda prompt: self.asked.append(prompt) or "pencil")

    def test_who_sits_at_a_terminal_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal())
        assert with_password(REMOTE, {}).password == "pencil"
        assert self.asked == ["Password of ops at pool:2346: "]

    def test_nobody_is_asked_for_what_is_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal())
        assert with_password(REMOTE, {"AGROAL_PASSWORD": "crayon"}).password == "crayon"
        assert self.asked == []

    def test_where_nobody_sits_nobody_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        assert with_password(REMOTE, {}).password is None

    def test_with_a_certificate_nobody_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal())
        remote = Remote("pool", 2346, "ops", cert=Path("c"))
        assert (with_password(remote, {}).password, self.asked) == (None, [])
