"""Messages for the tests, spelled as bytes: independent of the builders that they are used to test."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence


def message(kind: str, body: bytes = b"") -> bytes:
    """One typed message."""
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def startup(*pairs: str, version: int = 3 << 16) -> bytes:
    """A startup packet with these names and values."""
    body = struct.pack("!I", version) + b"".join(text.encode() + b"\0" for text in pairs) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def authentication(code: int, data: bytes = b"") -> bytes:
    """An Authentication message."""
    return message("R", struct.pack("!I", code) + data)


def error(*fields: str) -> bytes:
    """An ErrorResponse with these fields, each with its letter before it."""
    return message("E", b"".join(field.encode() + b"\0" for field in fields) + b"\0")


def parameter(name: str, value: str) -> bytes:
    """A ParameterStatus."""
    return message("S", name.encode() + b"\0" + value.encode() + b"\0")


READY = message("Z", b"I")
IN_TRANSACTION = message("Z", b"T")
SYNC = message("S")
TERMINATE = message("X")


def adopting(*names_and_values: str) -> bytes:
    """The batch that sets these: Parse, Bind, Execute, Close, Sync; the names and values are bound."""
    calls = (f"pg_catalog.set_config(${at}, ${at + 1}, false)" for at in range(1, len(names_and_values), 2))
    return _calling(calls, names_and_values)


def learning(*names: str) -> bytes:
    """The batch that asks for these settings."""
    return _calling((f"pg_catalog.current_setting(${at}, true)" for at in range(1, len(names) + 1)), names)


def learned(*values: str | None) -> bytes:
    """What it is answered with."""
    columns = b"".join(
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value.encode() for value in values
    )
    row = message("D", struct.pack("!H", len(values)) + columns)
    return message("1") + message("2") + row + message("C", b"SELECT 1\0") + message("3") + READY


def _calling(calls: Iterable[str], values: Sequence[str]) -> bytes:
    bound = b"".join(struct.pack("!I", len(value)) + value for value in map(str.encode, values))
    return (
        message("P", b"\0" + f"SELECT {', '.join(calls)}".encode() + b"\0\0\0")
        + message("B", b"\0\0" + struct.pack("!HH", 0, len(values)) + bound + b"\0\0")
        + message("E", b"\0" + bytes(4))
        + message("C", b"S\0")
        + SYNC
    )
