"""What one client leaves behind, the next never sees; and what it asks for when it comes, it gets."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

REPORTED = (
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "default_transaction_read_only",
    "in_hot_standby",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
)
"""What PostgreSQL 15 reports without being asked."""

WISHES = [
    {"application_name": "reports"},
    {"application_name": ""},
    {"application_name": "naïve “client”"},
    {"client_encoding": "LATIN1"},
    {"options": "-c DateStyle=German"},
    {"options": "-c DateStyle=ISO -c IntervalStyle=iso_8601"},
    {"options": "--TimeZone=Asia/Tokyo"},
    {"options": "-cdefault_transaction_read_only=on"},
    {"options": r"-c search_path=a,\ b -c work_mem=3MB"},
    {"options": r"-c application_name=x';\ DROP\ TABLE\ t;\ --"},
    {"options": "-c standard_conforming_strings=off", "application_name": "both"},
]
SETTINGS = ["application_name", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone", "search_path", "work_mem"]


@pytest.fixture(scope="module", params=PIPELINES)
def pool(module_agroal: Launch, database: Database, request: pytest.FixtureRequest) -> Agroal:
    """A pool of one connection: who comes next gets the one that was there before."""
    return module_agroal(database, max_connections=1, hba=TRUSTING, pipeline=request.param)


def picture(client: psycopg.Connection[Any]) -> tuple[dict[str, str | None], list[str]]:
    """What the client was told of the server's settings, and what the server says they are."""
    told = {name: client.info.parameter_status(name) for name in REPORTED}
    return told, [client.execute(f"SHOW {name}").fetchone()[0] for name in SETTINGS]  # type: ignore[index]


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: " ".join(f"{name}={value}" for name, value in wish.items()))
def test_a_client_gets_the_settings_that_it_asks_for_when_it_comes(
    pool: Agroal, database: Database, wish: dict[str, str]
) -> None:
    with database.postgres.connect(database.scram, database.name, **wish) as directly:
        expected = picture(directly)
    with database.postgres.connect(database.scram, database.name) as directly:
        plain = picture(directly)

    for _ in range(2):  # the server's first client, and a later one
        with pool.connect(**wish) as client:
            assert picture(client) == expected
        with pool.connect() as client:
            assert picture(client) == plain


@pytest.mark.parametrize("undo", ["DISCARD ALL", "RESET TimeZone", "RESET ALL", "SET TimeZone = DEFAULT"])
def test_who_undoes_its_own_wish_leaves_no_trace_of_it(pool: Agroal, database: Database, undo: str) -> None:
    """Nobody has told the pool: in the performance pipeline it does not listen."""
    wish = {"options": "-c TimeZone=Asia/Tokyo"}
    with database.postgres.connect(database.scram, database.name) as directly:
        plain = picture(directly)

    for after in ({}, wish):
        with pool.connect(**wish) as client:
            client.execute(undo)
        with pool.connect() as client:
            assert picture(client) == plain
            client.execute(undo)
        with pool.connect(**after) as client:
            told, settings = picture(client)
            assert (told["TimeZone"] == "Asia/Tokyo") == bool(after)
            assert told["TimeZone"] == settings[SETTINGS.index("TimeZone")]


def test_a_role_that_was_asked_for_is_taken_and_given_back(pool: Agroal, database: Database) -> None:
    other = database.role(f"other{pool.port}")
    database.query(f"GRANT {other.name} TO {database.scram.name}")
    with pool.connect(options=f"-c role={other.name}") as client:
        assert client.execute("SELECT session_user, current_user").fetchone() == (database.scram.name, other.name)
    with pool.connect() as client:
        assert client.execute("SELECT session_user, current_user").fetchone() == (database.scram.name,) * 2


