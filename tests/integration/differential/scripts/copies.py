"""COPY, in both directions and by both protocols, with everything that may come in between."""

from __future__ import annotations

import struct

from tests.integration.by_hand import COPY_DONE, FLUSH, copy_data, query
from tests.integration.differential.words import (
    COPY_IN,
    COPY_OUT,
    END,
    ERROR,
    READY,
    Hear,
    Script,
    Scripts,
    ask,
    asked,
    copy_fail,
    each,
    parse,
    run,
)
from tests.unit.wire.messages import SYNC

INTO = "COPY items FROM STDIN"
OUT = "COPY (SELECT n, t FROM items ORDER BY n) TO STDOUT"
COUNT = "SELECT count(*), sum(n) FROM items"
ROWS = copy_data(b"6\tsix\n") + copy_data(b"7\tse") + copy_data(b"ven\n8\t\\N\n")
BAD = copy_data(b"9\tnine\nno number\tx\n")
BINARY = b"PGCOPY\n\xff\r\n\0" + bytes(8) + struct.pack("!hi4si3sh", 2, 4, b"\0\0\0\6", 3, b"six", -1)
FINISHED: Script = [READY, *each(COUNT)]


def into(*said: bytes | Hear, command: str = INTO) -> Script:
    """A COPY by Query, and these messages when the server is ready for them."""
    return [query(command), COPY_IN, *said]


def batch_into(*said: bytes | Hear) -> Script:
    """A COPY by Execute, and a Flush."""
    return [ask(INTO) + FLUSH, COPY_IN, *said]


