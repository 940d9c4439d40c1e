"""The extended protocol: batches, and errors in them."""

from __future__ import annotations

import struct

from tests.integration.by_hand import FLUSH, query
from tests.integration.differential.words import (
    BINARY,
    INT4,
    READY,
    TEXT,
    Hear,
    Scripts,
    ask,
    asked,
    bind,
    close_portal,
    describe_portal,
    describe_statement,
    each,
    execute,
    parse,
)
from tests.unit.wire.messages import SYNC

COUNT = "SELECT count(*) FROM items"
FROM = "SELECT n, t FROM items WHERE n > $1 ORDER BY n"
DELETE = "DELETE FROM items WHERE n = $1"

BATCHES: Scripts = {
    "Q01 empty queries in batches": [*asked(""), *asked(";"), *asked("-- nothing"), *asked("SELECT 1")],
    "Q01 two statements in one Parse": asked("SELECT 1; SELECT 2"),
    "a row with parameters": asked("SELECT $1::text, $2::int + 1, $3::text", "one", "2", None),
    "binary parameters and results": [
        parse("", "SELECT $1 + 1, $2", INT4, TEXT),
        bind("", "", [struct.pack("!i", 41), "x"], (1, 0), BINARY),
        describe_portal() + execute() + SYNC,
        READY,
    ],
    "changes": [*asked(DELETE, "1"), *asked("INSERT INTO items VALUES ($1, $2) RETURNING t", "9", "x"), *asked(COUNT)],
    "a transaction of batches": [
        *asked("BEGIN"),
        *asked(DELETE, "1"),
        *asked(COUNT),
        *asked("ROLLBACK"),
        *asked(COUNT),
    ],
    "a batch of several statements": [ask(DELETE, "1") + ask(DELETE, "2") + ask(COUNT) + SYNC, READY, *each(COUNT)],
    "a batch with a transaction in it": [
        ask("BEGIN") + ask(DELETE, "1") + ask("ROLLBACK") + ask(DELETE, "2") + SYNC,
        READY,
        *each(COUNT),
    ],
    "a batch that begins a transaction": [
        ask("BEGIN") + ask(DELETE, "1") + SYNC,
        READY,
        *each(COUNT, "ROLLBACK", COUNT),
    ],
    "a batch that fails at its commit": [
        *each("CREATE TABLE made (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"),
        ask("INSERT INTO made VALUES (1), (1)") + SYNC,
        READY,
        *asked("SELECT n + 0 FROM made"),
        *each("DROP TABLE made"),
    ],
    "Sync alone": [
        SYNC,
        READY,
        SYNC + SYNC,
        Hear("Z", 2),
        *each("BEGIN"),
        SYNC,
        READY,
        *each("SELECT 1 / 0"),
        SYNC,
        READY,
    ],
    "Flush alone": [FLUSH, *each("SELECT 1"), FLUSH + FLUSH, SYNC, READY],
    "Q03 Flush between all messages": [
        parse("", FROM),
        FLUSH,
        Hear("1"),
        describe_statement(),
        FLUSH,
        Hear("T"),
        bind("", "", ["3"]),
        FLUSH,
        Hear("2"),
        describe_portal(),
        FLUSH,
        Hear("T"),
        execute(),
        FLUSH,
        Hear("C"),
        close_portal(),
        FLUSH,
        Hear("3"),
        SYNC,
        READY,
    ],
    "Q03 two batches behind one Flush each": [
        ask(DELETE, "1") + FLUSH,
        Hear("C"),
        ask(COUNT) + FLUSH,
        Hear("C"),
        SYNC,
        READY,
        *asked(COUNT),
    ],
    "Q04 several Syncs in flight": [
        ask("SELECT 1") + SYNC + ask("SELECT 2") + SYNC + SYNC + ask("SELECT 3") + SYNC,
        Hear("Z", 4),
    ],
    "Q04 a transaction with several Syncs in flight": [
        ask("BEGIN") + SYNC + ask(DELETE, "1") + SYNC + ask(COUNT) + SYNC + ask("COMMIT") + SYNC + ask(COUNT) + SYNC,
        Hear("Z", 5),
    ],
    "Q04 half of what is in flight is heard before more is said": [
        ask("SELECT 1") + SYNC + ask("SELECT 2") + SYNC,
        READY,
        ask("SELECT 3") + SYNC,
        READY,
        READY,
        *asked("SELECT 4"),
    ],
    "Q04 errors with several Syncs in flight": [
        ask("SELECT 1 / 0")
        + ask("SELECT 1")
        + SYNC
        + ask("SELECT 2")
        + SYNC
        + ask("SELEC")
        + SYNC
        + ask("SELECT 3")
        + SYNC,
        Hear("Z", 4),
    ],
    "Q04 a Query within a batch": [ask(DELETE, "1") + query(COUNT) + ask(COUNT) + SYNC, Hear("Z", 2)],
    "Q04 a Query and no Sync ends a batch": [ask(DELETE, "1") + query("SELECT 1"), READY, *each(COUNT)],
    "Q04 a Query behind an error in a batch": [
        ask("SELECT 1 / 0") + query("DELETE FROM items") + ask(COUNT) + SYNC,
        READY,
        *each(COUNT),
    ],
    "Q04 a Query behind an error that has been heard": [
        ask("SELECT 1 / 0") + FLUSH,
        Hear("E"),
        query("DELETE FROM items"),
        query(COUNT),
        SYNC,
        READY,
        *each(COUNT),
    ],
    "Q04 a Query that fails within a batch": [
        ask(DELETE, "1") + query("SELECT 1 / 0") + ask(COUNT) + SYNC,
        Hear("Z", 2),
    ],
    "Q04 a Query with a savepoint within a batch": [
        *each("BEGIN"),
        query("SAVEPOINT s") + ask("SELECT 1 / 0") + SYNC,
        Hear("Z", 2),
        query("ROLLBACK TO s") + ask(DELETE, "1") + SYNC + query("RELEASE s") + query(COUNT),
        Hear("Z", 4),
        *each("ROLLBACK"),
    ],
    "Q05 an error in the middle of a batch": [
        ask(DELETE, "1") + ask("SELECT 1 / 0") + ask(DELETE, "2") + SYNC,
        READY,
        *each(COUNT),
    ],
    "Q05 an error before the rest of its batch is sent": [
        ask(DELETE, "1") + ask("SELECT 1 / 0") + FLUSH,
        Hear("E"),
        ask(DELETE, "2") + FLUSH,
        ask("SELEC"),
        SYNC,
        READY,
        *asked(COUNT),
    ],
    "Q05 two errors in a batch": [
        ask("SELECT 1 / 0") + ask("SELEC") + SYNC,
        READY,
        ask("SELEC") + ask("SELECT 1 / 0") + SYNC,
        READY,
    ],
    "Q05 an error in Parse, in Bind, in Execute": [
        *asked("SELEC"),
        parse("", "SELECT $1::int") + bind("", "", ["x"]) + execute() + SYNC,
        READY,
        parse("", "SELECT 1 / $1::int") + bind("", "", ["0"]) + execute() + SYNC,
        READY,
        parse("", "SELECT $1::int") + bind() + execute() + SYNC,
        READY,
        parse("", "SELECT 1") + bind("", "", ["x"]) + execute() + SYNC,
        READY,
    ],
    "Q05 an error among rows": asked("SELECT 1 / (3 - n) FROM items ORDER BY n"),
    "Q05 an error in a transaction of batches": [
        *asked("BEGIN"),
        ask(DELETE, "1") + ask("SELECT 1 / 0") + SYNC,
        READY,
        *asked(COUNT),
        *asked(""),
        *asked("COMMIT"),
        *asked(COUNT),
    ],
    "Q05 a failed transaction in flight": [
        ask("BEGIN") + ask("SELECT 1 / 0") + SYNC + ask(COUNT) + SYNC + ask("ROLLBACK") + SYNC + ask(COUNT) + SYNC,
        Hear("Z", 4),
    ],
}
