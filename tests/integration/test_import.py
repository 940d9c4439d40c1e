"""agroal-admin import: a daemon runs with what it wrote, and lets in whom the other pool let in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agroal.auth.vault import MasterKey, write_users
from tests.integration.daemon import Agroal, Key
from tests.integration.imported import bring, importing, pgbouncer_ini, userlist
from tests.integration.postgres import Database, Login
from tests.integration.programs import client_program
from tests.integration.run import Run


@pytest.fixture
def agroal_to_be(run: Run, key: Key, database: Database) -> Iterator[Agroal]:
    with importing(run, key, database) as agroal:
        yield agroal


def place(database: Database) -> str:
    return f"host={database.postgres.host} port={database.postgres.port}"


def who(agroal: Agroal, login: Login, database: str) -> str:
    with agroal.connect(login, database=database) as client:
        row = client.execute("SELECT session_user || '@' || current_database()").fetchone()
    assert row
    return str(row[0])


def refused(agroal: Agroal, login: Login, database: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        agroal.connect(login, database=database)
    return str(caught.value)


def test_a_pgbouncer_ini_starts_and_pgbench_runs_through_it(
    agroal_to_be: Agroal, database: Database, tmp_path: Path
) -> None:
    agroal, name = agroal_to_be, database.name
    people = userlist(tmp_path, {database.scram.name: database.scram.password})
    databases = f"bench = {place(database)} dbname={name} pool_size=3\n"
    main = (
        f"auth_type = scram-sha-256\nauth_file = {people}\npool_mode = transaction\nadmin_users = {database.scram.name}"
    )
    said = bring(agroal, pgbouncer_ini(tmp_path, agroal, databases, main))
    assert "agroal --check" not in said
    agroal.start()
    dsn = agroal.dsn(database="bench")
    subprocess.run([client_program("pgbench"), "-i", "-q", "-s", "1", dsn], check=True, capture_output=True, timeout=60)
    command = [client_program("pgbench"), "-n", "-M", "extended", "-c", "6", "-t", "50", dsn]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "number of transactions actually processed: 300/300" in done.stdout
    (pool,) = (pool for pool in agroal.snapshot().pools if pool.user == database.scram.name)
    assert (pool.database, pool.max) == (name, 3)
    database.query("DROP TABLE pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers")


def test_who_was_let_in_comes_in_and_nobody_else(agroal_to_be: Agroal, database: Database, tmp_path: Path) -> None:
    agroal, stranger = agroal_to_be, database.role("stranger")
    md5 = database.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", database.md5.name)[0][0]
    scram = database.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", database.scram.name)[0][0]
    people = userlist(tmp_path, {database.md5.name: md5, database.scram.name: scram})
    databases = f"shop = {place(database)} dbname={database.name}\n"
    bring(agroal, pgbouncer_ini(tmp_path, agroal, databases, f"auth_type = md5\nauth_file = {people}\n"))
    agroal.start()
    for login in (database.md5, database.scram):
        assert who(agroal, login, "shop") == f"{login.name}@{database.name}"
    assert "password authentication failed" in refused(agroal, stranger, "shop")
    assert "no agroal_hba.conf entry" in refused(agroal, database.scram, "postgres")


def test_a_user_of_auth_query_comes_in(agroal_to_be: Agroal, database: Database, tmp_path: Path) -> None:
    agroal, asks = agroal_to_be, database.role("asks")
    database.query(f'GRANT SELECT ON pg_catalog.pg_authid TO "{asks.name}"')
    agroal.own_connections = 1
    people = userlist(tmp_path, {asks.name: asks.password})
    main = f"auth_type = scram-sha-256\nauth_file = {people}\nauth_user = {asks.name}\nauth_dbname = {database.name}\n"
    bring(agroal, pgbouncer_ini(tmp_path, agroal, f"* = {place(database)}\n", main))
    agroal.start()
    assert who(agroal, database.scram, database.name) == f"{database.scram.name}@{database.name}"
    database.query(f'REVOKE SELECT ON pg_catalog.pg_authid FROM "{asks.name}"')


def test_users_who_have_a_pool_of_their_own_are_prefilled(
    agroal_to_be: Agroal, database: Database, tmp_path: Path
) -> None:
    agroal = agroal_to_be
    people = userlist(tmp_path, {database.scram.name: database.scram.password})
    databases = f"shop = {place(database)} dbname={database.name} min_pool_size=2 pool_size=4\n"
    bring(agroal, pgbouncer_ini(tmp_path, agroal, databases, f"auth_type = md5\nauth_file = {people}\n"))
    agroal.start()
    assert len(database.activity(database.scram)) == 2


def test_files_of_pgagroal_run_with_their_vault_under_another_key(
    agroal_to_be: Agroal, database: Database, tmp_path: Path
) -> None:
    agroal, login = agroal_to_be, database.scram
    old = MasterKey.create(tmp_path / "old" / "master.key", "Quite-another-7", os.urandom)
    write_users(tmp_path / "pgagroal_users.conf", old, {login.name: login.password}, os.urandom)
    (tmp_path / "pgagroal.conf").write_text(
        f"[pgagroal]\nhost = {agroal.host}\nport = {agroal.port}\nunix_socket_dir = {agroal.folder}\nhugepage = try\n"
        f"max_connections = 4\n[primary]\nhost = {database.postgres.host}\nport = {database.postgres.port}\n"
    )
    (tmp_path / "pgagroal_hba.conf").write_text("host all all all scram-sha-256\n")
    (tmp_path / "pgagroal_databases.conf").write_text(f"{database.name}=store all 2\n")
    said = bring(agroal, tmp_path / "pgagroal.conf", "--source-key", str(tmp_path / "old" / "master.key"))
    assert "hugepage = try" in said
    agroal.start()
    assert who(agroal, login, "store") == f"{login.name}@{database.name}"


def test_the_files_are_those_that_check_accepts(agroal_to_be: Agroal, database: Database, tmp_path: Path) -> None:
    agroal = agroal_to_be
    bring(agroal, pgbouncer_ini(tmp_path, agroal, f"* = {place(database)}\n"))
    command = [sys.executable, "-m", "agroal.main", "-D", str(agroal.folder), "--check"]
    done = subprocess.run(command, env=agroal.environment(), capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "pipeline = session" in done.stdout
