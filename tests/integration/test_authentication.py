"""Who gets in, who does not, and what they are told.

agroal asks the client, PostgreSQL asks agroal, and between the two is what the vault knows of the user: every
combination of the three, and what must hold in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import pytest
from psycopg import sql

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, METHODS, door, limits, refusal
from tests.integration.postgres import IN_CLEAR, LET_IN, Database, Login
from tests.integration.waiting import wait_until

TABLE = """\
asked          in the vault    PostgreSQL asks for…
                               nothing  password  md5    scram
trust          password        open     open      open   open
trust          verifier        open     lost      lost   lost
trust          md5             open     lost      open   lost
trust          nothing         open     lost      lost   lost
password       password        in       in        in     in
password       verifier        in       in        in     in
password       md5             in       in        in     in
password       nothing         open     in        in     in
md5            password        in       in        in     in
md5            verifier        in       stuck     stuck  stuck
md5            md5             in       stuck     in     stuck
md5            nothing         shut     shut      shut   shut
scram-sha-256  password        in       in        in     in
scram-sha-256  verifier        in       stuck     stuck  stuck
scram-sha-256  md5             shut     shut      shut   shut
scram-sha-256  nothing         shut     shut      shut   shut
all            password        in       in        in     in
all            verifier        in       stuck     stuck  stuck
all            md5             shut     shut      shut   shut
all            nothing         open     in        in     in
"""
ENDS = {"in": ("in", "28P01"), "open": ("in", "in"), "stuck": ("08001", "28P01"), "lost": ("08001", "08001")}
ENDS["shut"] = ("28P01", "28P01")
"""What becomes of a client with the right password, and of one with a wrong one."""

ASKED = ("nothing", "password", "md5", "scram")
KEPT = ("password", "verifier", "md5", "nothing")
GROUPS = {"nothing": [LET_IN], "password": [IN_CLEAR]}
WRONG = "not-the-password"

CASES = [
    (method, kept, asked, *ENDS[end])
    for method, kept, *ends in map(str.split, TABLE.splitlines()[2:])
    for asked, end in zip(ASKED, ends, strict=True)
]


@dataclass(frozen=True)
class People:
    """The roles of this module, and what the vault has of them."""

    roles: dict[tuple[str, str, str], Login]
    """By what PostgreSQL asks of it, what the vault has of it, and how its client is asked: a client that has shown its
    password by one method can be logged in for by all.
    """
    stale: Login
    """Its password was changed, and the vault was not told."""
    barred: Login
    """NOLOGIN."""
    vault: dict[str, str]

    @property
    def secrets(self) -> set[str]:
        """What nobody may read anywhere."""
        return {login.password for login in self.roles.values()} | set(self.vault.values()) | {WRONG}


@pytest.fixture(scope="module")
def people(database: Database) -> People:
    roles, vault = {}, {}
    for asked, kept, method in product(ASKED, KEPT, METHODS):
        login = database.role(f"{asked}_{kept}_{method}", groups=GROUPS.get(asked, ()))
        verifier, md5 = (_stored(database, login, kind) for kind in ("scram-sha-256", "md5"))
        if asked != "md5":
            _stored(database, login, "scram-sha-256")
        if kept != "nothing":
            vault[login.name] = {"password": login.password, "verifier": verifier, "md5": md5}[kept]
        roles[asked, kept, method] = login
    stale, barred = database.role("stale"), database.role("barred")
    database.query(f'ALTER ROLE "{barred.name}" NOLOGIN')
    vault |= {stale.name: "the-password-of-yesterday", barred.name: barred.password}
    return People(roles, stale, barred, vault)


def _stored(database: Database, login: Login, encryption: str) -> str:
    """Let PostgreSQL keep the password in this way; what it keeps."""
    role, password = sql.Identifier(login.name), sql.Literal(login.password)
    with database.postgres.connect(database=database.name) as superuser:
        superuser.execute(sql.SQL("SET password_encryption = {}").format(sql.Literal(encryption)))
        superuser.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
        row = superuser.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (login.name,)).fetchone()
    assert row
    return str(row[0])


OTHER_LINES = """\
host  closed   all all reject
local two_ways all     trust
host  two_ways all all scram-sha-256
"""


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, people: People) -> Iterator[Agroal]:
    """Strangers are allowed. The database's own name is in no line of its HBA."""
    pool = module_agroal(
        database,
        hba=HBA + OTHER_LINES,
        limits=limits(database, "closed", "two_ways"),
        users=people.vault,
        connection_retry_delay="1ms",
        log_level="trace",
        log_connections=True,
    )
    yield pool
    for secret in people.secrets:
        assert secret not in pool.log


def wrong(login: Login) -> Login:
    return replace(login, password=WRONG)


def question(method: str, kept: str, asked: str) -> str:
    """What a client is asked for, in the words of libpq's `require_auth`."""
    if method == "all" and kept == "nothing":
        method = {"nothing": "trust", "scram": "scram-sha-256"}.get(asked, asked)
    if method == "all" or (method == "md5" and kept == "verifier"):
        method = "scram-sha-256"
    return "none" if method == "trust" else method


