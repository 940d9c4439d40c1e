"""What a client can say in a script, and what it can wait for. The rest of the vocabulary is in by_hand.py."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.by_hand import query
from tests.unit.wire.messages import SYNC, message

TEXT, INT4, INT8 = 25, 23, 20
"""Types, by their OIDs."""
BINARY = (1,)
"""A list of formats: all of them are that."""


@dataclass(frozen=True)
class Hear:
    """Wait until so many more messages of this type have come; or, without a type, for the end of the connection."""

    kind: str = ""
    times: int = 1

    def __repr__(self) -> str:
        return f"Hear({self.kind!r}, {self.times})" if self.kind else "END"


Script = Sequence[bytes | Hear]
"""What is said, and when the client waits. Between two waits everything is sent at once."""
Scripts = dict[str, Script]

READY = Hear("Z")
END = Hear()
COPY_IN, COPY_OUT = Hear("G"), Hear("H")
ERROR = Hear("E")


def each(*queries: str) -> Script:
    """Simple queries, one after the other."""
    return [step for sql in queries for step in (query(sql), READY)]


def parse(statement: str, sql: str, *types: int) -> bytes:
    body = _cstring(statement) + _cstring(sql)
    return message("P", body + struct.pack("!H", len(types)) + b"".join(struct.pack("!I", one) for one in types))


def bind(
    portal: str = "",
    statement: str = "",
    values: Sequence[str | bytes | None] = (),
    formats: Sequence[int] = (),
    results: Sequence[int] = (),
) -> bytes:
    """Values that are bytes are sent as they are."""
    given = b"".join(_value(value) for value in values)
    body = _cstring(portal) + _cstring(statement) + _shorts(formats)
    return message("B", body + struct.pack("!H", len(values)) + given + _shorts(results))


def describe_statement(name: str = "") -> bytes:
    return message("D", b"S" + _cstring(name))


def describe_portal(name: str = "") -> bytes:
    return message("D", b"P" + _cstring(name))


def execute(portal: str = "", rows: int = 0) -> bytes:
    """`rows`: at most so many; 0 is all of them."""
    return message("E", _cstring(portal) + struct.pack("!I", rows))


def close_statement(name: str = "") -> bytes:
    return message("C", b"S" + _cstring(name))


def close_portal(name: str = "") -> bytes:
    return message("C", b"P" + _cstring(name))


def copy_fail(reason: str) -> bytes:
    return message("f", _cstring(reason))


def ask(sql: str, *values: str | None) -> bytes:
    """Parse, Bind, Describe and Execute without a name, as libpq does it; no Sync."""
    return parse("", sql) + run("", *values)


def run(statement: str, *values: str | None) -> bytes:
    """Bind, Describe and Execute of a statement that has been parsed; no Sync."""
    return bind("", statement, values) + describe_portal() + execute()


def asked(sql: str, *values: str | None) -> Script:
    """The same with its Sync, and its answer is waited for."""
    return [ask(sql, *values), SYNC, READY]


def _value(value: str | bytes | None) -> bytes:
    if value is None:
        return struct.pack("!i", -1)
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("!i", len(raw)) + raw


def _shorts(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"!H{len(numbers)}H", len(numbers), *numbers)


def _cstring(text: str) -> bytes:
    return text.encode() + b"\0"
