"""The pieces that messages are made of: strings, key/value lists, and the fields of errors and notices."""

from __future__ import annotations

import struct

from agroal.errors import ProtocolViolation

Message = tuple[int, bytes]
"""A message's type byte and its body, without the length word."""


def message(kind: int, body: bytes) -> bytes:
    """The bytes of one typed message."""
    return struct.pack("!BI", kind, len(body) + 4) + body


def cstring(text: str) -> bytes:
    """Text as the protocol sends it: UTF-8 and a zero byte.

    Bytes that were not UTF-8 when they were read come out as they came in (`surrogateescape`).

    Raises ValueError: a zero byte inside would end the string early, and begin another.
    """
    if "\0" in text:
        raise ValueError("a string of the protocol can't hold a zero byte")
    return text.encode("utf-8", "surrogateescape") + b"\0"


def decode(raw: bytes) -> str:
    """The other way. Names may be in any encoding before one is agreed on, so nothing is refused or lost."""
    return raw.decode("utf-8", "surrogateescape")


def take_cstring(body: bytes, start: int) -> tuple[str, int]:
    """The string at `start` and the offset behind its zero byte. Raises ProtocolViolation when none ends it."""
    end = body.find(b"\0", start)
    if end < 0:
        raise ProtocolViolation("malformed message: a string has no terminating zero byte")
    return decode(body[start:end]), end + 1


def parse_fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse by their one-letter codes; the first of equals.

    Lenient: a server is untrusted, and any field may be missing or cut off (CVE-2026-6666).
    """
    fields: dict[str, str] = {}
    for field in body.split(b"\0"):
        if field:
            fields.setdefault(chr(field[0]), decode(field[1:]))
    return fields


def build_fields(fields: dict[str, str]) -> bytes:
    """The body of an ErrorResponse or NoticeResponse, its final zero byte included."""
    return b"".join(code.encode() + cstring(text.replace("\0", " ")) for code, text in fields.items()) + b"\0"