COPIES: Scripts = {
    "C01 in": into(ROWS + COPY_DONE, *FINISHED),
    "C01 in, as csv": into(copy_data(b'6,"a,""b"\n7,\n') + COPY_DONE, *FINISHED, command=f"{INTO} (FORMAT csv)"),
    "C01 in, binary": into(copy_data(BINARY) + COPY_DONE, *FINISHED, command=f"{INTO} (FORMAT binary)"),
    "C01 in, empty": into(COPY_DONE, *FINISHED),
    "C01 in, with empty messages": into(copy_data(b""), ROWS, copy_data(b""), COPY_DONE, *FINISHED),
    "C01 in, by a batch": batch_into(ROWS + COPY_DONE + SYNC, *FINISHED),
    "C01 in, by a batch with a Sync before the data": [ask(INTO) + SYNC, COPY_IN, ROWS + COPY_DONE + SYNC, *FINISHED],
    "C01 in, with more in its batch": batch_into(ROWS + COPY_DONE + ask(COUNT) + SYNC, *FINISHED),
    "C01 in, and Flush before the end of its batch": batch_into(
        ROWS + COPY_DONE + FLUSH, Hear("C"), ask(COUNT) + SYNC, *FINISHED
    ),
    "C01 in, twice in a query": [
        query(f"{INTO}; {INTO}; SELECT 1"),
        COPY_IN,
        ROWS + COPY_DONE,
        COPY_IN,
        copy_data(b"9\tx\n") + COPY_DONE,
        *FINISHED,
    ],
    "C01 in, by a prepared statement": [
        parse("s", INTO) + SYNC,
        READY,
        run("s") + FLUSH,
        COPY_IN,
        ROWS + COPY_DONE + SYNC,
        READY,
        run("s") + FLUSH,
        COPY_IN,
        copy_data(b"9\tx\n") + COPY_DONE + SYNC,
        *FINISHED,
    ],
    "C01 in, without waiting": [query(INTO) + ROWS + COPY_DONE, *FINISHED],
    "C01 in, without waiting, and on": [
        query(INTO) + ROWS + COPY_DONE + query("SELECT 1") + ask("SELECT 2") + SYNC,
        Hear("Z", 3),
        *each(COUNT),
    ],
    "C01 in, without waiting, by a batch": [ask(INTO) + ROWS + COPY_DONE + SYNC, *FINISHED],
    "C01 in, without waiting, by a batch with two Syncs": [
        ask(INTO) + SYNC + ROWS + COPY_DONE + SYNC + query("SELECT 1"),
        Hear("Z", 2),
        *each(COUNT),
    ],
    "C01 out": each(
        OUT, f"{OUT} (FORMAT csv, HEADER)", f"{OUT} (FORMAT binary)", "COPY (SELECT 1 WHERE false) TO STDOUT"
    ),
    "C01 out, by a batch": [*asked(OUT), ask(OUT) + ask(COUNT) + SYNC, READY],
    "C01 out, with others in a query": each(f"SELECT 1; {OUT}; {OUT}; SELECT 2"),
    "C01 out, in flight": [query(OUT) + ask(OUT) + SYNC + query(OUT), Hear("Z", 3)],
    "C01 out, waited for": [query(OUT), COPY_OUT, Hear("d", 2), Hear("c"), READY],
    "C01 out, then in": [query(f"{OUT}; {INTO}; {OUT}"), COPY_IN, ROWS + COPY_DONE, READY],
    "C01 out, with an error": each("COPY (SELECT 1 / (3 - n) FROM items ORDER BY n) TO STDOUT", COUNT),
    "C01 what can't be copied": each(
        "COPY nowhere FROM STDIN", "COPY items (x) TO STDOUT", "COPY items FROM '/nowhere'", "SELECT 1"
    ),
    "C02 CopyFail": into(ROWS, copy_fail("second thoughts"), *FINISHED),
    "C02 CopyFail at once": [query(INTO) + copy_fail(""), *FINISHED],
    "C02 CopyFail by a batch": batch_into(ROWS + copy_fail("no") + ask("SELECT 1") + SYNC, *FINISHED),
    "C02 CopyFail behind a Sync": [ask(INTO) + SYNC, COPY_IN, ROWS + copy_fail("no"), ERROR, SYNC, *FINISHED],
    "C03 an error, then the rest of the data": into(BAD, ERROR, ROWS + COPY_DONE, READY, *each(COUNT)),
    "C03 an error, and the rest of the data is on its way": into(BAD + ROWS + COPY_DONE, *FINISHED),
    "C03 an error, then CopyFail": into(BAD, READY, ROWS + copy_fail("so do I"), *each(COUNT)),
    "C03 an error by a batch": batch_into(BAD + ROWS + COPY_DONE + SYNC, *FINISHED),
    "C03 an error by a batch with a Sync before the data": [
        ask(INTO) + SYNC,
        COPY_IN,
        BAD,
        ERROR,
        ROWS + COPY_DONE + SYNC,
        *FINISHED,
    ],
    "C03 an error before the copy begins": [query("COPY nowhere FROM STDIN") + ROWS + COPY_DONE, *FINISHED],
    "C03 an error before the copy begins in a batch": [
        ask("COPY nowhere FROM STDIN") + ROWS + COPY_DONE + SYNC,
        *FINISHED,
    ],
    "C03 an error at the end": into(copy_data(b"6\tx\n6\ty\n") + COPY_DONE, *FINISHED),
    "C03 messages of a copy where there is none": [
        ROWS,
        COPY_DONE,
        copy_fail("x"),
        *each("SELECT 1"),
        ask("SELECT 2") + ROWS + COPY_DONE + SYNC,
        READY,
    ],
    "C04 Flush and Sync": into(ROWS, FLUSH, SYNC + copy_data(b"9\tx\n"), FLUSH + SYNC + COPY_DONE, *FINISHED),
    "C04 Flush and Sync by a batch": batch_into(ROWS + SYNC + FLUSH + SYNC + COPY_DONE + SYNC, *FINISHED),
    "C04 Flush and Sync behind an error": into(
        BAD, READY, FLUSH + SYNC, READY, copy_data(b"x") + COPY_DONE + SYNC, READY, *each(COUNT)
    ),
    "C04 a Query in the middle": into(ROWS, query("SELECT 1"), END),
    "C06 in a transaction": [*each("BEGIN"), *into(ROWS + COPY_DONE, *FINISHED), *each("ROLLBACK", COUNT)],
    "C06 in a transaction that fails": [*each("BEGIN"), *into(BAD + COPY_DONE, *FINISHED), *each("COMMIT", COUNT)],
    "C06 in a failed transaction": [
        *each("BEGIN", "SELECT 1 / 0"),
        query(INTO) + ROWS + COPY_DONE,
        *FINISHED,
        *each("ROLLBACK"),
    ],
    "C06 with BEGIN in the same query": [
        query(f"BEGIN; {INTO}; DELETE FROM items; ROLLBACK"),
        COPY_IN,
        ROWS + COPY_DONE,
        *FINISHED,
    ],
    "C06 with savepoints": [
        *each("BEGIN; SAVEPOINT s"),
        *into(BAD, READY),
        *each("ROLLBACK TO s"),
        *into(ROWS + COPY_DONE, *FINISHED),
        *each("ROLLBACK"),
    ],
    "C07 the end marker of psql and pg_dump": into(ROWS + copy_data(b"\\.\n") + COPY_DONE, *FINISHED),
    "C07 data behind the end marker": into(copy_data(b"6\tx\n\\.\nnonsense\n") + COPY_DONE, *FINISHED),
    "a copy in pieces of a byte": into(
        *(copy_data(bytes([byte])) for byte in b"6\tsix\n7\t\\N\n"), COPY_DONE, *FINISHED
    ),
    "a notice within a copy": each(
        "SET client_min_messages = debug1; COPY (SELECT 1) TO STDOUT; RESET client_min_messages"
    ),
}
