"""PostgreSQL does not let a pool in: its clients hear why at once, other pools feel nothing, and it comes round."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import LiteralString

import pytest
from psycopg import sql

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, Login
from tests.integration.waiting import wait_until

AT_ONCE = 2.0
"""Seconds; waiters have thirty."""


MOST = 8


@pytest.fixture
def login(database: Database) -> Iterator[Login]:
    """A role to which things happen; afterwards it is as before."""
    yield database.md5
    alter(database, database.md5, "CONNECTION LIMIT -1 PASSWORD {}", database.md5.password)


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, hba=TRUSTING, limits=f"all all {MOST}\n")


def alter(database: Database, login: Login, how: LiteralString, *values: str) -> None:
    change = sql.SQL(how).format(*map(sql.Literal, values))
    database.postgres.query(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(login.name), change))


def refusal(client: Guest) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        client.enter()
    return caught.value.fields


def gets_in(pool: Agroal, login: Login, **parameters: str) -> bool:
    try:
        with Guest(pool, login, **parameters) as client:
            return client.enter().query("SELECT 1") == ["1"]
    except Refused:
        return False


@contextmanager
def others_unharmed(pool: Agroal, database: Database) -> Iterator[None]:
    """Another user's client goes on with the same server, others come and find theirs at once."""
    with Guest(pool, database.scram).enter() as bystander:
        [pid] = bystander.query("SELECT pg_backend_pid()")
        yield
        assert bystander.query("SELECT pg_backend_pid()") == [pid]
        began = time.monotonic()
        for _ in range(3):
            assert gets_in(pool, database.scram)
        assert time.monotonic() - began < AT_ONCE
    [known] = [known for known in pool.snapshot().pools if known.user == database.scram.name]
    assert (known.failures, known.error) == (0, None)


def test_all_who_wait_hear_at_once_that_the_password_is_not_right(
    pool: Agroal, database: Database, login: Login
) -> None:
    with others_unharmed(pool, database), ExitStack() as clients:
        holder = clients.enter_context(Guest(pool, login)).enter()
        alter(database, login, "PASSWORD 'another'")

        began = time.monotonic()
        crowd = [clients.enter_context(Guest(pool, login)) for _ in range(20)]
        told = [refusal(client) for client in crowd]

        assert time.monotonic() - began < AT_ONCE
        assert {(error["S"], error["C"]) for error in told} == {("FATAL", "28P01")}
        assert {error["M"] for error in told} == {f'password authentication failed for user "{login.name}"'}
        assert holder.query("SELECT 6 * 7") == ["42"]
    assert gets_in(pool, login), "a server that is open serves on"


def test_a_pool_is_well_again_when_the_password_is_put_back(pool: Agroal, database: Database, login: Login) -> None:
    pool.manage("flush", "all")
    alter(database, login, "PASSWORD 'another'")
    assert not gets_in(pool, login)
    [row] = [row for row in pool.snapshot().pools if row.user == login.name]
    assert row.error == f'password authentication failed for user "{login.name}"'

    alter(database, login, "PASSWORD {}", login.password)

    wait_until(lambda: gets_in(pool, login), "it works again, without help")
    [row] = [row for row in pool.snapshot().pools if row.user == login.name]
    assert (row.failures, row.error) == (0, None)


def test_a_pool_is_well_again_when_the_vault_knows_the_new_password(agroal: Launch, database: Database) -> None:
    old = database.role("renewed")
    new = Login(old.name, "another")
    pool = agroal(database)
    with pool.connect(old) as client, pool.connect(database.scram) as other:
        pids = backend_pid(client), backend_pid(other)
        alter(database, old, "PASSWORD {}", new.password)
        pool.write_users({database.scram.name: database.scram.password, new.name: new.password})

        changes = pool.manage("conf", "reload")["changes"]

        assert [(change["key"], change["restart"]) for change in changes] == [("agroal_users.conf", False)]
        assert new.name in changes[0]["new"]
        assert new.password not in str(changes)
        with pool.connect(new) as newcomer:
            assert backend_pid(newcomer) != pids[0]
        with pytest.raises(Exception, match="password authentication failed"):
            pool.connect(old)
        assert (backend_pid(client), backend_pid(other)) == pids, "who is in goes on"
    wait_until(lambda: pids[0] not in {one.pid for one in database.activity()}, "what the old one opened is closed")


def test_a_role_without_a_connection_to_spare_is_told_so(pool: Agroal, database: Database, login: Login) -> None:
    pool.manage("flush", "all", database.name)
    alter(database, login, "CONNECTION LIMIT 0")
    with others_unharmed(pool, database), Guest(pool, login) as client:
        began = time.monotonic()
        error = refusal(client)
        assert time.monotonic() - began < AT_ONCE
    assert (error["S"], error["C"], error["M"]) == ("FATAL", "53300", f'too many connections for role "{login.name}"')

    alter(database, login, "CONNECTION LIMIT -1")
    wait_until(lambda: gets_in(pool, login), "it works again, without help")


def test_who_can_hope_for_a_server_that_is_in_use_waits_for_it(pool: Agroal, database: Database, login: Login) -> None:
    pool.manage("flush", "all", database.name)
    alter(database, login, "CONNECTION LIMIT 1")
    failures = pool.snapshot().counters.connect_failures
    with Guest(pool, login).enter() as holder, Guest(pool, login) as second:
        [pid] = holder.query("SELECT pg_backend_pid()")
        wait_until(lambda: pool.snapshot().counters.connect_failures > failures, "PostgreSQL has refused")
        assert [waiter.reason for waiter in pool.snapshot().waiters] in (["retry"], ["opening"])
        holder.terminate()
        assert second.enter().query("SELECT pg_backend_pid()") == [pid]


def test_a_database_that_is_not_there_is_named_and_found_when_it_is(
    pool: Agroal, database: Database, login: Login
) -> None:
    name = f"{database.name}_later"

    with others_unharmed(pool, database):
        with Guest(pool, login, database=name) as client:
            error = refusal(client)
        assert (error["C"], error["M"]) == ("3D000", f'database "{name}" does not exist')
        database.postgres.query(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            wait_until(lambda: gets_in(pool, login, database=name), "it works, without help")
            pool.manage("flush", "all", name)
        finally:
            database.postgres.query(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_one_users_trouble_takes_no_turn_from_others(agroal: Launch, database: Database, login: Login) -> None:
    """Two users under one cap: the one who is refused does not keep the other waiting for longer than a moment."""
    pool = agroal(database, hba=TRUSTING, max_connections=2)
    alter(database, login, "PASSWORD 'another'")
    with ExitStack() as clients:
        unlucky = [clients.enter_context(Guest(pool, login)) for _ in range(30)]
        lucky = [clients.enter_context(Guest(pool, database.scram)) for _ in range(10)]
        began = time.monotonic()
        for client in lucky:
            client.enter().terminate()
        assert time.monotonic() - began < AT_ONCE
        assert {refusal(client)["C"] for client in unlucky} == {"28P01"}
