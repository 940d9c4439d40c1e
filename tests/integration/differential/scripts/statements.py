"""Statements that are prepared by the protocol, and their names."""

from __future__ import annotations

from tests.integration.by_hand import FLUSH, query
from tests.integration.differential.words import (
    BINARY,
    INT4,
    INT8,
    READY,
    TEXT,
    Hear,
    Scripts,
    asked,
    bind,
    close_statement,
    describe_statement,
    each,
    execute,
    parse,
    run,
)
from tests.unit.wire.messages import SYNC

COUNT = "SELECT count(*) FROM items"
ONE = "SELECT 'one', $1::text"
TWO = "SELECT 2, 'two', $1::int"
DELETE = "DELETE FROM items WHERE n = $1"
ALIKE = "n" * 63
"""PostgreSQL knows names by their first 63 bytes."""

STATEMENTS: Scripts = {
    "a statement in three batches": [
        parse("s", ONE) + describe_statement("s") + SYNC,
        READY,
        run("s", "a") + SYNC,
        READY,
        run("s", "b") + SYNC,
        READY,
    ],
    "two statements by turns": [
        parse("a", ONE) + SYNC,
        READY,
        parse("b", TWO) + SYNC,
        READY,
        run("a", "x") + SYNC,
        READY,
        run("b", "2") + SYNC,
        READY,
        run("a", "y") + run("b", "4") + run("a", "z") + SYNC,
        READY,
    ],
    "a statement in transactions": [
        parse("s", DELETE) + SYNC,
        READY,
        *each("BEGIN"),
        run("s", "1") + SYNC,
        READY,
        *each("COMMIT"),
        run("s", "2") + SYNC,
        READY,
        *asked("BEGIN"),
        run("s", "3") + SYNC,
        READY,
        *asked("ROLLBACK"),
        *each(COUNT),
    ],
    "a statement that is first used in a transaction": [
        *each("BEGIN"),
        parse("s", ONE) + SYNC,
        READY,
        run("s", "a") + SYNC,
        READY,
        *each("ROLLBACK"),
        run("s", "b") + SYNC,
        READY,
    ],
    "a statement is described in another batch": [
        parse("s", TWO) + SYNC,
        READY,
        describe_statement("s") + SYNC,
        READY,
        describe_statement("s") + FLUSH,
        Hear("T"),
        run("s", "1") + SYNC,
        READY,
    ],
    "a statement without a result is described": [parse("s", DELETE) + describe_statement("s") + SYNC, READY],
    "a statement between Queries": [
        parse("s", ONE) + SYNC,
        READY,
        *each("SELECT 1"),
        run("s", "a") + SYNC,
        READY,
        *each("SELECT 1 / 0"),
        run("s", "b") + SYNC,
        READY,
    ],
    "statements in flight": [
        parse("a", ONE) + SYNC + parse("b", TWO) + SYNC + run("a", "x") + SYNC + run("b", "1") + run("a", "y") + SYNC,
        Hear("Z", 4),
        run("b", "1") + SYNC + query("SELECT 1") + run("a", "y") + SYNC,
        Hear("Z", 3),
    ],
    "Q09 the same text with other types": [
        parse("a", "SELECT $1", INT4) + parse("b", "SELECT $1", TEXT) + parse("c", "SELECT $1", INT8) + SYNC,
        READY,
        run("a", "1") + run("b", "x") + run("c", "3000000000") + SYNC,
        READY,
        describe_statement("a") + describe_statement("b") + describe_statement("c") + SYNC,
        READY,
        run("a", "x") + SYNC,
        READY,
    ],
    "Q09 the same text in two statements": [
        parse("a", ONE) + parse("b", ONE) + SYNC,
        READY,
        close_statement("a") + SYNC,
        READY,
        run("b", "x") + SYNC,
        READY,
        run("a", "x") + SYNC,
        READY,
        parse("a", ONE) + run("a", "y") + SYNC,
        READY,
    ],
    "Q09 fewer types than parameters": [
        parse("s", "SELECT $1, $2::text", INT4) + describe_statement("s") + run("s", "1", "x") + SYNC,
        READY,
    ],
    "Q09 binary, then text": [
        parse("s", "SELECT $1", INT4) + SYNC,
        READY,
        bind("", "s", [b"\0\0\0\7"], BINARY, BINARY) + execute() + SYNC,
        READY,
        run("s", "7") + SYNC,
        READY,
    ],
    "Q13 Parse, Bind and Describe of many in a batch": [
        b"".join(parse(name, f"SELECT '{name}', $1::int") + describe_statement(name) for name in "abcdef") + SYNC,
        READY,
        b"".join(run(name, "1") for name in "fedcba") + SYNC,
        READY,
        parse("g", ONE)
        + run("a", "1")
        + parse("h", TWO)
        + run("g", "x")
        + describe_statement("b")
        + run("h", "2")
        + SYNC,
        READY,
    ],
    "Q14 a name is given twice": [
        parse("s", ONE) + SYNC,
        READY,
        parse("s", TWO) + SYNC,
        READY,
        run("s", "a") + SYNC,
        READY,
        parse("s", ONE) + parse("x", ONE) + SYNC,
        READY,
        run("x", "a") + SYNC,
        READY,
    ],
    "Q14 a name is given twice in a batch": [
        parse("s", ONE) + parse("s", TWO) + SYNC,
        READY,
        run("s", "a") + SYNC,
        READY,
    ],
    "Q14 a name is closed and given again": [
        parse("s", ONE) + SYNC,
        READY,
        close_statement("s") + parse("s", TWO) + run("s", "1") + SYNC,
        READY,
        run("s", "2") + close_statement("s") + SYNC,
        READY,
        run("s", "3") + SYNC,
        READY,
    ],
    "Q14 a statement is closed while its portal runs": [
        *each("BEGIN"),
        parse("s", "SELECT * FROM items ORDER BY n") + bind("p", "s") + execute("p", 1) + close_statement("s") + SYNC,
        READY,
        execute("p", 1) + SYNC,
        READY,
        *each("COMMIT"),
    ],
    "Q14 names that begin alike": [
        parse(ALIKE + "1", ONE) + SYNC,
        READY,
        run(ALIKE + "2", "a") + SYNC,
        READY,
        describe_statement(ALIKE) + SYNC,
        READY,
        close_statement(ALIKE + "3") + SYNC,
        READY,
        parse(ALIKE + "4", TWO) + run(ALIKE, "1") + SYNC,
        READY,
    ],
    "Q14 names of all kinds": [
        part
        for name in ("ä", " ", "a b", '"s"', "s;", "0", "_agroal_1")
        for part in (parse(name, ONE) + run(name, "x") + SYNC, READY)
    ],
}
