"""Bytes that came, until they make a whole unit. Bounded: a length is judged before anything is collected for it."""

from __future__ import annotations

import struct

from agroal.errors import ProtocolViolation
from agroal.wire import codes
from agroal.wire.answer import end_of_answer
from agroal.wire.fields import Message

_length = struct.Struct("!I").unpack_from
_header = struct.Struct("!BI").unpack_from


class Inbox:
    """What a peer has sent and nobody has taken yet.

    It never holds more than the unit asked for plus one read: whoever feeds it stops when there is enough.
    """

    __slots__ = ("_bytes",)

    def __init__(self, unread: bytes = b"") -> None:
        self._bytes = bytearray(unread)

    def __len__(self) -> int:
        return len(self._bytes)

    def feed(self, data: bytes | memoryview) -> None:
        """Append what was read."""
        self._bytes += data

    def take_rest(self) -> bytes:
        """Everything that is left, out of the inbox."""
        rest = bytes(self._bytes)
        self._bytes.clear()
        return rest

    def take_packet(self) -> bytes | None:
        """A startup packet without its length word; None while it is incomplete. Raises ProtocolViolation."""
        if len(self._bytes) < 4:
            return None
        (length,) = _length(self._bytes)
        if not 8 <= length <= codes.MAX_STARTUP_PACKET:
            raise ProtocolViolation(
                "invalid length of startup packet",
                detail=f"The packet claims {length} bytes; expected 8 to {codes.MAX_STARTUP_PACKET}.",
            )
        return self._take(4, length)

    def take_message(self, limit: int) -> Message | None:
        """A message of at most `limit` bytes, length word included; None while it is incomplete.

        Raises ProtocolViolation.
        """
        if len(self._bytes) < 5:
            return None
        kind, length = _header(self._bytes)
        if not 4 <= length <= limit:
            raise ProtocolViolation(
                "invalid message length",
                detail=f'The message "{chr(kind)}" claims {length} bytes; expected 4 to {limit}.',
            )
        body = self._take(5, 1 + length)
        return None if body is None else (kind, body)

    def take_answer(self, limit: int) -> Message | None:
        """All messages up to ReadyForQuery, or up to one that has no place before it, as (0, bytes).

        None while that has not come. Raises ProtocolViolation.
        """
        if not self._bytes:
            return None
        said = bytes(self._bytes)
        end = end_of_answer(said, limit)
        if end is None:
            return None
        del self._bytes[:end]
        return 0, said[:end]

    def _take(self, start: int, end: int) -> bytes | None:
        if len(self._bytes) < end:
            return None
        body = bytes(self._bytes[start:end])
        del self._bytes[:end]
        return body
