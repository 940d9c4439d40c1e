"""Messages that are longer than buffers, and as many of something as the protocol allows."""

from __future__ import annotations

from tests.integration.by_hand import COPY_DONE, FLUSH, copy_data, query
from tests.integration.differential.words import (
    COPY_IN,
    READY,
    TEXT,
    Hear,
    Scripts,
    ask,
    asked,
    bind,
    close_portal,
    close_statement,
    describe_portal,
    describe_statement,
    each,
    execute,
    parse,
    run,
)
from tests.unit.wire.messages import SYNC

MIB = 1 << 20
MOST = 65_535
"""Parameters of a Bind."""
LENGTH = "SELECT length($1::text), $2::int"
LONG_NAME, NAME = "x" * 65_000, "x" * 9000
"""PostgreSQL ends a session in which a Describe, an Execute or a Close is longer than 10 000 bytes."""

GREAT: Scripts = {
    "Q17 a row of 3 MiB": each("SELECT repeat('x', 3 << 20), 1"),
    "Q17 many rows": each("SELECT n, repeat('x', n % 2000) FROM generate_series(1, 4000) AS n"),
    "Q17 a query of 1 MiB": each(f"SELECT length('{'y' * MIB}')", "SELECT 1"),
    "Q17 a query of 1 MiB that fails": each(f"SELECT 1 / 0, '{'y' * MIB}'", "SELECT 1"),
    "Q17 a Parse of 200 kB": [
        parse("s", f"{LENGTH} -- {'y' * 200_000}") + SYNC,
        READY,
        run("s", "a", "1") + SYNC,
        READY,
        run("s", "b", "2") + SYNC,
        READY,
    ],
    "Q17 an unnamed Parse of 200 kB": [
        *asked(f"{LENGTH} -- {'y' * 200_000}", "a", "1"),
        run("", "b", "2") + SYNC,
        READY,
    ],
    "Q17 a Bind of 2 MiB": [
        parse("s", LENGTH) + SYNC,
        READY,
        run("s", "z" * 2 * MIB, "1") + SYNC,
        READY,
        *asked(LENGTH, "z" * MIB, "2"),
        run("s", "z" * MIB, "3") + run("s", "", "4") + SYNC,
        READY,
    ],
    "Q17 a Bind of 1 MiB that fails": [
        *asked(LENGTH, "z" * MIB, "no number"),
        run("nobody", "z" * MIB) + SYNC,
        READY,
        *asked(LENGTH, "", "1"),
    ],
    "Q17 a Bind of 1 MiB behind an error": [
        ask("SELECT 1 / 0") + FLUSH,
        Hear("E"),
        ask(LENGTH, "z" * MIB, "1") + query("SELECT 1") + SYNC,
        READY,
        *each("SELECT 1"),
    ],
    "Q17 as many parameters as there can be": [
        parse("s", f"SELECT ${MOST}, $1", *[TEXT] * MOST) + describe_statement("s") + SYNC,
        READY,
        bind("", "s", [str(n) for n in range(MOST)]) + describe_portal() + execute() + SYNC,
        READY,
        bind("", "s", ["x"] * (MOST - 1)) + SYNC,
        READY,
    ],
    "Q17 as many columns as there can be": [
        *asked("SELECT " + ", ".join(map(str, range(1664)))),
        *asked("SELECT " + ", ".join(map(str, range(1665)))),
    ],
    "Q17 names of 65 000 bytes": [
        parse(LONG_NAME, LENGTH) + SYNC,
        READY,
        bind("", LONG_NAME, ["a", "1"]) + execute() + SYNC,
        READY,
        parse(LONG_NAME, LENGTH) + SYNC,
        READY,
        bind("", "y" + LONG_NAME, ["b", "2"]) + SYNC,
        READY,
        bind("", LONG_NAME, ["c", "3"]) + execute() + SYNC,
        READY,
    ],
    "Q17 names of 9 000 bytes": [
        parse(NAME, LENGTH) + describe_statement(NAME) + SYNC,
        READY,
        bind(NAME, NAME, ["a", "1"]) + describe_portal(NAME) + execute(NAME) + close_portal(NAME) + SYNC,
        READY,
        describe_statement("y" + NAME) + SYNC,
        READY,
        close_statement(NAME) + SYNC,
        READY,
        describe_statement(NAME) + SYNC,
        READY,
    ],
    "Q17 a copy of 3 MiB in one message": [
        query("COPY items (t, n) FROM STDIN"),
        COPY_IN,
        copy_data(b"z" * 3 * MIB + b"\t9\n") + COPY_DONE,
        READY,
        *each("SELECT length(t) FROM items WHERE n = 9"),
    ],
    "Q17 a copy of many messages": [
        query("COPY items FROM STDIN"),
        COPY_IN,
        b"".join(copy_data(b"%d\t%s\n" % (n, b"z" * 100)) for n in range(10, 5000)) + COPY_DONE,
        READY,
        query("COPY (TABLE items ORDER BY n) TO STDOUT"),
        READY,
    ],
    "Q17 a copy of many messages that fails at its beginning": [
        query("COPY items FROM STDIN"),
        COPY_IN,
        copy_data(b"x\n") + b"".join(copy_data(b"z" * 1000) for _ in range(2000)) + COPY_DONE,
        READY,
        *each("SELECT 1"),
    ],
    "D05 more in flight than the sockets hold": [
        b"".join(ask("SELECT $1::int, repeat('x', 2000)", str(n)) + SYNC for n in range(2000)),
        Hear("Z", 2000),
    ],
    "D05 more in a batch than the sockets hold": [
        parse("s", "SELECT $1::int, repeat('x', 2000)"),
        b"".join(run("s", str(n)) for n in range(2000)) + SYNC,
        READY,
    ],
    "many errors in flight": [
        b"".join(ask("SELECT 1 / $1::int", str(n % 2)) + SYNC for n in range(300)),
        Hear("Z", 300),
    ],
    "many transactions in flight": [
        b"".join(query(sql) for _ in range(100) for sql in ("BEGIN", "SELECT 1", "COMMIT")),
        Hear("Z", 300),
    ],
    "many statements": [
        *(part for n in range(40) for part in (parse(f"s{n}", f"SELECT {n}, $1::int") + SYNC, READY)),
        *(part for n in range(40) for part in (run(f"s{n}", "1") + SYNC, READY)),
        b"".join(run(f"s{n}", "2") for n in range(40)) + SYNC,
        READY,
    ],
}
