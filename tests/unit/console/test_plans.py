from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.console import commands, shows
from agroal.console.face import Face
from agroal.console.identity import IGNORED
from agroal.console.plans import Assign, Do, Forget, Look, Say, Transact, columns_of
from agroal.console.values import Type
from agroal.errors import ConsoleError
from tests.unit.console.sitting import IDENTITY, planned


def said(sql: str) -> tuple[object, ...]:
    answer = planned(sql)
    assert isinstance(answer, Say)
    return answer.values(IDENTITY)


@pytest.mark.parametrize("name", shows.BY_NAME)
def test_every_table_is_shown_by_its_name_in_any_case(name: str) -> None:
    assert planned(f"SHOW {name}") == planned(f"show {name.upper()}") == Look(shows.BY_NAME[name])


@pytest.mark.parametrize(
    ("sql", "argument"), [("PAUSE", ""), ("pause shop", "shop"), ('Pause "My-Shop"', "My-Shop"), ("PAUSE 'x y'", "x y")]
)
def test_a_command_has_its_argument_however_it_is_quoted(sql: str, argument: str) -> None:
    assert planned(sql) == Do(commands.BY_NAME["PAUSE"], argument)


@pytest.mark.parametrize(
    ("sql", "key", "value"),
    [
        ("SET idle_timeout = 5m", "idle_timeout", "5m"),
        ("set idle_timeout to '5 m'", "idle_timeout", "5 m"),
        ("SET server.pg-a.port = 5433", "server.pg-a.port", "5433"),
        ("SET SESSION idle_timeout = 0", "idle_timeout", "0"),
        ("SET session_state = pin", "session_state", "pin"),
        ("SET server_reset_query = ''", "server_reset_query", ""),
    ],
)
def test_a_key_of_the_configuration_is_set(sql: str, key: str, value: str) -> None:
    assert planned(sql) == Assign(key, value)


def test_pgbouncers_keys_are_those_of_agroal_that_mean_the_same() -> None:
    assert planned("SET server_idle_timeout = 60", Face.PGBOUNCER) == Assign("idle_timeout", "60")
    assert planned("SET server_idle_timeout = 60") == Assign("server_idle_timeout", "60"), "not under agroal's name"


@pytest.mark.parametrize(
    "sql",
    [
        "SET extra_float_digits = 3",
        "SET application_name TO 'x'",
        "SET SESSION search_path = a, b",
        "SET client_encoding TO 'UTF8'",
        "SET client_encoding = 'utf-8'",
        "SET NAMES 'UTF8'",
        "SET TIME ZONE 'UTC'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET DateStyle TO 'ISO, MDY'",
        *(f"SET {name} = x" for name in sorted(IGNORED - {"client_encoding"})),
    ],
)
def test_what_drivers_set_is_accepted_and_changes_nothing(sql: str) -> None:
    answer = planned(sql)
    assert isinstance(answer, Say)
    assert (answer.tag, answer.columns) == ("SET", ())


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT 1", (1,)),
        ("select 1 AS one, 'two' two", (1, "two")),
        ("SELECT version()", ("agroal 0.1.0, the console of a connection pool for PostgreSQL",)),
        ("SELECT pg_catalog.version()", ("agroal 0.1.0, the console of a connection pool for PostgreSQL",)),
        ("SELECT current_schema(), current_user, pg_is_in_recovery()", ("pg_catalog", "ops", False)),
        ("SELECT current_database()", ("agroal",)),
        ("SELECT pg_backend_pid()", (7,)),
        ("SELECT true, false, NULL", (True, False, None)),
        ("SHOW server_version", ("0.1.0/agroal",)),
        ("SHOW TRANSACTION ISOLATION LEVEL", ("read committed",)),
        ("SHOW TIME ZONE", ("UTC",)),
        ("SHOW transaction_read_only", ("off",)),
        ("SHOW standard_conforming_strings", ("on",)),
        ("SHOW DateStyle", ("ISO, MDY",)),
    ],
)
def test_what_drivers_ask_is_answered(sql: str, value: tuple[object, ...]) -> None:
    assert said(sql) == value


def test_columns_of_a_select_have_their_names_and_types() -> None:
    answer = planned("SELECT 1, 'a' AS b, version(), true")
    expected = (("?column?", Type.INT4), ("b", Type.TEXT), ("version", Type.TEXT), ("bool", Type.BOOL))
    assert columns_of(answer, Face.AGROAL) == expected


def test_a_version_of_pgbouncer_is_reported_under_its_name() -> None:
    answer = planned("SHOW server_version", Face.PGBOUNCER)
    assert isinstance(answer, Say)
    assert answer.values(replace(IDENTITY, face=Face.PGBOUNCER)) == ("1.25.0/bouncer",)


