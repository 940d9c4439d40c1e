"""Messages that are not what they should be, and of which PostgreSQL says so without ending the session."""

from __future__ import annotations

import struct

from tests.integration.by_hand import query
from tests.integration.differential.words import READY, Hear, Scripts, ask, bind, each, execute, parse, run
from tests.unit.wire.messages import SYNC, message

FINE = "SELECT $1::int"


def batch_with(broken: bytes) -> list[bytes | Hear]:
    """In a batch by itself, in the middle of one, and in a transaction. Then everything works."""
    return [
        broken + SYNC,
        READY,
        parse("s", FINE) + run("s", "1") + broken + run("s", "2") + SYNC,
        READY,
        run("s", "3") + SYNC,
        READY,
        *each("BEGIN"),
        broken + SYNC,
        READY,
        *each("ROLLBACK", "SELECT 1"),
    ]


BROKEN: Scripts = {
    "Q18 a Query that does not end": [message("Q", b"SELECT 1"), READY, message("Q", b""), READY, *each("SELECT 1")],
    "Q18 a Query that ends in its middle": [message("Q", b"SELECT 1\0; SELECT 2\0"), READY, *each("SELECT 1")],
    "Q18 a Query that is not UTF-8": [message("Q", b"SELECT '\xff\xfe'\0"), READY, *each("SELECT 1")],
    "Q18 a Parse without a name": batch_with(message("P")),
    "Q18 a Parse without a text": batch_with(message("P", b"s\0")),
    "Q18 a Parse whose name does not end": batch_with(message("P", b"abc")),
    "Q18 a Parse without types": batch_with(message("P", b"b\0SELECT 1\0")),
    "Q18 a Parse with fewer types than it says": batch_with(message("P", b"b\0SELECT 1\0" + struct.pack("!HI", 2, 23))),
    "Q18 a Parse with more than it says": batch_with(message("P", b"b\0SELECT 1\0" + struct.pack("!HI", 0, 23))),
    "Q18 a Parse with a type that there is not": batch_with(parse("b", "SELECT $1", 4_000_000_000)),
    "Q18 a Parse that is not UTF-8": batch_with(message("P", b"b\xff\0SELECT 1\0\0\0")),
    "Q18 an empty Bind": batch_with(message("B")),
    "Q18 a Bind that ends behind its names": batch_with(message("B", b"\0s\0")),
    "Q18 a Bind whose name does not end": batch_with(message("B", b"\0s")),
    "Q18 a Bind with fewer values than it says": batch_with(
        message("B", b"\0s\0" + struct.pack("!HHi", 0, 1, 5) + b"12")
    ),
    "Q18 a Bind with a length below -1": batch_with(message("B", b"\0s\0" + struct.pack("!HHiH", 0, 1, -2, 0))),
    "Q18 a Bind with more than it says": batch_with(
        bind("", "s", ["1"])[:1]
        + struct.pack("!I", 24)
        + b"\0s\0"
        + struct.pack("!HHi1sH", 0, 1, 1, b"1", 0)
        + b"more!!"
    ),
    "Q18 a Bind with a format that there is not": batch_with(bind("", "s", ["1"], (7,))),
    "Q18 a Bind with more formats than values": batch_with(bind("", "s", ["1"], (0, 0, 0))),
    "Q18 a Describe of neither statement nor portal": batch_with(message("D", b"Xs\0")),
    "Q18 an empty Describe": batch_with(message("D")),
    "Q18 a Describe whose name does not end": batch_with(message("D", b"Ss")),
    "Q18 a Describe with more than its name": batch_with(message("D", b"Ss\0more")),
    "Q18 a Close of neither statement nor portal": batch_with(message("C", b"Xs\0")),
    "Q18 an empty Close": batch_with(message("C")),
    "Q18 a Close whose name does not end": batch_with(message("C", b"Ss")),
    "Q18 a Close with more than its name": batch_with(message("C", b"Ss\0more")),
    "Q18 an empty Execute": batch_with(message("E")),
    "Q18 an Execute without a number": batch_with(message("E", b"\0")),
    "Q18 an Execute of a negative number of rows": [
        ask("SELECT 1 FROM items") + SYNC,
        READY,
        parse("", "SELECT * FROM items ORDER BY n") + bind() + execute("", 0xFFFF_FFFF) + SYNC,
        READY,
    ],
    "Q18 a Sync and a Flush that are not empty": [
        message("S", b"x"),
        READY,
        ask("SELECT 1") + message("S", b"more"),
        READY,
        message("H", b"x") + SYNC,
        READY,
        *each("SELECT 1"),
    ],
    "Q18 an empty FunctionCall": [
        message("F"),
        READY,
        *each("SELECT 1"),
        *each("BEGIN"),
        message("F", b"\0\0\0\1"),
        READY,
        *each("ROLLBACK"),
    ],
    "Q18 several in flight": [
        message("Q", b"x") + message("B") + SYNC + query("SELECT 1") + message("D", b"S") + query("SELECT 2") + SYNC,
        Hear("Z", 4),
    ],
}
