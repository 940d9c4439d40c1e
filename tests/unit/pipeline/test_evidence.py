from __future__ import annotations

import pytest

from agroal.pipeline.evidence import NOTHING, Trace, Traces, read

REPORTED = {"timezone", "application_name", "client_encoding", "search_path"}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SELECT 1",
        b"UPDATE t SET a = 1",
        b"SELECT 'set a = 1; reset all'",
        b"SELECT '; SET a = 1', '; RESET ALL', ';DISCARD ALL'",
        b"SELECT 'it''s; DEALLOCATE a'",
        rb"SELECT E'\'; DEALLOCATE a'",
        b"SELECT $$; DISCARD ALL$$",
        b"SELECT $a$ $$ ; DEALLOCATE ALL $a$",
        b'SELECT 1 AS "; RESET ALL"',
        b"SELECT 1 -- ; RESET ALL\n + 1",
        b"SELECT 1 /* ; DEALLOCATE a */",
        b"SELECT 'pg_advisory_unlock_all'",
        b"SELECT pg_advisory_xact_lock(1)",
        b"SELECT set_config('a', 'b', true)",
        b"CREATE TABLE temperature ()",
        b"DECLARE c CURSOR FOR SELECT 1",
        b"SELECT 1 /* never closed ; RESET ALL",
        b"SELECT ' ; RESET ALL",
    ],
)
def test_what_leaves_nothing_behind_shows_nothing(text: bytes) -> None:
    assert read(text) == NOTHING


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (b"SELECT pg_advisory_lock(1)", Trace.LOCK),
        (b"select PG_CATALOG.PG_TRY_ADVISORY_LOCK_SHARED (1, 2)", Trace.LOCK),
        (b"CREATE TEMP TABLE t ()", Trace.TEMPORARY),
        (b"create or  replace\ntemporary view v AS SELECT 1", Trace.TEMPORARY),
        (b"CREATE LOCAL TEMP TABLE t ()", Trace.TEMPORARY),
        (b"SELECT 1 INTO TEMP t", Trace.TEMPORARY),
        (b"DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE t ()'; END $$", Trace.TEMPORARY),
        (b"DECLARE c CURSOR WITH HOLD FOR SELECT 1", Trace.CURSOR),
        (b"SELECT set_config('work_mem', '1MB', false)", Trace.SETTING),
        (b"SELECT set_config('work_mem', $1, $2)", Trace.SETTING),
        (b"SELECT set_config('a', 'b', true), set_config('c', 'd', false)", Trace.SETTING),
    ],
)
def test_what_functions_and_tables_leave_behind(text: bytes, trace: Trace) -> None:
    assert read(text).traces == {trace}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (b"SET work_mem = '1MB'", ("work_mem",)),
        (b"set SESSION Work_Mem to 1", ("work_mem",)),
        (b"SET LOCAL work_mem = 1", ("",)),
        (b"SET TRANSACTION READ ONLY", ("",)),
        (b"SET CONSTRAINTS ALL DEFERRED", ("",)),
        (b"SET TIME ZONE 'UTC'", ("timezone",)),
        (b"SET NAMES 'UTF8'", ("client_encoding",)),
        (b"SET SCHEMA 'a'", ("search_path",)),
        (b"SET SESSION AUTHORIZATION ann", ("session",)),
        (b"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", ("session",)),
        (b'SET "TimeZone" = 1', ("timezone",)),
        (b"SET my.own = 1", ("my.own",)),
        (b"SET ROLE ann", ("role",)),
        (b"/* a */ SET-- b\n a = 1; SELECT ';'; SET b = 2", ("a", "b")),
    ],
)
def test_the_parameters_that_are_set(text: bytes, settings: tuple[str, ...]) -> None:
    assert read(text).settings == settings


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"DEALLOCATE a", [b"a"]),
        (b"deallocate PREPARE MiXed;", [b"mixed"]),
        (b'DEALLOCATE "Quo""ted"', [b'Quo"ted']),
        (b"DEALLOCATE/**/a", [b"a"]),
        (b"SELECT ';'; DEALLOCATE a; -- DEALLOCATE b\nDEALLOCATE c", [b"a", b"c"]),
        (b"DEALLOCATE ALL", []),
        (b"DEALLOCATE allowed", [b"allowed"]),
        (b'DEALLOCATE "all"', [b"all"]),
    ],
)
def test_the_statements_that_are_deallocated(text: bytes, names: list[bytes]) -> None:
    found = read(text).deallocates
    assert [one.name for one in found] == names
    assert [text[one.start : one.end].strip(b'"').replace(b'""', b'"').lower() for one in found] == [
        name.lower() for name in names
    ]


