"""A request that can't be carried out, answered in the place of a server."""

from __future__ import annotations

import struct

from agroal.errors import ClientFacing
from agroal.wire.backend import ready_for_query
from agroal.wire.codes import Backend, Frontend, Status
from agroal.wire.fields import build_fields, message
from agroal.wire.scan import HEADER

_length = struct.Struct("!i").unpack_from
_ENDS = (Frontend.QUERY, Frontend.FUNCTION_CALL, Frontend.SYNC)


def refused_request(said: bytes, error: ClientFacing) -> bytes | None:
    """What a client is answered that has asked for one thing in full; None when it has not, or for more."""
    at = 0
    while at + HEADER <= len(said):
        kind = said[at]
        at += _length(said, at + 1)[0] + 1
        if kind in _ENDS:
            break
    else:
        return None
    if at != len(said):
        return None
    fields = {**error.fields(), "S": "ERROR", "V": "ERROR"}
    return message(Backend.ERROR_RESPONSE, build_fields(fields)) + ready_for_query(Status.IDLE)