@pytest.mark.parametrize(("method", "kept", "asked", "with_right", "with_wrong"), CASES)
def test_every_way_to_ask_meets_every_secret_and_every_server(
    pool: Agroal,
    database: Database,
    people: People,
    method: str,
    kept: str,
    asked: str,
    with_right: str,
    with_wrong: str,
) -> None:
    role = people.roles[asked, kept, method]
    for login, end in ((role, with_right), (wrong(role), with_wrong)):
        if end == "in":
            with pool.connect(login, database=door(method), require_auth=question(method, kept, asked)) as client:
                who = client.execute("SELECT session_user, current_user, current_database()").fetchone()
            assert who == (role.name, role.name, database.name)
            continue
        told = refusal(pool, login, door(method))
        knows = "none" if kept == "nothing" else "only a verifier of it"
        assert (told.severity, told.sqlstate) == ("FATAL", end)
        if end == "28P01":
            assert told.message == f'password authentication failed for user "{role.name}"'
        elif kept == "verifier" and asked == "scram" and method != "trust":
            assert told.message == "what a client has shown of the user's password does not fit the server's verifier"
        else:
            assert f'the password of user "{role.name}"' in told.message
            assert told.message.endswith(f"agroal knows {knows}")
            assert "agroal-admin user add" in told.hint


@pytest.mark.parametrize("asked", ["password", "md5", "scram"])
@pytest.mark.parametrize(
    ("method", "kept"),
    [("password", "nothing"), ("all", "nothing"), *((method, "password") for method in METHODS if method != "trust")],
)
def test_one_user_with_two_passwords_gets_in_with_the_right_one_only(
    pool: Agroal, people: People, method: str, kept: str, asked: str
) -> None:
    """Also where a connection that the right one opened lies ready (CVE-2025-46801)."""
    login = people.roles[asked, kept, method]
    told = refusal(pool, wrong(login), door(method))
    with pool.connect(login, database=door(method)) as client:
        first = client.info.backend_pid, client.execute("SELECT pg_backend_pid()").fetchone()
        while_leased = refusal(pool, wrong(login), door(method))
    wait_until(lambda: not any(known.active for known in pool.snapshot().pools), "the connection lies ready")

    afterwards = refusal(pool, wrong(login), door(method))
    assert {error.sqlstate for error in (told, while_leased, afterwards)} == {"28P01"}
    with pool.connect(login, database=door(method)) as client:
        again = client.execute("SELECT pg_backend_pid()").fetchone()
    assert (again == first[1]) == ((method, kept) != ("all", "nothing"))


def test_a_stranger_whom_postgresql_asks_has_a_connection_that_nobody_else_gets(
    pool: Agroal, database: Database, people: People
) -> None:
    stranger = people.roles["scram", "nothing", "all"]
    name = {"application_name": "passed through"}

    def passed_through() -> list[int]:
        return [row.pid for row in database.activity(stranger) if row.application_name == name["application_name"]]

    with pool.connect(stranger, database=door("all"), **name) as client:
        [pid] = passed_through()
        assert client.execute("SELECT pg_backend_pid()").fetchone() == (pid,)

    wait_until(lambda: pid not in [row.pid for row in database.activity(stranger)], "the connection is closed")


def test_a_line_with_reject_and_no_line_at_all_are_told_in_postgresqls_words(
    pool: Agroal, database: Database, people: People
) -> None:
    login = people.roles["scram", "password", "scram-sha-256"]
    rejected, unmentioned = (refusal(pool, login, name) for name in ("closed", database.name))
    over_socket = refusal(pool, login, "closed", host=str(pool.folder))

    assert {rejected.sqlstate, unmentioned.sqlstate, over_socket.sqlstate} == {"28000"}
    who = f'for host "127.0.0.1", user "{login.name}", database'
    assert rejected.message == f'agroal_hba.conf rejects connection {who} "closed", no encryption'
    assert unmentioned.message == f'no agroal_hba.conf entry {who} "{database.name}", no encryption'
    assert over_socket.message.startswith('no agroal_hba.conf entry for host "[local]"')


def test_the_unix_socket_and_the_network_have_lines_of_their_own(
    pool: Agroal, database: Database, people: People
) -> None:
    login = people.roles["scram", "password", "scram-sha-256"]

    with pool.connect(wrong(login), database="two_ways", host=str(pool.folder), require_auth="none") as client:
        assert client.execute("SELECT current_database()").fetchone() == (database.name,)
    with pool.connect(login, database="two_ways", require_auth="scram-sha-256") as client:
        assert client.execute("SELECT current_database()").fetchone() == (database.name,)
    assert refusal(pool, wrong(login), "two_ways").sqlstate == "28P01"


def test_a_password_that_postgresql_does_not_take_is_reported_in_its_own_words(pool: Agroal, people: People) -> None:
    told = refusal(pool, Login(people.stale.name, people.vault[people.stale.name]), door("scram-sha-256"))

    assert told.sqlstate == "28P01"
    assert told.message == f'password authentication failed for user "{people.stale.name}"'
    assert told.server_source_function == "auth_failed"


def test_a_role_that_may_not_log_in_is_told_so_by_postgresql(pool: Agroal, people: People) -> None:
    told = refusal(pool, people.barred, door("scram-sha-256"))

    assert (told.sqlstate, told.message) == ("28000", f'role "{people.barred.name}" is not permitted to log in')


def test_the_failures_of_one_user_do_not_disturb_the_connections_of_another(pool: Agroal, people: People) -> None:
    login, other = people.roles["scram", "password", "scram-sha-256"], people.roles["password", "nothing", "password"]
    with pool.connect(login, database=door("scram-sha-256")) as client:
        before = client.execute("SELECT pg_backend_pid()").fetchone()
        for _ in range(3):
            refusal(pool, Login(people.stale.name, people.vault[people.stale.name]), door("scram-sha-256"))
            refusal(pool, wrong(login), door("scram-sha-256"))
            refusal(pool, wrong(other), door("password"))
        with pool.connect(login, database=door("md5")) as another:
            assert another.execute("SELECT 1").fetchone() == (1,)
        assert client.execute("SELECT pg_backend_pid()").fetchone() == before
