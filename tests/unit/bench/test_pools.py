from __future__ import annotations

from pathlib import Path

import pytest

from agroal.config.load import load, locate
from tests.bench.failure import BenchFailed
from tests.bench.pools import INSTALLED, Agroal, Installed, PgBouncer, Place, Pool
from tests.certificates import Authority

PLACE = Place(
    folder=Path("/bench/pool"),
    port=10_001,
    server_host="127.0.0.1",
    server_port=10_002,
    slots=20,
    password="a password",
    verifier="SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy",
)
POOLS: list[Pool] = [Agroal(), *(kind("/usr/bin/pool") for kind in INSTALLED)]


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("pool", POOLS, ids=[pool.name for pool in POOLS])
def test_a_pool_is_told_both_ports_and_how_many_servers_it_may_have(pool: Pool) -> None:
    main = next(iter(pool.files(PLACE).values()))
    for number in (PLACE.port, PLACE.server_port, PLACE.slots):
        assert str(number) in main
    assert any(str(PLACE.folder) in word for word in pool.command(PLACE))


def test_agroal_takes_its_configuration_without_a_notice(tmp_path: Path) -> None:
    for name, text in Agroal().files(PLACE).items():
        (tmp_path / name).write_text(text.replace(str(PLACE.folder), str(tmp_path)))
    identity = Authority(tmp_path).issue("localhost")
    identity.cert_file.rename(tmp_path / PLACE.certificate.name)
    identity.key_file.rename(tmp_path / PLACE.key.name)
    configuration = load(locate({}, tmp_path))
    assert configuration.notices == ()
    assert configuration.settings.max_connections == PLACE.slots


def test_another_checkout_is_found_before_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert Agroal("before", tmp_path).environment(PLACE)["PYTHONPATH"] == f"{tmp_path}:/elsewhere"


def test_a_pool_is_looked_for_in_the_path(tmp_path: Path) -> None:
    found = program(tmp_path / "pgbouncer", "echo PgBouncer 1.25.2; echo libevent 2")
    pool = PgBouncer.find({"PATH": str(tmp_path)})
    assert isinstance(pool, Installed)
    assert pool.program == str(found)
    assert pool.version() == "PgBouncer 1.25.2"


def test_a_pool_that_is_not_installed_is_none(tmp_path: Path) -> None:
    assert PgBouncer.find({"PATH": str(tmp_path)}) is None


def test_the_variable_goes_before_the_path(tmp_path: Path) -> None:
    program(tmp_path / "pgbouncer", "")
    newer = program(tmp_path / "newer", "")
    pool = PgBouncer.find({"PATH": str(tmp_path), "AGROAL_BENCH_PGBOUNCER": str(newer)})
    assert isinstance(pool, Installed)
    assert pool.program == str(newer)


def test_a_variable_that_names_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="AGROAL_BENCH_PGBOUNCER is /nowhere"):
        PgBouncer.find({"PATH": str(tmp_path), "AGROAL_BENCH_PGBOUNCER": "/nowhere"})


def test_a_version_is_taken_whatever_the_exit_status_says(tmp_path: Path) -> None:
    assert PgBouncer(str(program(tmp_path / "pool", "echo pool 2.0; exit 1"))).version() == "pool 2.0"


def test_a_program_that_does_not_say_its_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="says nothing"):
        PgBouncer(str(program(tmp_path / "pool", "exit 1"))).version()
