from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.failure import BenchFailed
from tests.bench.installed import Odyssey, Pgagroal, PgBouncer
from tests.bench.setups import SESSION, TRANSACTION, Mode, Setup
from tests.bench.workloads import Fairness, Pgbench
from tests.unit.bench.test_pools import PLACE

PREPARED = Pgbench(name="select", options=("-S", "-M", "prepared"), setup=TRANSACTION)


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def bouncer(folder: Path, version: str) -> Path:
    folder.mkdir(exist_ok=True)
    return program(folder / "pgbouncer", f"echo PgBouncer {version}; echo libevent 2")


def test_a_pool_is_looked_for_in_the_path(tmp_path: Path) -> None:
    found = bouncer(tmp_path, "1.25.2")
    (pool,) = PgBouncer.find({"PATH": str(tmp_path)})
    assert (pool.name, pool.program, pool.version()) == ("pgbouncer", str(found), "PgBouncer 1.25.2")


def test_a_pool_that_is_not_installed_is_not_there(tmp_path: Path) -> None:
    assert PgBouncer.find({"PATH": str(tmp_path)}) == []


def test_the_variable_goes_before_the_path(tmp_path: Path) -> None:
    bouncer(tmp_path, "1.18.0")
    newer = bouncer(tmp_path / "newer", "1.25.2")
    (pool,) = PgBouncer.find({"PATH": str(tmp_path), "AGROAL_BENCH_PGBOUNCER": str(newer)})
    assert (pool.name, pool.program) == ("pgbouncer", str(newer))


def test_several_are_named_by_their_versions_the_newest_first(tmp_path: Path) -> None:
    bouncer(tmp_path, "1.9.0")
    newer = bouncer(tmp_path / "newer", "1.25.2")
    named = os.pathsep.join(["pgbouncer", str(newer)])
    pools = PgBouncer.find({"PATH": str(tmp_path), "AGROAL_BENCH_PGBOUNCER": named})
    assert [pool.name for pool in pools] == ["pgbouncer-1.25.2", "pgbouncer-1.9.0"]


def test_the_same_version_twice_is_refused(tmp_path: Path) -> None:
    programs = [bouncer(tmp_path / name, "1.25.2") for name in ("one", "two")]
    with pytest.raises(BenchFailed, match="the same version twice"):
        PgBouncer.find({"AGROAL_BENCH_PGBOUNCER": os.pathsep.join(map(str, programs))})


def test_a_variable_that_names_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="AGROAL_BENCH_PGBOUNCER names /nowhere"):
        PgBouncer.find({"PATH": str(tmp_path), "AGROAL_BENCH_PGBOUNCER": "/nowhere"})


def test_a_version_is_taken_whatever_the_exit_status_says(tmp_path: Path) -> None:
    assert PgBouncer(str(program(tmp_path / "pool", "echo pool 2.0; exit 1"))).version() == "pool 2.0"


def test_a_program_that_does_not_say_its_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="says nothing"):
        PgBouncer(str(program(tmp_path / "pool", "exit 1"))).version()


def test_a_version_without_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="does not say its number: of today"):
        PgBouncer(str(program(tmp_path / "pool", "echo of today"))).number()


@pytest.mark.parametrize(("version", "follows"), [("1.18.0", False), ("1.21.0", True), ("1.25.2", True)])
def test_pgbouncer_follows_prepared_statements_since_1_21(tmp_path: Path, version: str, follows: bool) -> None:
    pool = PgBouncer(str(bouncer(tmp_path, version)))
    told = pool.files(replace(PLACE, setup=TRANSACTION))["pgbouncer.ini"]
    assert ("max_prepared_statements" in told) is follows
    assert pool.lacks(PREPARED) is not follows
    assert not pool.lacks(replace(PREPARED, setup=SESSION))


def test_the_mode_is_told_to_pgbouncer_and_odyssey(tmp_path: Path) -> None:
    place = replace(PLACE, setup=TRANSACTION)
    assert "pool_mode = transaction\n" in PgBouncer(str(bouncer(tmp_path, "1.25.2"))).files(place)["pgbouncer.ini"]
    assert 'pool "transaction"' in Odyssey("odyssey").files(place)["odyssey.conf"]


def test_pgbouncer_has_one_cap_for_all_users() -> None:
    told = PgBouncer("/usr/bin/pgbouncer").files(PLACE)["pgbouncer.ini"]
    assert f"max_db_connections = {PLACE.setup.servers}\n" in told
    assert f"max_client_conn = {PLACE.clients}\n" in told


def test_odyssey_has_no_cap_that_users_share() -> None:
    assert "limit of their own" in Odyssey("odyssey").lacks(Fairness(name="fair", options=(), setup=TRANSACTION))
    assert not Odyssey("odyssey").lacks(PREPARED)


def test_odyssey_takes_the_unix_socket_where_no_host_is_named() -> None:
    place = replace(PLACE, setup=Setup(Mode.SESSION, by_socket=True), server_host="/run/postgres")
    told = Odyssey("odyssey").files(place)["odyssey.conf"]
    assert 'unix_socket_dir "/run/postgres"' in told
    assert 'host "/run/postgres"' not in told


def test_pgagroal_pools_by_session_only() -> None:
    assert Pgagroal("pgagroal").lacks(PREPARED)
    assert not Pgagroal("pgagroal").lacks(replace(PREPARED, setup=SESSION))