LEAVINGS = [
    ("SET work_mem = '7MB'", "SELECT current_setting('work_mem') <> '7MB'"),
    ("SET TimeZone = 'Asia/Tokyo'", "SELECT current_setting('TimeZone') <> 'Asia/Tokyo'"),
    ("SET search_path = elsewhere", """SELECT current_setting('search_path') = '"$user", public'"""),
    ("SET my.own = 'secret'", "SELECT coalesce(current_setting('my.own', true), '') = ''"),
    (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SELECT NOT current_setting('transaction_read_only')::bool",
    ),
    ("SET statement_timeout = 1", "SELECT pg_sleep(0.01) IS NOT NULL"),
    ("CREATE TEMP TABLE scratch AS SELECT 1", "SELECT to_regclass('scratch') IS NULL"),
    ("PREPARE mine AS SELECT 1", "SELECT count(*) = 0 FROM pg_prepared_statements"),
    ("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT", "SELECT count(*) = 0 FROM pg_cursors"),
    (
        "SELECT pg_advisory_lock(1)",
        "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    ("LISTEN news", "SELECT count(*) = 0 FROM pg_listening_channels()"),
    ("CREATE TEMP SEQUENCE s; SELECT nextval('s')", "SELECT to_regclass('s') IS NULL"),
    (
        "BEGIN; SELECT pg_advisory_xact_lock(2)",
        "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    ("BEGIN; SELECT 1 / 0", "SELECT now() = statement_timestamp()"),
]


@pytest.mark.parametrize(("leave", "is_clean"), LEAVINGS, ids=[leave for leave, _ in LEAVINGS])
def test_the_next_client_on_the_same_server_sees_nothing_of(pool: Agroal, leave: str, is_clean: str) -> None:
    with pool.connect() as client:
        pid = backend_pid(client)
        with suppress(errors.DivisionByZero):
            client.execute(leave)
    with pool.connect() as client:
        assert backend_pid(client) == pid
        assert client.execute(is_clean).fetchone() == (True,)


def test_what_a_client_changes_is_reported_to_it_and_undone_for_the_next(pool: Agroal) -> None:
    with pool.connect() as client:
        before = client.info.parameter_status("TimeZone")
        client.execute("SET TimeZone = 'Asia/Tokyo'")
        assert client.info.parameter_status("TimeZone") == "Asia/Tokyo"
    with pool.connect() as client:
        assert client.info.parameter_status("TimeZone") == before != "Asia/Tokyo"


@pytest.mark.parametrize(
    ("wish", "sqlstate"),
    [
        ({"options": "-c no_such_setting=1"}, "42704"),
        ({"options": "-c work_mem=plenty"}, "22023"),
        ({"options": "-c port=1"}, "55P02"),
        ({"options": "-c log_statement=all"}, "42501"),
        ({"options": "-c role=nobody_at_all"}, "22023"),
    ],
    ids=["unknown", "bad value", "not at run-time", "not for everybody", "no such role"],
)
def test_a_setting_that_postgresql_refuses_ends_the_client_and_leaves_the_server(
    pool: Agroal, database: Database, wish: dict[str, str], sqlstate: str
) -> None:
    with pool.connect() as client:
        pid = backend_pid(client)

    with pytest.raises(Refused) as caught, Guest(pool, database.scram, **wish) as refused:
        refused.enter()
    assert (caught.value.sqlstate, caught.value.fields["S"]) == (sqlstate, "FATAL")

    with pool.connect() as client:
        assert backend_pid(client) == pid


def test_without_a_reset_query_a_transaction_is_ended_all_the_same(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1, server_reset_query="")
    with pool.connect() as client:
        pid = backend_pid(client)
        client.execute("SET work_mem = '7MB'")
        client.execute("BEGIN; SET LOCAL work_mem = '8MB'; SELECT pg_advisory_xact_lock(3)")
    with pool.connect() as client:
        kept = "SELECT pg_backend_pid(), current_setting('work_mem'), now() = statement_timestamp()"
        assert client.execute(kept).fetchone() == (pid, "7MB", True)


def test_a_server_whose_reset_fails_is_closed_and_the_log_says_why(agroal: Launch, database: Database) -> None:
    login = database.role("unlucky")
    pool = agroal(database, max_connections=1, server_reset_query="SELECT 1/0")
    pids = set()
    for _ in range(2):
        with pool.connect(login) as client:
            pids.add(backend_pid(client))

    assert len(pids) == 2
    wait_until(lambda: not database.activity(login), "both servers are closed")
    assert pool.log.count("reset failed: division by zero") == 2
    assert pool.log.count("is closed: the reset query failed") == 2


def test_what_a_client_asked_for_before_it_said_goodbye_is_done(pool: Agroal, database: Database) -> None:
    database.query("DROP TABLE IF EXISTS farewells; CREATE TABLE farewells (n int); GRANT ALL ON farewells TO PUBLIC")
    for n in range(5):
        client = pool.connect()
        client.pgconn.send_query(f"INSERT INTO farewells SELECT {n} FROM pg_sleep(0.1)".encode())
        client.close()  # says goodbye without waiting for the answer
        pool.come_to_rest()
    assert database.query("SELECT count(*) FROM farewells") == [(5,)]
