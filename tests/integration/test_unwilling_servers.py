"""PostgreSQL runs, but not for everybody: one server is terminated, one database is missing, one user is not wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused, copy_data, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, Login
from tests.integration.raw import fields
from tests.integration.waiting import wait_until

SHUT_DOWN = "terminating connection due to administrator command"


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Iterator[Agroal]:
    """It knows roles that PostgreSQL does not let in: each has its reason for a name."""
    full, mistaken, barred = map(database.role, ("full", "mistaken", "barred"))
    database.query(f"ALTER ROLE {full.name} CONNECTION LIMIT 1")
    database.query(f"ALTER ROLE {barred.name} NOLOGIN")
    users = {login.name: login.password for login in database.logins}
    users |= {mistaken.name: "not the password", f"{database.name}_unknown": "whatever"}
    with database.postgres.connect(full, database.name):
        yield module_agroal(database, users=users, hba=TRUSTING)


# Servers that are terminated


@pytest.mark.parametrize(
    "doing", [None, "SELECT pg_sleep(3600)", "COPY marks FROM STDIN"], ids=["idle", "query", "copy"]
)
def test_a_client_whose_server_is_terminated_hears_the_reason_once(
    pool: Agroal, database: Database, doing: str | None
) -> None:
    with Guest(pool, database.scram).enter() as client:
        [pid] = client.query("CREATE TEMP TABLE marks (n int); SELECT pg_backend_pid()")
        if doing:
            client.say(query(doing))
            wait_until(lambda: is_doing(database, pid, doing), "PostgreSQL has begun")
        terminate(database, pid)
        said = [fields(body) for kind, body in client.hear_out() if kind == "E"]
    assert [(error["S"], error["C"], error["M"]) for error in said] == [("FATAL", "57P01", SHUT_DOWN)]


def test_a_client_whose_server_is_terminated_while_it_sends_hears_the_reason(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as client:
        [pid] = client.query("CREATE TEMP TABLE marks (n int); SELECT pg_backend_pid()")
        client.say(query("COPY marks FROM STDIN"))
        client.answer("G")
        block = copy_data(b"1\n" * 30_000)
        client.say(block, block)
        terminate(database, pid)
        client.say(block)
        assert client.end()["C"] == "57P01"


def test_a_free_server_that_is_terminated_is_not_handed_out(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        pid = backend_pid(client)
    wait_until(lambda: pid in free_servers(pool), "its server is free")
    terminate(database, pid)
    with pool.connect() as client:
        assert backend_pid(client) != pid
    assert pid not in free_servers(pool)


def terminate(database: Database, pid: str | int) -> None:
    assert database.query("SELECT pg_terminate_backend(%s, 10000)", int(pid)) == [(True,)]


def is_doing(database: Database, pid: str, what: str) -> bool:
    return any(str(one.pid) == pid and one.query == what for one in database.activity())


def free_servers(pool: Agroal) -> list[int]:
    return [slot.server_pid for slot in pool.snapshot().slots if slot.state == "free"]


# Servers that do not let us in


@pytest.mark.parametrize(
    ("role", "where", "sqlstate", "words"),
    [
        pytest.param("scram", "nowhere", "3D000", 'database "nowhere" does not exist', id="no such database"),
        pytest.param("full", "", "53300", "too many connections for role", id="too many connections"),
        pytest.param("mistaken", "", "28P01", "password authentication failed for user", id="wrong password"),
        pytest.param("unknown", "", "28P01", "password authentication failed for user", id="no such role"),
        pytest.param("barred", "", "28000", "is not permitted to log in", id="not permitted"),
    ],
)
def test_who_is_not_let_in_hears_what_postgresql_says_and_holds_up_nobody(
    pool: Agroal, database: Database, role: str, where: str, sqlstate: str, words: str
) -> None:
    login = database.scram if role == "scram" else Login(f"{database.name}_{role}", "")
    with ExitStack() as clients:
        place = {"database": where} if where else {}
        crowd = [clients.enter_context(Guest(pool, login, **place)) for _ in range(20)]
        assert clients.enter_context(Guest(pool, database.scram)).enter().query("SELECT 1") == ["1"]
        for client in crowd:
            with pytest.raises(Refused, match=words) as caught:
                client.enter()
            assert (caught.value.fields["S"], caught.value.sqlstate) == ("FATAL", sqlstate)


def test_a_role_that_postgresql_lets_in_again_gets_in_again(pool: Agroal, database: Database) -> None:
    login = Login(f"{database.name}_barred", "")
    with pytest.raises(Refused, match="is not permitted to log in"), Guest(pool, login) as client:
        client.enter()
    database.query(f"ALTER ROLE {login.name} LOGIN")
    with Guest(pool, login).enter() as client:
        assert client.query("SELECT user") == [login.name]