@pytest.mark.parametrize(
    ("text", "forgets"),
    [
        (b"DEALLOCATE ALL", True),
        (b"deallocate prepare all;", True),
        (b"SELECT 1; DISCARD/**/ALL", True),
        (b"DISCARD PLANS", False),
        (b"DISCARD TEMP", False),
    ],
)
def test_what_makes_a_server_forget_all(text: bytes, forgets: bool) -> None:
    assert read(text).forgets == forgets


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        (b"SELECT pg_advisory_unlock_all()", Trace.LOCK),
        (b"RESET ALL", Trace.SETTING),
        (b"SELECT 1; unlisten *", Trace.LISTEN),
    ],
)
def test_what_gives_all_back(text: bytes, ended: Trace) -> None:
    assert read(text).ends == {ended}


@pytest.mark.parametrize("piece", [b"/*", b"$a$$b$", b"'", b"; ", b"set_config(", b";deallocate/*", b'"', b"$a"])
def test_no_text_is_read_again_and_again(piece: bytes) -> None:
    """Square in its length, this would take minutes."""
    read(piece * (65_536 // len(piece)))


def weighed(traces: Traces, *commands: tuple[bytes, bytes], failed: bool = False) -> set[Trace]:
    """What is left after a transaction of these: text and tag."""
    seen = [evidence for text, _ in commands if (evidence := read(text)) != NOTHING]
    traces.weigh([tag for _, tag in commands if tag], seen, REPORTED, failed=failed)
    return traces.left


@pytest.mark.parametrize(
    ("text", "tag", "left"),
    [
        (b"SET work_mem = 1", b"SET", {Trace.SETTING}),
        (b"SET TimeZone = 'UTC'", b"SET", set()),
        (b"SET TIME ZONE 'UTC'", b"SET", set()),
        (b"SET LOCAL work_mem = 1", b"SET", set()),
        (b"SET TRANSACTION READ ONLY", b"SET", set()),
        (b"", b"SET", {Trace.SETTING}),
        (b"SET work_mem = 1", b"", set()),
        (b"LISTEN a", b"LISTEN", {Trace.LISTEN}),
        (b"PREPARE a AS SELECT 1", b"PREPARE", {Trace.PREPARED}),
        (b"CREATE TEMP TABLE t ()", b"", {Trace.TEMPORARY}),
    ],
)
def test_what_is_left_after_a_transaction(text: bytes, tag: bytes, left: set[Trace]) -> None:
    assert weighed(Traces(), (text, tag)) == left


@pytest.mark.parametrize(
    ("make", "end"),
    [
        ((b"PREPARE a AS SELECT 1", b"PREPARE"), (b"DEALLOCATE a", b"DEALLOCATE")),
        ((b"PREPARE a AS SELECT 1", b"PREPARE"), (b"DEALLOCATE ALL", b"DEALLOCATE ALL")),
        ((b"CREATE TEMP TABLE t ()", b""), (b"DISCARD TEMP", b"DISCARD TEMP")),
        ((b"LISTEN a", b"LISTEN"), (b"UNLISTEN *", b"UNLISTEN")),
        ((b"SET work_mem = 1", b"SET"), (b"RESET ALL", b"RESET")),
        ((b"SELECT pg_advisory_lock(1)", b""), (b"SELECT pg_advisory_unlock_all()", b"")),
        ((b"LISTEN a; CREATE TEMP TABLE t ()", b"LISTEN"), (b"DISCARD ALL", b"DISCARD ALL")),
    ],
)
def test_what_is_given_back_is_not_left(make: tuple[bytes, bytes], end: tuple[bytes, bytes]) -> None:
    traces = Traces()
    assert weighed(traces, make)
    assert weighed(traces, end) == set()


def test_of_two_statements_that_sql_has_prepared_the_other_is_left() -> None:
    traces = Traces()
    weighed(traces, (b"PREPARE a AS SELECT 1", b"PREPARE"), (b"PREPARE b AS SELECT 1", b"PREPARE"))
    assert weighed(traces, (b"DEALLOCATE a", b"DEALLOCATE")) == {Trace.PREPARED}
    assert weighed(traces, (b"DEALLOCATE b", b"DEALLOCATE")) == set()


@pytest.mark.parametrize("failed", [True, False])
def test_where_something_failed_nothing_counts_as_given_back(failed: bool) -> None:
    traces = Traces()
    weighed(traces, (b"SELECT pg_advisory_lock(1)", b""))
    rolled_back = b"" if failed else b"ROLLBACK"
    assert weighed(traces, (b"SELECT pg_advisory_unlock_all()", rolled_back), failed=failed) == {Trace.LOCK}


def test_what_is_made_and_given_back_in_one_turn_may_have_come_in_any_order() -> None:
    commands = (b"SELECT pg_advisory_unlock_all()", b""), (b"SELECT pg_advisory_lock(1)", b"")
    assert weighed(Traces(), *commands) == {Trace.LOCK}
