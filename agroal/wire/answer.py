"""What a server says to one request of our own, as a whole: everything up to its ReadyForQuery.

Between two clients a server is asked the same few things and answers the same few bytes, again and again. So an answer
is taken in one piece, and what a short one means is remembered.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from agroal.errors import ProtocolViolation
from agroal.wire.codes import Backend

_header = struct.Struct("!Bi").unpack_from
_HEADER: Final = 5

SHORT: Final = 1024
"""Bytes of an answer that is worth remembering."""
REMEMBERED: Final = 256

ASYNCHRONOUS: Final = (Backend.NOTICE_RESPONSE, Backend.NOTIFICATION_RESPONSE, Backend.PARAMETER_STATUS)
RESULTS: Final = (
    Backend.COMMAND_COMPLETE,
    Backend.EMPTY_QUERY_RESPONSE,
    Backend.ROW_DESCRIPTION,
    Backend.DATA_ROW,
    Backend.PARSE_COMPLETE,
    Backend.BIND_COMPLETE,
    Backend.CLOSE_COMPLETE,
    Backend.ERROR_RESPONSE,
)
_GO_ON: Final = frozenset(map(int, ASYNCHRONOUS + RESULTS))


def messages(said: bytes, limit: int) -> list[tuple[int, int, int]]:
    """The type of each whole message in `said`, and where its body begins and ends. Raises ProtocolViolation."""
    found: list[tuple[int, int, int]] = []
    at = 0
    while len(said) - at >= _HEADER:
        kind, length = _header(said, at)
        if not 4 <= length <= limit:
            raise ProtocolViolation(
                "invalid message length",
                detail=f'The message "{chr(kind)}" claims {length} bytes; expected 4 to {limit}.',
            )
        end = at + 1 + length
        if end > len(said):
            break
        found.append((kind, at + _HEADER, end))
        at = end
    return found


def end_of_answer(said: bytes, limit: int) -> int | None:
    """Where the answer that `said` begins with ends: behind ReadyForQuery, or behind what has no place in an answer.

    None while that has not come. Raises ProtocolViolation, also for an answer of more than `limit` bytes.
    """
    return (_known_end if len(said) <= SHORT else _end)(said, limit)


def _end(said: bytes, limit: int) -> int | None:
    for kind, _, end in messages(said, limit):
        if kind not in _GO_ON:
            return end
    if len(said) > limit:
        raise ProtocolViolation("the answer is too long", detail=f"Expected at most {limit} bytes.")
    return None


_known_end = lru_cache(REMEMBERED)(_end)
