"""Messages that clients send: those that we build for servers, and those that we read before a link exists."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from agroal.errors import ProtocolViolation
from agroal.wire.codes import Frontend
from agroal.wire.fields import cstring, message, take_cstring

_CLOSE_UNNAMED = message(Frontend.CLOSE, b"S\0")
_NULL = struct.pack("!i", -1)
TERMINATE = message(Frontend.TERMINATE, b"")
SYNC = message(Frontend.SYNC, b"")


def query(sql: str) -> bytes:
    """A simple Query."""
    return message(Frontend.QUERY, cstring(sql))


def password(secret: bytes) -> bytes:
    """A PasswordMessage, for the cleartext and MD5 methods."""
    return message(Frontend.PASSWORD, secret + b"\0")


def sasl_initial_response(mechanism: str, data: bytes) -> bytes:
    """The first answer of a SASL exchange."""
    return message(Frontend.PASSWORD, cstring(mechanism) + struct.pack("!I", len(data)) + data)


def sasl_response(data: bytes) -> bytes:
    """Every further answer of a SASL exchange."""
    return message(Frontend.PASSWORD, data)


def parse_password(body: bytes) -> bytes:
    """The secret in a PasswordMessage. Raises ProtocolViolation unless it is exactly one string."""
    if body[-1:] != b"\0" or b"\0" in body[:-1]:
        raise ProtocolViolation("invalid password packet size: expected one zero-terminated string")
    return body[:-1]


def parse_sasl_initial_response(body: bytes) -> tuple[str, bytes]:
    """The mechanism's name and the client's first data. Raises ProtocolViolation."""
    mechanism, at = take_cstring(body, 0)
    if len(body) < at + 4:
        raise ProtocolViolation("malformed SASLInitialResponse: no length")
    (length,) = struct.unpack_from("!i", body, at)
    data = body[at + 4 :]
    if length == -1 and not data:
        return mechanism, b""
    if length != len(data):
        raise ProtocolViolation(f"malformed SASLInitialResponse: {length} bytes announced, {len(data)} found")
    return mechanism, data


def extended_query(sql: str, values: Sequence[str | None], *, leaving_nothing: bool = False) -> bytes:
    """One statement with its values bound as text, in an extended-protocol batch that ends with Sync.

    `leaving_nothing`: the unnamed statement is closed again, and that is answered, too.

    Values travel beside the statement, so they can't become part of it.
    """
    parse = message(Frontend.PARSE, b"\0" + cstring(sql) + struct.pack("!H", 0))
    encoded = [None if value is None else cstring(value)[:-1] for value in values]
    bound = b"".join(_NULL if value is None else struct.pack("!I", len(value)) + value for value in encoded)
    bind = message(Frontend.BIND, b"\0\0" + struct.pack("!HH", 0, len(values)) + bound + struct.pack("!H", 0))
    execute = message(Frontend.EXECUTE, b"\0" + struct.pack("!I", 0))
    close = _CLOSE_UNNAMED if leaving_nothing else b""
    return parse + bind + execute + close + SYNC