@pytest.mark.parametrize(
    ("sql", "plan"),
    [
        ("BEGIN", Transact("BEGIN")),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", Transact("BEGIN")),
        ("START TRANSACTION", Transact("BEGIN")),
        ("COMMIT", Transact("COMMIT")),
        ("end", Transact("COMMIT")),
        ("ROLLBACK", Transact("ROLLBACK")),
        ("ABORT", Transact("ROLLBACK")),
        ("DEALLOCATE ALL", Forget("DEALLOCATE ALL", None)),
        ('DEALLOCATE PREPARE "A"', Forget("DEALLOCATE", "A")),
        ("DEALLOCATE A", Forget("DEALLOCATE", "a")),
        ("DISCARD ALL", Forget("DISCARD ALL", None)),
    ],
)
def test_transactions_and_prepared_statements(sql: str, plan: object) -> None:
    assert planned(sql) == plan


@pytest.mark.parametrize(
    ("sql", "tag"),
    [
        ("DISCARD TEMP", "DISCARD TEMP"),
        ("RESET ALL", "RESET"),
        ("RESET search_path", "RESET"),
        ("CLOSE ALL", "CLOSE CURSOR ALL"),
        ("UNLISTEN *", "UNLISTEN"),
    ],
)
def test_what_pools_of_drivers_say_between_two_users(sql: str, tag: str) -> None:
    answer = planned(sql)
    assert isinstance(answer, Say)
    assert (answer.tag, columns_of(answer, Face.AGROAL)) == (tag, None)


@pytest.mark.parametrize(
    ("sql", "sqlstate", "words"),
    [
        ("SHOW", "42601", "something is missing"),
        ("SHOW x", "42704", "nothing to show by the name 'x'"),
        ("SHOW POOLS x", "42601", "too many words"),
        ("SHOW pool.s", "42601", "expected a name"),
        ("FOO", "42601", "unknown command: 'FOO'"),
        ("'PAUSE'", "42601", "unknown command"),
        ("; *", "42601", "unknown command"),
        ("PAUSE a b", "42601", "too many words: expected PAUSE"),
        ("PAUSE a.b", "42601", "expected a name"),
        ("RELOAD x", "42601", "too many words: expected RELOAD"),
        ("ENABLE", "42601", "something is missing: expected ENABLE db"),
        ("KILL_CLIENT", "42601", "something is missing: expected KILL_CLIENT id"),
        ("SET", "42601", "expected SET key = value"),
        ("SET x", "42601", "expected SET key = value"),
        ("SET = 1", "42601", "expected SET key = value"),
        ("SET x =", "42601", "expected SET key = value"),
        ("SET x = 1.5", "42601", "and one value"),
        ("SET x = -", "42601", "and one value"),
        ("SET client_encoding = LATIN1", "22023", "the console speaks UTF8 only"),
        ("SET NAMES 'LATIN1'", "22023", "the console speaks UTF8 only"),
        ("RESET idle_timeout", "42601", "unknown command"),
        ("DEALLOCATE", "42601", "expected DEALLOCATE and a name"),
        ("SELECT", "0A000", "the console is no database"),
        ("SELECT 1,", "0A000", "the console is no database"),
        ("SELECT 1 + 1", "0A000", "the console is no database"),
        ("SELECT * FROM pg_class", "0A000", "the console is no database"),
        ("SELECT pg_sleep(1)", "0A000", "the console is no database"),
        ("COPY x FROM STDIN", "42601", "unknown command"),
    ],
)
def test_everything_else_is_refused_in_words(sql: str, sqlstate: str, words: str) -> None:
    with pytest.raises(ConsoleError, match=words) as refused:
        planned(sql)
    assert refused.value.sqlstate == sqlstate


@pytest.mark.parametrize(("sql", "hint"), [("PUASE", "PAUSE"), ("SHOW POLS", "SHOW POOLS"), ("RELOD", "RELOAD")])
def test_a_slip_is_told_what_was_meant(sql: str, hint: str) -> None:
    with pytest.raises(ConsoleError) as refused:
        planned(sql)
    assert f"Did you mean {hint}?" in refused.value.hint


@given(
    st.lists(
        st.sampled_from(["SHOW", "SET", "SELECT", "PAUSE", "x", "'y'", '"z"', "=", ",", "(", ")", "1", "TO", "ALL"])
    )
)
def test_any_row_of_words_has_a_meaning_or_is_refused(words: list[str]) -> None:
    if not words:
        return
    with suppress(ConsoleError):
        columns_of(planned(" ".join(words)), Face.AGROAL)
