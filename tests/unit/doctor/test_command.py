from __future__ import annotations

import json
from pathlib import Path

import pytest

from agroal import main
from agroal.doctor import command
from agroal.doctor.check import Grade, apply
from agroal.doctor.checks import CHECKS
from tests.unit.doctor.patients import patient

Output = pytest.CaptureFixture[str]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of an agroal whose PostgreSQL is not there."""
    monkeypatch.setenv("AGROAL_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    (tmp_path / "agroal.conf").write_text(
        f"[agroal]\nhost = 127.0.0.1\nport = 2345\nunix_socket_dir = {tmp_path}\n[pg]\nhost = {tmp_path}\n"
    )
    (tmp_path / "agroal_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    return tmp_path


def test_it_is_a_word_behind_the_daemons_name(directory: Path, capsys: Output) -> None:
    assert main.main(["doctor", "-D", str(directory)]) == 1
    output = capsys.readouterr().out
    assert f"agroal doctor: {directory}/agroal.conf" in output
    assert "  wrong    reach  " in output
    assert "→ Is PostgreSQL running there" in output
    assert "1 wrong" in output


def test_for_programs_there_is_one_object(directory: Path, capsys: Output) -> None:
    assert main.main(["-D", str(directory), "doctor", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["format"], document["status"]) == (1, "wrong")
    assert [check["id"] for check in document["checks"]] == [check.id for check in CHECKS]
    (reach,) = (check for check in document["checks"] if check["id"] == "reach")
    assert reach["result"] == "wrong"
    assert reach["findings"][0]["advice"]


def test_files_that_do_not_load_are_told_and_nothing_else_fails(tmp_path: Path, capsys: Output) -> None:
    assert main.main(["doctor", "-D", str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert "agroal.conf: no such file" in output
    assert "the configuration can't be loaded" in output


def test_another_word_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["surgeon"])
    assert caught.value.code == 2


def test_who_is_well_is_told_so() -> None:
    *_, last = command.lines(patient(), [apply(check, patient()) for check in CHECKS])
    assert last.startswith("all is well, 0 with advice, ")


def test_the_same_advice_is_not_repeated() -> None:
    ill = patient(problems=("a.conf:1: x", "a.conf:2: y"))
    lines = list(command.lines(ill, [apply(CHECKS[0], ill)]))
    assert sum("→" in line for line in lines) == 1


def test_what_came_from_outside_does_nothing_to_a_terminal() -> None:
    ill = patient(problems=("a.conf: \x1b[2Jgone",))
    results = [apply(check, ill) for check in CHECKS]
    assert "\x1b" not in "\n".join(command.lines(ill, results))
    assert results[0].grade is Grade.WRONG
