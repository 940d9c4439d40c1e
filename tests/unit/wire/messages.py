"""Messages for the tests, spelled as bytes: independent of the builders that they are used to test."""

from __future__ import annotations

import struct


def message(kind: str, body: bytes = b"") -> bytes:
    """One typed message."""
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def startup(*pairs: str, version: int = 3 << 16) -> bytes:
    """A startup packet with these names and values."""
    body = struct.pack("!I", version) + b"".join(text.encode() + b"\0" for text in pairs) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


READY = message("Z", b"I")
IN_TRANSACTION = message("Z", b"T")
SYNC = message("S")
TERMINATE = message("X")
