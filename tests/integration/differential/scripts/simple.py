"""The simple protocol: queries, transactions, function calls."""

from __future__ import annotations

import struct

from tests.integration.by_hand import function_call, query
from tests.integration.differential.words import READY, Hear, Scripts, ask, each
from tests.unit.wire.messages import SYNC

ADD, CHARACTER = 177, 1621
"""The functions int4pl(int4, int4) and chr(int4)."""
COUNT = "SELECT count(*) FROM items"


def number(value: int) -> bytes:
    return struct.pack("!i", value)


SIMPLE: Scripts = {
    "Q01 empty queries": each("", ";", " ;; ", "-- a comment", "/* one */ -- and another"),
    "Q01 several statements": each("SELECT 1; SELECT 'two', 2; SELECT 3 WHERE false; SELECT * FROM items ORDER BY n"),
    "Q01 an error between statements": each("INSERT INTO items VALUES (6, ''); SELECT 1 / 0; SELECT 2", COUNT),
    "Q01 a syntax error in the last statement": each("INSERT INTO items VALUES (6, ''); SELEC 2", COUNT),
    "Q01 a statement and a BEGIN": each("SELECT 1; BEGIN", "SELECT 2", "COMMIT; SELECT 3", "SELECT 4"),
    "Q01 transactions begin and end in a query": each(
        "BEGIN; COMMIT; BEGIN; SELECT 1; ROLLBACK; BEGIN",
        "SELECT 2",
        "ROLLBACK; BEGIN; SELECT 1 / 0; COMMIT",
        "ROLLBACK",
    ),
    "Q01 a COMMIT in an implicit transaction block": each(
        "INSERT INTO items VALUES (6, ''); COMMIT; INSERT INTO items VALUES (7, ''); SELECT 1 / 0", COUNT
    ),
    "Q01 a ROLLBACK in an implicit transaction block": each("DELETE FROM items; ROLLBACK; SELECT 1", COUNT),
    "Q01 what can't run in a transaction block": each("VACUUM items; SELECT 1", "BEGIN", "VACUUM items", "ROLLBACK"),
    "Q01 what needs a transaction block": each(
        "SAVEPOINT s", "DECLARE c CURSOR FOR SELECT 1", "LOCK items", "SELECT 1"
    ),
    "Q02 a transaction": each("BEGIN", "DELETE FROM items WHERE n < 3", COUNT, "COMMIT", COUNT),
    "Q02 a failed transaction is committed": each(
        "BEGIN", "DELETE FROM items", "SELECT 1 / 0", "SELECT 1", "", ";", "COMMIT", COUNT
    ),
    "Q02 a failed transaction is rolled back": each("BEGIN; DELETE FROM items", "SELEC", "", "ROLLBACK", COUNT),
    "Q02 savepoints": each(
        "BEGIN",
        "SAVEPOINT a",
        "DELETE FROM items",
        "SELECT 1 / 0",
        "SELECT 1",
        "ROLLBACK TO a",
        COUNT,
        "RELEASE a",
        "ROLLBACK TO a",
        "ROLLBACK TO b",
        "COMMIT",
        COUNT,
    ),
    "Q02 chained transactions": each(
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "COMMIT AND CHAIN",
        "SHOW transaction_isolation",
        "ROLLBACK AND CHAIN",
        "SELECT 1 / 0",
        "ROLLBACK AND CHAIN",
        "SHOW transaction_isolation",
        "END",
        "SHOW transaction_isolation",
    ),
    "Q02 warnings about transactions": each(
        "COMMIT", "BEGIN", "BEGIN", "ABORT", "ROLLBACK", "COMMIT AND CHAIN", "SELECT 1"
    ),
    "Q02 two-phase commit": each("BEGIN", "PREPARE TRANSACTION 'x'", "SELECT 1", "ROLLBACK PREPARED 'x'"),
    "Q02 a read-only transaction": each(
        "BEGIN READ ONLY", "DELETE FROM items", "ROLLBACK", "SHOW transaction_read_only"
    ),
    "Q02 a block that commits": each("DO $$ BEGIN DELETE FROM items; COMMIT; PERFORM 1 / 0; END $$", COUNT),
    "Q02 keywords where they mean nothing": each(
        "SELECT 'BEGIN'", "SELECT 1 -- BEGIN", "/* BEGIN; */ SELECT 2", '"BEGIN"'
    ),
    "Q02 the first thing is an error": each("SELECT 1 / 0"),
    "rows of nothing": each("SELECT", "SELECT FROM items", "SELECT NULL, ''", "SELECT * FROM items WHERE false"),
    "rows come back from changes": each(
        "INSERT INTO items VALUES (6, 'six') RETURNING n, t",
        "UPDATE items SET t = NULL WHERE n = 6 RETURNING t",
        "DELETE FROM items WHERE n = 6 RETURNING n",
        "INSERT INTO items VALUES (1, ''), (1, '')",
    ),
    "utilities": each(
        "CREATE TABLE made (n int)",
        "SELECT * FROM nowhere",
        "COMMENT ON TABLE made IS 'x'",
        "DROP TABLE made",
        "EXPLAIN (COSTS OFF) TABLE items",
        "SHOW server_encoding",
        "TRUNCATE items",
        "ANALYZE items",
    ),
    "several queries in flight": [query("SELECT 1"), query(""), query("SELECT 2; SELECT 3"), Hear("Z", 3)],
    "a transaction in flight": [
        query("BEGIN"),
        query("DELETE FROM items"),
        query(COUNT),
        query("ROLLBACK"),
        query(COUNT),
        Hear("Z", 5),
    ],
    "errors in flight": [
        query("SELECT 1 / 0"),
        query("BEGIN"),
        query("SELEC"),
        query(COUNT),
        query("COMMIT"),
        query(COUNT),
        Hear("Z", 6),
    ],
    "an error ends a transaction in flight": [
        query("BEGIN"),
        query("DELETE FROM items"),
        query("SELECT 1 / 0"),
        query("ROLLBACK"),
        READY,
        query(COUNT),
        Hear("Z", 4),
    ],
    "Q08 function calls": [
        function_call(ADD, number(40), number(2)),
        READY,
        function_call(CHARACTER, number(8364)),
        READY,
        function_call(ADD, number(1)),
        READY,
        function_call(ADD, b"1", b"2"),
        READY,
        function_call(0),
        READY,
        *each("SELECT 1"),
    ],
    "Q08 function calls in a transaction": [
        *each("BEGIN"),
        function_call(ADD, number(1), number(2)),
        READY,
        function_call(99_999),
        READY,
        function_call(ADD, number(1), number(2)),
        READY,
        *each("ROLLBACK"),
    ],
    "Q08 function calls in flight": [
        function_call(ADD, number(1), number(2)),
        query("SELECT 3"),
        function_call(ADD, number(1), number(3)),
        SYNC,
        Hear("Z", 4),
    ],
    "Q08 a function call within a batch": [
        ask("DELETE FROM items"),
        function_call(ADD, number(1), number(2)),
        SYNC,
        Hear("Z", 2),
    ],
    "Q08 a function call behind an error in a batch": [
        ask("SELECT 1 / 0"),
        function_call(ADD, number(1), number(2)),
        SYNC,
        READY,
        *each("SELECT 1"),
    ],
}
