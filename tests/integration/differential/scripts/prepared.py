"""Statements that SQL prepares or forgets, and where SQL and the protocol meet."""

from __future__ import annotations

from tests.integration.differential.words import READY, Script, Scripts, ask, asked, close_statement, each, parse, run
from tests.unit.wire.messages import SYNC

ONE = "SELECT 'one', $1::text"
TWO = "SELECT 2, 'two', $1::int"
BOTH: Script = [parse("a", ONE) + parse("b", TWO) + SYNC, READY]
USE_BOTH: Script = [run("a", "x") + SYNC, READY, run("b", "1") + SYNC, READY]

ALL_GONE = [
    "DEALLOCATE ALL",
    "deallocate all;",
    "DEALLOCATE PREPARE ALL",
    "/* all /* of */ them */ DeAllocate -- really\n all",
]
A_GONE = [
    "DEALLOCATE a",
    "DEALLOCATE PREPARE a;",
    "deallocate A",
    'DEALLOCATE "a"',
    "-- a comment\n DEALLOCATE/**/a",
]
ALL_STAY = [
    "SELECT 'DEALLOCATE ALL'",
    "-- DEALLOCATE ALL",
    'DEALLOCATE "A"',
    "DEALLOCATE nobody",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
    "DISCARD TEMP",
    "DEALLOCATE",
    "DISCARD ALLES",
]

PREPARED: Scripts = {
    **{
        f"Q15 {sql!r} by {how}": [*BOTH, *say, *USE_BOTH, parse("a", TWO) + run("a", "3") + SYNC, READY]
        for sql in (*ALL_GONE, *A_GONE, *ALL_STAY)
        for how, say in (("Query", each(sql)), ("Execute", asked(sql)))
    },
    "Q15 DEALLOCATE behind others in a Query": [*BOTH, *each("SELECT 1; DEALLOCATE a; SELECT 2"), *USE_BOTH],
    "Q15 DEALLOCATE behind an error in a Query": [*BOTH, *each("SELECT 1 / 0; DEALLOCATE a"), *USE_BOTH],
    "Q15 DEALLOCATE before an error in a Query": [*BOTH, *each("DEALLOCATE a; SELECT 1 / 0"), *USE_BOTH],
    "Q15 DEALLOCATE behind an error in a batch": [
        *BOTH,
        ask("SELECT 1 / 0") + ask("DEALLOCATE a") + SYNC,
        READY,
        *USE_BOTH,
    ],
    "Q15 DEALLOCATE in a batch": [
        *BOTH,
        ask("DEALLOCATE a") + parse("a", TWO) + run("a", "1") + SYNC,
        READY,
        *USE_BOTH,
    ],
    "Q15 DEALLOCATE in a transaction that is rolled back": [*BOTH, *each("BEGIN; DEALLOCATE ALL; ROLLBACK"), *USE_BOTH],
    "Q15 DEALLOCATE in a failed transaction": [
        *BOTH,
        *each("BEGIN; SELECT 1 / 0", "DEALLOCATE ALL", "ROLLBACK"),
        *USE_BOTH,
    ],
    "Q15 DEALLOCATE is parsed and never run": [*BOTH, parse("", "DEALLOCATE ALL") + SYNC, READY, *USE_BOTH],
    "Q15 DEALLOCATE as a prepared statement": [
        *BOTH,
        parse("d", "DEALLOCATE a") + SYNC,
        READY,
        run("d") + SYNC,
        READY,
        *USE_BOTH,
        parse("a", TWO) + run("d") + SYNC,
        READY,
        *USE_BOTH,
    ],
    "PREPARE and EXECUTE": each(
        "PREPARE mine (int) AS SELECT $1 + 1",
        "EXECUTE mine (1)",
        "SELECT 1",
        "EXECUTE mine (2)",
        "PREPARE mine AS SELECT 1",
        "EXECUTE yours",
        "DEALLOCATE mine",
        "EXECUTE mine (3)",
    ),
    "PREPARE and EXECUTE in batches": [
        step
        for sql in (
            "PREPARE mine (int) AS SELECT $1 + 1",
            "EXECUTE mine (1)",
            "SELECT 1",
            "EXECUTE mine (2)",
            "DEALLOCATE mine",
            "EXECUTE mine (3)",
        )
        for step in asked(sql)
    ],
    "PREPARE in a transaction": each(
        "BEGIN", "PREPARE mine AS SELECT 1", "ROLLBACK", "EXECUTE mine", "DEALLOCATE ALL", "EXECUTE mine"
    ),
    "PREPARE that fails": each("PREPARE mine AS SELEC", "EXECUTE mine", "SELECT 1"),
    "PREPARE behind others": each(
        "SELECT 1; PREPARE mine AS SELECT 2", "SELECT 3", "EXECUTE mine", "DEALLOCATE PREPARE mine"
    ),
    "PREPARE as a comment would hide it": each(
        "/* */ PREPARE mine AS SELECT 2", "-- x\nEXECUTE mine", "dealLOCATE mine"
    ),
    "PREPARE, then Bind": [
        *each("PREPARE mine AS SELECT 2"),
        run("mine") + SYNC,
        READY,
        close_statement("mine") + SYNC,
        READY,
        *each("EXECUTE mine"),
    ],
    "PREPARE, then Parse of the same name": [
        *each("PREPARE mine AS SELECT 2"),
        parse("mine", ONE) + SYNC,
        READY,
        run("mine") + SYNC,
        READY,
    ],
}

ONE_NAMESPACE: Scripts = {
    "Parse, then PREPARE of the same name": [
        parse("a", ONE) + SYNC,
        READY,
        *each("PREPARE a AS SELECT 2"),
        run("a", "x") + SYNC,
        READY,
    ],
    "Parse, then EXECUTE": [parse("a", ONE) + SYNC, READY, *each("EXECUTE a ('x')"), run("a", "x") + SYNC, READY],
}
