"""Users who are not in the vault: PostgreSQL is asked for their secrets, and everything else is as if they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from agroal.daemon.lookup import REMEMBERED_SECONDS
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, METHODS, door, limits, refusal
from tests.integration.postgres import Database, Login, OwnPostgres, Postgres
from tests.integration.waiting import wait_until

BY_SECRET = ("password", "md5", "scram-sha-256", "all")
PASSWORD = "right-and-secret"
WRONG = "wrong-and-secret"


def alter(postgres: Postgres, role: str, how: str, *values: str) -> None:
    change = sql.SQL(how).format(*map(sql.Literal, values))  # type: ignore[arg-type]
    postgres.query(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), change))


@dataclass
class Roles:
    """Roles of this module."""

    postgres: Postgres
    prefix: str

    def create(self, name: str, options: str = "LOGIN", password: str | None = PASSWORD) -> Login:
        login = Login(f"{self.prefix}{name}", password or "")
        role = sql.Identifier(login.name)
        self.postgres.query(sql.SQL("CREATE ROLE {} {}").format(role, sql.SQL(options)))  # type: ignore[arg-type]
        if password:
            alter(self.postgres, login.name, "PASSWORD {}", password)
        return login

    def drop(self) -> None:
        for (name,) in self.postgres.query("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", self.prefix):
            self.postgres.query(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def roles(database: Database) -> Iterator[Roles]:
    made = Roles(database.postgres, f"q{database.name[-8:]}_")
    yield made
    made.drop()


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    """Nobody is in its vault."""
    pool = asking(module_agroal, database, limits=LIMITS.format(database.name), hba=HBA + SECOND)
    assert user(pool, database.scram) == database.scram.name
    pool.own_connections = 1
    return pool


SECOND = "host all all all scram-sha-256\n"
LIMITS = f"{{}}={','.join(map(door, METHODS))},second all 60\npostgres all 10\n"


def asking(launch: Launch, database: Database, superuser: Login | None = None, **how: object) -> Agroal:
    superuser = superuser or database.postgres.superuser
    files = {"hba": HBA, "limits": limits(database), **how}
    return launch(database, **files, users={}, superuser=superuser, auth_query=True)


def user(pool: Agroal, login: Login, database: str = door("scram-sha-256")) -> str:
    """As whom PostgreSQL knows a client that has come in."""
    with pool.connect(login, database=database) as client:
        row = client.execute("SELECT session_user").fetchone()
    assert row
    return str(row[0])


def refused(pool: Agroal, login: Login, database: str = door("scram-sha-256")) -> tuple[str | None, str]:
    """SQLSTATE and words."""
    error = refusal(pool, login, database)
    return error.sqlstate, str(error)


def wrong(login: Login) -> tuple[str, str]:
    return "28P01", f'password authentication failed for user "{login.name}"'


@pytest.mark.parametrize("method", BY_SECRET)
def test_who_proves_it_comes_in_by_every_method(pool: Agroal, database: Database, method: str) -> None:
    assert user(pool, database.scram, door(method)) == database.scram.name
    assert refused(pool, Login(database.scram.name, WRONG), door(method)) == wrong(database.scram)


@pytest.mark.parametrize("method", ["password", "md5"])
def test_who_has_an_md5_hash_does_so_where_that_can_be_seen(pool: Agroal, database: Database, method: str) -> None:
    assert user(pool, database.md5, door(method)) == database.md5.name
    assert refused(pool, Login(database.md5.name, WRONG), door(method)) == wrong(database.md5)


@pytest.mark.parametrize("method", ["scram-sha-256", "all"])
def test_and_can_not_by_scram(pool: Agroal, database: Database, method: str) -> None:
    assert refused(pool, database.md5, door(method)) == wrong(database.md5)


class TestWhoCanNotLogIn:
    @pytest.mark.parametrize("method", BY_SECRET)
    def test_looks_like_a_wrong_password_by_every_method(self, pool: Agroal, roles: Roles, method: str) -> None:
        case = method[0]
        cases = [
            roles.create(f"{case}_expired", "LOGIN VALID UNTIL 'yesterday'"),
            roles.create(f"{case}_nologin", "NOLOGIN"),
            roles.create(f"{case}_empty", "LOGIN", None),
            Login(f"{roles.prefix}nobody_{case}", PASSWORD),
            Login("x" * 64, PASSWORD),
        ]
        for login in cases:
            assert refused(pool, Login(login.name, PASSWORD), door(method)) == wrong(login)

    def test_one_whose_time_is_not_over_does(self, pool: Agroal, roles: Roles) -> None:
        for name, until in (("tomorrow", "tomorrow"), ("forever", "infinity")):
            login = roles.create(name, f"LOGIN VALID UNTIL '{until}'")
            assert user(pool, login) == login.name

    def test_a_name_that_postgresql_would_cut_is_not_the_cut_one(self, pool: Agroal, roles: Roles) -> None:
        known = roles.create("x" * (63 - len(roles.prefix)))
        assert user(pool, known) == known.name
        longer = Login(known.name + "x", PASSWORD)
        assert refused(pool, longer) == wrong(longer)


@pytest.mark.parametrize("name", ["o'neill", 'quo"te', "back\\slash'", "a b", "' OR true --", "$1", "żółw", "%s"])
def test_a_name_of_any_shape_is_a_name(pool: Agroal, roles: Roles, name: str) -> None:
    login = roles.create(name)
    assert user(pool, login) == login.name
    stranger = Login(f"{login.name}'", PASSWORD)
    assert refused(pool, stranger) == wrong(stranger)


def test_several_databases_and_a_learned_login_for_each(pool: Agroal, database: Database) -> None:
    for name in (door("scram-sha-256"), "second", "postgres"):
        assert user(pool, database.scram, name) == database.scram.name
    assert {slot.database for slot in pool.snapshot().slots} >= {database.name, "postgres"}


def test_no_secret_is_in_anything_that_agroal_says(pool: Agroal, roles: Roles, database: Database) -> None:
    login = roles.create("silent")
    user(pool, login)
    refused(pool, Login(login.name, WRONG))
    [(stored,)] = database.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", login.name)
    said = pool.log + pool.command("status", "details").stdout + pool.command("snapshot").stdout
    said += pool.command("conf", "get").stdout + pool.command("events").stdout
    secrets = (PASSWORD, WRONG, stored, database.postgres.superuser.password, *stored.split("$"))
    assert not [secret for secret in secrets if len(secret) > 20 and secret in said]


class TestChanges:
    def test_an_old_password_is_refused_soon_and_the_new_one_comes_in(self, pool: Agroal, roles: Roles) -> None:
        login = roles.create("changing")
        assert user(pool, login) == login.name
        alter(roles.postgres, login.name, "PASSWORD {}", "another-one")
        wait_until(lambda: comes_in(pool, Login(login.name, "another-one")), "the new password", REMEMBERED_SECONDS + 2)
        assert refused(pool, login) == wrong(login)
        for slot in pool.snapshot().slots:
            assert slot.user != login.name or slot.state == "free"
        pool.manage("flush", "idle")
        assert user(pool, Login(login.name, "another-one")) == login.name, "the new keys log in to PostgreSQL"


def comes_in(pool: Agroal, login: Login) -> bool:
    try:
        return user(pool, login) == login.name
    except psycopg.OperationalError:
        return False


class TestTrouble:
    def test_a_restart_of_postgresql_costs_nobody_a_login(self, agroal: Launch, pg: OwnPostgres) -> None:
        pool = asking(agroal, pg.database)
        assert user(pool, pg.database.scram) == pg.database.scram.name
        with pg.stopped():
            assert refused(pool, pg.database.md5, door("md5"))[0] == "57P03", "while it is down nobody comes in"
        wait_until(lambda: not pool.snapshot().slots, "its servers are gone")
        assert user(pool, pg.database.md5, door("md5")) == pg.database.md5.name
        pool.own_connections = 1

    @pytest.mark.parametrize("allowed", [True, False])
    def test_a_superuser_who_is_refused_refuses_everybody_and_the_log_says_why(
        self, agroal: Launch, database: Database, allowed: bool
    ) -> None:
        """And it is never left to PostgreSQL, which would let them in."""
        mistaken = Login(database.postgres.superuser.name, WRONG)
        pool = asking(agroal, database, mistaken, allow_unknown_users=allowed)
        for method in BY_SECRET:
            told = refused(pool, database.scram, door(method))
            assert told == ("57P03", "authentication is not possible at the moment")
        wait_until(lambda: f"auth_query for user={database.scram.name} failed" in pool.log, "the log says it")
        assert f'password authentication failed for user "{mistaken.name}"' in pool.log
        assert WRONG not in pool.log
        assert pool.snapshot().slots == ()

    def test_a_user_who_may_not_read_the_secrets_is_no_superuser(self, agroal: Launch, database: Database) -> None:
        pool = asking(agroal, database, database.scram)
        pool.own_connections = 0
        assert refused(pool, database.md5, door("md5"))[0] == "57P03"
        wait_until(lambda: "permission denied for table pg_authid" in pool.log, "the log says it")

    def test_nothing_that_others_have_made_is_called_with_the_superusers_rights(
        self, agroal: Launch, pg: OwnPostgres
    ) -> None:
        """CVE-2018-1058: tables, functions and operators that come before PostgreSQL's own, wherever they could."""
        database = pg.database
        database.query(TRAPS)
        pg.query(
            sql.SQL("ALTER DATABASE {} SET search_path = trap, public, pg_catalog").format(
                sql.Identifier(database.name)
            )
        )
        pg.query(
            sql.SQL("ALTER ROLE {} SET search_path = trap, public, pg_catalog").format(
                sql.Identifier(pg.superuser.name)
            )
        )
        try:
            pool = asking(agroal, database, auth_query_database=database.name)
            assert user(pool, database.scram) == database.scram.name
            assert refused(pool, Login(database.scram.name, "trapped"))[0] == "28P01"
            pool.own_connections = 1
            assert database.query("SELECT count(*) FROM trap.caught") == [(0,)]
            database.query("SELECT now()")
            assert database.query("SELECT count(*) FROM trap.caught") == [(1,)], "the traps do work"
        finally:
            pg.query(sql.SQL("ALTER ROLE {} RESET search_path").format(sql.Identifier(pg.superuser.name)))


TRAPS = """
CREATE SCHEMA trap;
CREATE TABLE trap.caught (what text);
GRANT USAGE ON SCHEMA trap TO PUBLIC;
GRANT ALL ON trap.caught TO PUBLIC;
CREATE TABLE trap.pg_authid (rolname name, rolpassword text, rolcanlogin bool, rolvaliduntil timestamptz);
CREATE FUNCTION trap.spring(a name, b name) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO trap.caught VALUES ('name = name'); RETURN true; END $$;
CREATE FUNCTION trap.spring(a name, b text) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO trap.caught VALUES ('name = text'); RETURN true; END $$;
CREATE FUNCTION trap.spring(a timestamptz, b timestamptz) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO trap.caught VALUES ('timestamptz > timestamptz'); RETURN true; END $$;
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO trap.caught VALUES ('now'); RETURN pg_catalog.now(); END $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.spring);
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.spring);
CREATE OPERATOR trap.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.spring);
"""
