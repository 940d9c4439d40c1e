"""Clients that have to know other passwords than those that PostgreSQL wants: from a file, or made up and rotated."""

from __future__ import annotations

import psycopg
import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, door, limits, refusal
from tests.integration.postgres import Database, Login
from tests.integration.waiting import wait_until

BY_SECRET = ("password", "md5", "scram-sha-256", "all")
CHALK = "chalk-and-nothing-else"


def user(pool: Agroal, login: Login, method: str = "scram-sha-256") -> str:
    """As whom PostgreSQL knows a client that has come in."""
    with pool.connect(login, database=door(method)) as client:
        row = client.execute("SELECT session_user").fetchone()
    assert row
    return str(row[0])


def told(pool: Agroal, login: Login) -> Login:
    """The login with the password that is to be used now."""
    return Login(login.name, pool.manage("get-password", login.name)["password"])


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    frontend = {database.scram.name: CHALK}
    return module_agroal(database, hba=HBA, limits=limits(database), frontend_users=frontend)


@pytest.fixture(scope="module")
def rotating(module_agroal: Launch, database: Database) -> Agroal:
    """Nothing rotates while a test runs."""
    settings = {"rotate_frontend_password_timeout": "1h", "rotate_frontend_password_length": 12}
    pool = module_agroal(database, hba=HBA, limits=limits(database), **settings)
    pool.own_tasks += 1
    return pool


class TestFile:
    @pytest.mark.parametrize("method", BY_SECRET)
    def test_its_password_lets_in_and_postgresqls_does_not(self, pool: Agroal, database: Database, method: str) -> None:
        name = database.scram.name
        assert user(pool, Login(name, CHALK), method) == name
        assert refusal(pool, database.scram, door(method)).sqlstate == "28P01"

    def test_who_is_not_in_it_uses_that_of_the_vault(self, pool: Agroal, database: Database) -> None:
        assert user(pool, database.md5) == database.md5.name

    def test_they_do_not_rotate(self, pool: Agroal, database: Database) -> None:
        result = pool.command("get-password", database.scram.name)
        assert (result.returncode, result.stdout) == (1, "")
        assert "passwords do not rotate" in result.stderr


class TestRotation:
    @pytest.mark.parametrize("method", BY_SECRET)
    def test_only_what_was_made_up_lets_in(self, rotating: Agroal, database: Database, method: str) -> None:
        for login in (database.scram, database.md5):
            assert user(rotating, told(rotating, login), method) == login.name
            assert refusal(rotating, login, door(method)).sqlstate == "28P01"

    def test_agroal_cli_prints_it_and_nothing_else(self, rotating: Agroal, database: Database) -> None:
        result = rotating.cli("get-password", database.scram.name)
        password = told(rotating, database.scram).password
        assert (result.returncode, result.stdout, len(password)) == (0, f"{password}\n", 12)

    def test_of_nobody_there_is_none(self, rotating: Agroal) -> None:
        result = rotating.command("get-password", "nobody")
        assert (result.returncode, result.stdout) == (1, "")
        assert "there is no user 'nobody'" in result.stderr

    def test_a_reload_leaves_them(self, rotating: Agroal, database: Database) -> None:
        before = told(rotating, database.scram)
        rotating.manage("conf", "reload")
        assert told(rotating, database.scram) == before

    def test_they_are_in_nothing_else_that_agroal_says(self, rotating: Agroal, database: Database) -> None:
        made_up = told(rotating, database.scram)
        user(rotating, made_up)
        verbs = (("status", "details"), ("snapshot",), ("events",), ("conf", "get"), ("log", "tail"))
        said = rotating.log + "".join(rotating.command(*verb).stdout for verb in verbs)
        assert made_up.password not in said


def test_after_a_rotation_the_old_one_lets_nobody_in(agroal: Launch, database: Database) -> None:
    pool = agroal(database, hba=HBA, limits=limits(database), rotate_frontend_password_timeout="1s")
    pool.own_tasks += 1
    old = told(pool, database.scram)
    with pool.connect(database=door("trust")) as bystander:
        wait_until(lambda: told(pool, database.scram) != old, "the next password")
        assert refusal(pool, old, door("scram-sha-256")).sqlstate == "28P01"
        assert bystander.execute("SELECT 1").fetchone() == (1,), "who is in stays in"
    wait_until(lambda: comes_in(pool, told(pool, database.scram)), "the new one lets in")
    assert "the passwords of clients have been rotated" in pool.log
    assert old.password not in pool.log


def comes_in(pool: Agroal, login: Login) -> bool:
    """It may rotate between the question and the login."""
    try:
        return user(pool, login) == login.name
    except psycopg.OperationalError:
        return False
