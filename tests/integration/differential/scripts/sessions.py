"""What lives longer than a transaction, and what is said without being asked: settings, notices, notifications."""

from __future__ import annotations

from tests.integration.by_hand import FLUSH, query
from tests.integration.differential.words import (
    READY,
    Hear,
    Scripts,
    ask,
    asked,
    bind,
    close_portal,
    each,
    execute,
    parse,
    run,
)
from tests.unit.wire.messages import SYNC

RAISE = "DO $$ BEGIN FOR n IN 1..3 LOOP RAISE NOTICE 'step %', n; END LOOP; END $$"
ZONE = "SHOW TimeZone"
HOLDING = "DECLARE c CURSOR WITH HOLD FOR SELECT n FROM items ORDER BY n"
LOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"

SESSIONS: Scripts = {
    "A01 notices": [
        *each(RAISE),
        *asked(RAISE),
        *each("DROP TABLE IF EXISTS nowhere"),
        query(RAISE) + query(RAISE),
        Hear("Z", 2),
    ],
    "A01 notices before an error": each(
        "DO $$ BEGIN RAISE NOTICE 'n'; RAISE 'e' USING DETAIL = 'd', HINT = 'h'; END $$"
    ),
    "A01 notices among rows": each(
        "SELECT set_config('client_min_messages', 'debug1', true); SELECT 1 INTO TEMP mine; DROP TABLE mine"
    ),
    "A01 a reported setting": each("SET TimeZone = 'Asia/Tokyo'", ZONE, "SELECT 1", ZONE, "RESET TimeZone", ZONE),
    "A01 reported settings": each(
        "SET DateStyle = German; SET IntervalStyle = iso_8601; SET application_name = 'a script'",
        "SHOW DateStyle",
        "SHOW IntervalStyle",
        "SELECT interval '1 day', date '2000-01-02'",
        "SHOW application_name",
        "SET DateStyle = iso",
        "SHOW DateStyle",
    ),
    "A01 a reported setting by batches": [
        *asked("SET TimeZone = 'Asia/Tokyo'"),
        *asked(ZONE),
        ask("SET TimeZone = 'UTC'") + ask(ZONE) + FLUSH,
        Hear("C", 2),
        SYNC,
        READY,
        *asked(ZONE),
    ],
    "A01 a reported setting by a function": [
        *each("SELECT set_config('TimeZone', 'Asia/Tokyo', false)"),
        *asked(ZONE),
        *each(ZONE),
    ],
    "A01 a reported setting in a transaction": each(
        "BEGIN",
        "SET TimeZone = 'Asia/Tokyo'",
        ZONE,
        "ROLLBACK",
        ZONE,
        "BEGIN; SET TimeZone = 'Asia/Seoul'; COMMIT",
        ZONE,
    ),
    "A01 a reported setting of a transaction": each("BEGIN", "SET LOCAL TimeZone = 'Asia/Tokyo'", ZONE, "COMMIT", ZONE),
    "A01 a reported setting in a transaction that fails": each(
        "BEGIN; SET TimeZone = 'Asia/Tokyo'; SELECT 1 / 0", ZONE, "COMMIT", ZONE
    ),
    "A01 a reported setting and a savepoint": each(
        "BEGIN; SAVEPOINT s; SET TimeZone = 'Asia/Tokyo'", ZONE, "ROLLBACK TO s", ZONE, "COMMIT", ZONE
    ),
    "A01 a value that PostgreSQL writes in its own way": each(
        "SET DateStyle = 'iso'", "SET TimeZone = 'utc'", "SET client_encoding = 'utf8'", "SELECT 1"
    ),
    "A01 another client encoding": each(
        "SET client_encoding = LATIN1", "SELECT 'x'", "SELECT chr(228)", "SELECT chr(8364)", "RESET client_encoding"
    ),
    "A01 a setting that can't be": each("SET TimeZone = 'Nowhere'", "SET no_such = 1", "SET port = 1", ZONE),
    "A01 strings with backslashes": each(
        "SET standard_conforming_strings = off", r"SELECT '\x41'", "SELECT 1", "RESET standard_conforming_strings"
    ),
    "a setting that is not reported": each(
        "SET work_mem = '7MB'", "SHOW work_mem", "SELECT 1", "SHOW work_mem", "RESET work_mem", "SHOW work_mem"
    ),
    "a setting that is not reported, by batches": [
        *asked("SET work_mem = '7MB'"),
        *asked("SHOW work_mem"),
        *asked("RESET work_mem"),
        *asked("SHOW work_mem"),
    ],
    "a setting that is not reported, by a function": [
        *each(
            "SELECT set_config('work_mem', '7MB', false)",
            "SHOW work_mem",
            "SELECT pg_catalog.set_config('my.own', 'x', false)",
        ),
        *asked("SELECT current_setting('my.own')"),
        *each("RESET my.own", "SHOW my.own", "RESET work_mem"),
    ],
    "a setting that is not reported, behind others": each(
        "SELECT 1; SET work_mem = '7MB'", "SHOW work_mem", "/**/ reset WORK_MEM", "SHOW work_mem"
    ),
    "a setting that is not reported, in a transaction": each(
        "BEGIN; SET work_mem = '7MB'; COMMIT",
        "SHOW work_mem",
        "BEGIN; SET work_mem = '8MB'; ROLLBACK",
        "SHOW work_mem",
        "RESET work_mem",
    ),
    "SET LOCAL": each(
        "BEGIN",
        "SET LOCAL work_mem = '7MB'",
        "SHOW work_mem",
        "COMMIT",
        "SHOW work_mem",
        "SET LOCAL work_mem = '7MB'",
        "SHOW work_mem",
    ),
    "session characteristics": each(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "DELETE FROM items",
        "SHOW transaction_read_only",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "DELETE FROM items WHERE n = 1",
    ),
    "a search path": each(
        "SET search_path = pg_catalog", "TABLE items", "RESET search_path", "SELECT count(*) FROM items"
    ),
    "a role": each(
        "SET ROLE nobody_at_all",
        "SET ROLE NONE",
        "SELECT current_user = session_user",
        "SET SESSION AUTHORIZATION DEFAULT",
        "RESET ROLE",
    ),
    "a statement timeout": each(
        "SET statement_timeout = 20", "SELECT pg_sleep(10)", "SELECT 1", "RESET statement_timeout"
    ),
    "an own transaction's timeout": each(
        "BEGIN; SET LOCAL statement_timeout = 20", "SELECT pg_sleep(10)", "ROLLBACK", "SELECT 1"
    ),
    "A01 a notification to oneself": each(
        "LISTEN news",
        "SELECT 1",
        "NOTIFY news, 'one'",
        "SELECT 1",
        "BEGIN; NOTIFY news, 'two'",
        "COMMIT",
        "SELECT pg_notify('news', 'three')",
        "UNLISTEN news",
        "NOTIFY news, 'four'",
        "SELECT 1",
    ),
    "A01 notifications in flight": [
        *asked("LISTEN news"),
        ask("NOTIFY news, 'one'") + SYNC + ask("NOTIFY news, 'two'") + SYNC,
        Hear("Z", 2),
        *asked("UNLISTEN *"),
        *asked("NOTIFY news"),
        *each("SELECT 1"),
    ],
    "A01 LISTEN is rolled back": each("BEGIN", "LISTEN news", "ROLLBACK", "NOTIFY news, 'one'", "SELECT 1"),
    "A01 LISTEN behind others, and in capitals": each(
        "SELECT 1; /* x */ listen NEWS", "SELECT 1", "NOTIFY news, 'one'", "unlisten *", "SELECT 1"
    ),
    "a temporary table": each(
        "CREATE TEMP TABLE mine (n int)",
        "INSERT INTO mine VALUES (1)",
        "SELECT 2",
        "SELECT n + 0 FROM mine",
        "DROP TABLE mine",
        "SELECT count(*) FROM mine",
    ),
    "temporary tables by other words": each(
        "CREATE TEMPORARY TABLE a AS SELECT 1 AS n",
        "SELECT 1 AS n INTO TEMP b",
        "SELECT 0",
        "SELECT a.n + b.n FROM a, b",
        "DROP TABLE a, b",
    ),
    "a temporary table by batches": [
        *asked("CREATE TEMP TABLE mine AS SELECT $1::int AS n", "4"),
        *asked("SELECT 1"),
        *asked("SELECT n + 0 FROM mine"),
        *asked("DROP TABLE mine"),
    ],
    "a temporary table of a transaction": each(
        "BEGIN",
        "CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT 1 AS n",
        "SELECT n + 0 FROM mine",
        "COMMIT",
        "SELECT count(*) FROM mine",
    ),
    "a temporary table that a rollback takes away": each(
        "BEGIN", "CREATE TEMP TABLE mine (n int)", "ROLLBACK", "SELECT count(*) FROM mine"
    ),
    "a temporary sequence and view": each(
        "CREATE TEMP SEQUENCE q",
        "SELECT nextval('q')",
        "SELECT currval('q')",
        "CREATE TEMP VIEW v AS SELECT 1 AS n",
        "SELECT n + 0 FROM v",
        "DROP VIEW v",
        "DROP SEQUENCE q",
    ),
    "an advisory lock": each(
        "SELECT pg_advisory_lock(1)", "SELECT 1", LOCKED, "SELECT pg_advisory_unlock(1)", "SELECT pg_advisory_unlock(1)"
    ),
    "advisory locks by other words": [
        *each(
            "SELECT pg_try_advisory_lock(1, 2), pg_try_advisory_lock_shared(3)",
            "SELECT 1",
            LOCKED,
            "SELECT pg_advisory_unlock_all()",
            LOCKED,
        ),
        *asked("SELECT pg_try_advisory_lock($1)", "7"),
        *asked("SELECT 1"),
        *asked("SELECT pg_advisory_unlock($1)", "7"),
    ],
    "an advisory lock of a transaction": each("BEGIN; SELECT pg_advisory_xact_lock(1)", LOCKED, "COMMIT", LOCKED),
    "an advisory lock by a prepared statement": [
        parse("s", "SELECT pg_advisory_lock($1)") + SYNC,
        READY,
        run("s", "5") + SYNC,
        READY,
        *each("SELECT 1"),
        *each("SELECT pg_advisory_unlock(5)"),
    ],
    "a cursor WITH HOLD": each(
        "BEGIN",
        HOLDING,
        "FETCH 2 FROM c",
        "COMMIT",
        "FETCH 1 FROM c",
        "SELECT 1",
        "MOVE 1 FROM c",
        "FETCH ALL FROM c",
        "CLOSE c",
        "FETCH 1 FROM c",
    ),
    "a cursor WITH HOLD outside a transaction": each(
        HOLDING, "SELECT 1", "FETCH 2 FROM c", "CLOSE ALL", "FETCH 1 FROM c"
    ),
    "a cursor WITH HOLD by batches": [
        *asked(HOLDING),
        *asked("SELECT 1"),
        *asked("FETCH 2 FROM c"),
        execute("c", 1) + SYNC,
        READY,
        close_portal("c") + SYNC,
        READY,
        *asked("FETCH 1 FROM c"),
    ],
    "a cursor WITH HOLD that is rolled back": each("BEGIN", HOLDING, "ROLLBACK", "FETCH 1 FROM c"),
    "a cursor": [
        *each(
            "BEGIN",
            "DECLARE c SCROLL CURSOR FOR SELECT n FROM items ORDER BY n",
            "FETCH 2 FROM c",
            "FETCH BACKWARD 1 FROM c",
        ),
        execute("c", 2) + SYNC,
        READY,
        bind("c", "") + SYNC,
        READY,
        *each("ROLLBACK", "FETCH 1 FROM c"),
    ],
    "LOAD": each("LOAD 'nothing'", "SELECT 1"),
    "A05 a query that is cancelled by a timeout, in flight": [
        *each("SET statement_timeout = 20"),
        ask("SELECT pg_sleep(10)") + ask("SELECT 1") + SYNC + query("RESET statement_timeout"),
        Hear("Z", 2),
        *each("SELECT 1"),
    ],
    "A03 a session that ends itself": [
        query("SELECT 1; SELECT pg_terminate_backend(pg_backend_pid()); SELECT 2"),
        Hear(),
    ],
    "A03 a session that ends itself in a batch": [
        ask("SELECT 1") + ask("SELECT pg_terminate_backend(pg_backend_pid())") + ask("SELECT 2") + SYNC,
        Hear(),
    ],
    "A03 a session that ends itself in a transaction": [
        *each("BEGIN", "DELETE FROM items"),
        query("SELECT pg_terminate_backend(pg_backend_pid())"),
        Hear(),
    ],
}
