"""agroal doctor: before the start, beside a running daemon, and when things are wrong or gone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.certificates import Authority
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal, Key
from tests.integration.postgres import Database, Login, OwnPostgres
from tests.integration.run import Run
from tests.integration.starting import at_rest, left_behind

TCP = "host all all 127.0.0.0/8 scram-sha-256\n"


def examine(agroal: Agroal) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and the checks by their ids."""
    command = [sys.executable, "-m", "agroal.main", "doctor", "-D", str(agroal.folder), "--format", "json"]
    done = subprocess.run(command, env=agroal.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert all(line.endswith("…") for line in done.stderr.splitlines()), "what takes long, and nothing else"
    document = json.loads(done.stdout)
    return done.returncode, {check["id"]: check for check in document["checks"]}


def result(agroal: Agroal, check: str) -> tuple[str, str]:
    """What one check came to, and all that it says."""
    found = examine(agroal)[1][check]
    return found["result"], "; ".join(finding["text"] for finding in found["findings"])


@pytest.fixture
def files(run: Run, key: Key, database: Database) -> Iterator[Agroal]:
    """An agroal that has not been started, for its role `scram`."""
    known = {database.scram.name: database.scram.password}
    limits = f"{database.name} {database.scram.name} 5\nall all 5\n"
    with at_rest(run, key, database, users=known, hba=TCP, limits=limits, max_connections=10) as agroal:
        yield agroal


def again(agroal: Agroal, **settings: object) -> Agroal:
    agroal.configure(None, max_connections=10, **settings)
    return agroal


def test_before_the_first_start_all_is_well(files: Agroal) -> None:
    status, checks = examine(files)
    assert status == 0
    assert [name for name, check in checks.items() if check["result"] == "wrong"] == []
    for name in ("configuration", "reach", "capacity", "logins", "roles", "reset-query", "databases", "primary"):
        assert checks[name]["result"] == "well", checks[name]
    assert checks["waits"]["result"] == "not checked"
    assert left_behind(files) == [], "it changes nothing"


def test_beside_a_running_daemon(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=10, hba=TCP)
    with pool.connect():
        status, checks = examine(pool)
    assert checks["ports"]["result"] == checks["daemon"]["result"] == checks["waits"]["result"] == "well"
    assert checks["capacity"]["result"] == "well"
    assert status == 0


def test_a_client_that_waits_is_told(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1, hba=TCP)
    with pool.connect():
        grade, text = result(pool, "waits")
    assert grade == "advice"
    assert "all 1 connections" in text


def test_a_wrong_password_is_told_and_the_rest_is_checked(files: Agroal, database: Database) -> None:
    files.write_users({database.scram.name: "not-this-one", database.md5.name: database.md5.password})
    status, checks = examine(files)
    assert status == 1
    assert database.scram.name in checks["logins"]["findings"][0]["text"]
    assert checks["reset-query"]["result"] == "well", "the other user could ask"


def test_who_is_no_role_is_told(files: Agroal, database: Database) -> None:
    files.write_users({"nobody_at_all": "x-x-x-x-x", database.scram.name: database.scram.password})
    assert result(files, "roles") == ("wrong", "nobody_at_all is in the users file, and PostgreSQL has no such role")


def test_a_role_that_may_not_log_in_is_told(files: Agroal, database: Database) -> None:
    login = database.role("sleeper")
    database.query(f'ALTER ROLE "{login.name}" NOLOGIN')
    files.write_users({login.name: login.password, database.scram.name: database.scram.password})
    assert "NOLOGIN" in result(files, "roles")[1]


def test_more_connections_than_postgresql_takes_are_told(files: Agroal) -> None:
    files.configure(None, max_connections=2000)
    grade, text = result(files, "capacity")
    assert grade == "wrong"
    assert "agroal may open 2000 connections" in text


def test_a_database_that_is_not_there_is_told(files: Agroal) -> None:
    files.write("agroal_databases.conf", "no_such_database all 5\n")
    assert result(files, "databases")[0] == "wrong"


def test_a_reset_query_that_postgresql_does_not_know_is_told_and_none_is_run(files: Agroal, database: Database) -> None:
    assert result(again(files, server_reset_query='"DISCARD ALLES"'), "reset-query")[0] == "wrong"
    database.query("CREATE TABLE kept AS SELECT 1")
    database.query(f'GRANT ALL ON kept TO "{database.scram.name}"')
    assert result(again(files, server_reset_query='"DISCARD ALL; DROP TABLE kept"'), "reset-query")[0] == "well"
    assert database.query("SELECT count(*) FROM kept") == [(1,)]


def test_a_timeout_of_the_role_is_told(files: Agroal, database: Database) -> None:
    if database.query("SELECT 1 FROM pg_settings WHERE name = 'idle_session_timeout'") == []:
        pytest.skip("this PostgreSQL has no idle_session_timeout")
    database.query(f"""ALTER ROLE "{database.scram.name}" SET idle_session_timeout = '30s'""")
    try:
        assert "closes connections that are idle for 30 s" in result(files, "idle-timeouts")[1]
        assert result(again(files, idle_timeout="10s"), "idle-timeouts")[0] == "well"
    finally:
        database.query(f'ALTER ROLE "{database.scram.name}" RESET idle_session_timeout')


@pytest.fixture(scope="module")
def asks(database: Database) -> Login:
    """Who is to ask for secrets."""
    return database.role("asks")


class TestAuthQuery:
    @pytest.fixture
    def asking(self, run: Run, key: Key, database: Database, asks: Login) -> Iterator[Agroal]:
        how = {"users": {}, "hba": TCP, "superuser": asks, "auth_query": True, "max_connections": 10}
        with at_rest(run, key, database, auth_query_database=database.name, **how) as agroal:
            yield agroal

    def test_who_may_not_read_the_secrets_is_told(self, asking: Agroal, asks: Login) -> None:
        grade, text = result(asking, "auth-query")
        assert grade == "wrong"
        assert f"{asks.name} can't read pg_authid" in text

    def test_a_grant_is_enough(self, asking: Agroal, asks: Login, database: Database) -> None:
        database.query(f'GRANT SELECT ON pg_catalog.pg_authid TO "{asks.name}"')
        try:
            assert result(asking, "auth-query") == ("well", "")
        finally:
            database.query(f'REVOKE SELECT ON pg_catalog.pg_authid FROM "{asks.name}"')

    def test_a_superuser_is_more_than_is_needed(self, asking: Agroal, asks: Login, database: Database) -> None:
        database.query(f'ALTER ROLE "{asks.name}" SUPERUSER')
        try:
            assert result(asking, "auth-query")[0] == "advice"
        finally:
            database.query(f'ALTER ROLE "{asks.name}" NOSUPERUSER')


def test_while_postgresql_is_down_the_rest_is_checked(run: Run, key: Key, pg: OwnPostgres) -> None:
    with at_rest(run, key, pg.database, hba=TCP, max_connections=10) as agroal, pg.stopped():
        status, checks = examine(agroal)
    assert status == 1
    assert checks["reach"]["result"] == "wrong"
    assert checks["capacity"]["result"] == checks["logins"]["result"] == "not checked"
    assert checks["configuration"]["result"] == checks["ports"]["result"] == "well"


def test_a_postgresql_that_does_not_answer_takes_no_longer_than_is_bearable(
    run: Run, key: Key, pg: OwnPostgres
) -> None:
    with at_rest(run, key, pg.database, hba=TCP, max_connections=10) as agroal, pg.paused():
        command = [sys.executable, "-m", "agroal.main", "doctor", "-D", str(agroal.folder)]
        done = subprocess.run(
            command, env=agroal.environment(), capture_output=True, text=True, timeout=30, check=False
        )
    assert done.returncode == 1
    assert "…" in done.stderr, "what takes so long is said"
    assert "did not answer" in done.stdout or "no answer" in done.stdout


class TestTls:
    def test_a_certificate_of_another_authority_is_told(
        self, run: Run, key: Key, own_postgres: OwnPostgres, authority: Authority
    ) -> None:
        own_postgres.offer_tls(authority.issue("postgres"), authority)
        server = {"tls": "verify-ca", "tls_ca_file": authority.ca_file}
        try:
            with at_rest(run, key, own_postgres.database, hba=TCP, server=server) as agroal:
                assert result(agroal, "reach") == ("well", "")
                other = Authority(agroal.folder, "Another")
                agroal.configure({"tls": "verify-ca", "tls_ca_file": other.ca_file})
                grade, text = result(agroal, "reach")
        finally:
            own_postgres.switch_tls(False)
        assert grade == "wrong"
        assert "certificate verify failed" in text

    def test_a_server_without_tls_where_it_is_wanted_is_told(self, run: Run, key: Key, pg: OwnPostgres) -> None:
        with at_rest(run, key, pg.database, hba=TCP, server={"tls": "require"}) as agroal:
            grade, text = result(agroal, "reach")
        assert grade == "wrong"
        assert "does not offer TLS" in text
