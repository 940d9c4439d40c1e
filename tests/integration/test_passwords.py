"""Passwords of every shape: they get through, and stay where they belong."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest
from psycopg import sql

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, METHODS, door, limits
from tests.integration.postgres import IN_CLEAR, Database, Login
from tests.integration.starting import run_agroal
from tests.integration.waiting import wait_until

PASSWORDS = {
    "blanks": "  between and around  ",
    "quotes": """it's "quoted", \\ and %s""",
    "soft_hyphens": "I\u00adX",  # SASLprep makes IX of it (RFC 4013)
    "letters": "Zażółć gęślą jaźń ☃ \u2168",
    "token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9." * 200,
}


@pytest.fixture(scope="module")
def logins(database: Database) -> Mapping[str, Login]:
    """A role for each password; PostgreSQL asks half of them for it in clear text."""
    return {
        name: _with_password(database, database.role(name, groups=[IN_CLEAR][: number % 2]), password)
        for number, (name, password) in enumerate(PASSWORDS.items())
    }


def _with_password(database: Database, role: Login, password: str) -> Login:
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role.name), sql.Literal(password))
    database.postgres.query(statement)
    return Login(role.name, password)


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, logins: Mapping[str, Login]) -> Agroal:
    known = {login.name: login.password for login in logins.values()}
    return module_agroal(database, hba=HBA, limits=limits(database), users=known, log_level="trace")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PASSWORDS)
def test_a_password_of_any_shape_opens_both_doors(
    pool: Agroal, logins: Mapping[str, Login], name: str, method: str
) -> None:
    with pool.connect(logins[name], database=door(method)) as client:
        assert client.execute("SELECT session_user").fetchone() == (logins[name].name,)


def test_passwords_that_saslprep_makes_equal_are_equal(pool: Agroal, logins: Mapping[str, Login]) -> None:
    with pool.connect(Login(logins["soft_hyphens"].name, "IX"), database=door("scram-sha-256")) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_password_is_in_nothing_that_agroal_says(pool: Agroal, logins: Mapping[str, Login]) -> None:
    wrong = "a-wrong-password"
    for method in METHODS:
        for login in logins.values():
            pool.connect(login, database=door(method)).close()
            if method != "trust":
                with pytest.raises(psycopg.OperationalError):
                    pool.connect(Login(login.name, wrong), database=door(method))
    refusals = len(logins) * (len(METHODS) - 1)
    wait_until(lambda: pool.log.count("28P01: password authentication failed") >= refusals, "the log is written")
    check = run_agroal(pool, "--check")

    said = [pool.log, check.stdout, check.stderr, pool.cli("status", "details").stdout, pool.cli("snapshot").stdout]
    for secret in (*PASSWORDS.values(), wrong):
        assert not any(secret in text for text in said)
