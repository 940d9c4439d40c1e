"""The walk of the transaction pipeline: it passes over what can go as it is, and halts at what must be looked at.

What has to be looked at is rare, or becomes it: a statement with a name, a text that may leave something behind it in
the session (`wire.words`), an answer to something that we have added. All the rest, an unnamed Parse with its Bind and
Sync, rows, is passed over like in `wire.scan`.

A message of that kind is looked at whole, or as far as its names go. While a piece of it is missing, what has come is
held back in `cut`, and whoever receives puts it before what comes next. Longer ones than MOST_HELD are halted at
with what there is of them; the rest is then passed over.

This is the readable reference; `_halting.pyx` is its compiled twin.
"""

from __future__ import annotations

from types import NoneType
from typing import Final

from agroal.errors import ProtocolViolation
from agroal.wire.backend import note_parameter
from agroal.wire.codes import Backend, Frontend
from agroal.wire.expectations import CLOSED, PARSED, TurnTally
from agroal.wire.scan import (
    _NOT_AFTER_LOGIN,
    BATCH,
    COPY_DONE,
    COPY_FAIL,
    DESCRIBE,
    EXECUTE,
    HEADER,
    LOOK,
    MAX_LOOKED_AT,
    READY_FOR_QUERY,
    SYNC,
    TERMINATE,
    USUAL_END,
    Scanner,
    _header,
    _table,
    _violation,
)
from agroal.wire.words import FORGETTING, TAGS, is_suspicious

MOST_HELD: Final = 131_000
"""Bytes of a message that are held back until it is whole. The shared buffer has room for more to come."""

_F, _B = Frontend, Backend
FRONTEND_ACTIONS: Final = _table(
    passed=(_F.COPY_DATA, _F.FLUSH),
    batch=(_F.EXECUTE, _F.PARSE, _F.BIND, _F.DESCRIBE, _F.CLOSE),
    looked_at=(_F.QUERY, _F.FUNCTION_CALL, _F.SYNC, _F.COPY_DONE, _F.COPY_FAIL, _F.TERMINATE),
)
_COUNTED = (_B.BIND_COMPLETE, _B.ROW_DESCRIPTION, _B.NO_DATA, _B.EMPTY_QUERY_RESPONSE, _B.PORTAL_SUSPENDED)
_LOOKED_AT = (
    _B.READY_FOR_QUERY,
    _B.PARAMETER_STATUS,
    _B.ERROR_RESPONSE,
    _B.COPY_IN_RESPONSE,
    _B.COPY_BOTH_RESPONSE,
    _B.COMMAND_COMPLETE,
    _B.PARSE_COMPLETE,
    _B.CLOSE_COMPLETE,
)
BACKEND_ACTIONS: Final = _table(
    passed=tuple(kind for kind in _B if kind not in _NOT_AFTER_LOGIN + _LOOKED_AT + _COUNTED),
    batch=_COUNTED,
    looked_at=_LOOKED_AT,
)
QUERY: Final = int(_F.QUERY)
PARSE: Final = int(_F.PARSE)
BIND: Final = int(_F.BIND)
CLOSE: Final = int(_F.CLOSE)
FUNCTION_CALL: Final = int(_F.FUNCTION_CALL)
STATEMENT: Final = ord("S")
_WITH_WORDS = bytes((QUERY, PARSE, BIND, CLOSE, DESCRIBE))
COMMAND_COMPLETE: Final = int(_B.COMMAND_COMPLETE)
PARSE_COMPLETE: Final = int(_B.PARSE_COMPLETE)
CLOSE_COMPLETE: Final = int(_B.CLOSE_COMPLETE)
DIGITS: Final = b"0123456789"
"""What the tags of most commands end with: the number of rows. None of TAGS does."""
_PLAIN_READY, _PLAIN_ANSWER = (int, tuple, NoneType), (int, NoneType)
"""What the answer to a message of the client's own is expected by (`TurnTally.expected`)."""
_COPY_BEGINS = (_B.COPY_IN_RESPONSE, _B.COPY_BOTH_RESPONSE)


class HaltingFrontend(Scanner):
    """Walks what a client of the transaction pipeline sends."""

    __slots__ = ()
    tally: TurnTally

    def walk_from(self, buffer: bytearray | bytes, at: int, end: int) -> int:
        """Walk `buffer[at:end]`. Returns where it halted, or `end`. If there is anything in `cut`, it begins there.

        Raises ProtocolViolation at a message that may not be sent here.
        """
        at += self.skip
        tally, last = self.tally, end - HEADER
        while at <= last:
            kind, length = _header(buffer, at)
            if length < 4 or not FRONTEND_ACTIONS[kind]:
                raise _violation("client", kind, length)
            behind = at + length + 1
            if kind == DESCRIBE and buffer.startswith(USUAL_END, at, end) and not tally.copying:
                tally.queries += 1  # the Execute; what else these two would count ends with the Sync
                tally.requested(SYNC)
                behind = at + len(USUAL_END)
            elif kind in _WITH_WORDS:
                if not self._is_plain(kind, buffer, at, behind, end):
                    self.skip = 0
                    return at
            elif kind in (SYNC, FUNCTION_CALL):
                tally.requested(kind)
            elif kind == EXECUTE:
                tally.batched()
                tally.queries += 1
            elif kind == TERMINATE:
                self.skip = 0
                return at
            elif kind in (COPY_DONE, COPY_FAIL):
                tally.copy_ended()
            at = behind
        if at >= end:
            self.skip = at - end
            return end
        self.skip = 0
        self.cut = bytes(buffer[at:end])
        return at

    def _is_plain(self, kind: int, buffer: bytearray | bytes, at: int, behind: int, end: int) -> bool:
        """Whether the message can go as it is; then it has been counted.

        If it is not whole yet, what there is of it is held back.
        """
        tally, body = self.tally, at + HEADER
        whole = body + 2 <= behind <= end
        if not whole and self._halts_early(kind, buffer, at, behind, end):
            return False
        if kind == BIND:
            named = whole and (buffer[body] or buffer[body + 1])  # mostly neither portal nor statement has a name
            if whole and (named or tally.stale) and _halts_at_bind(buffer, body, behind, tally.stale):
                return False
            tally.batched()
        elif kind == QUERY:
            if whole and is_suspicious(buffer, body, behind):
                return False
            tally.requested(kind)
        elif kind == PARSE:
            if whole and (buffer[body] or is_suspicious(buffer, body + 1, behind)):
                return False
            tally.batched(PARSED)
            if not tally.skipping:
                tally.unnamed = bytes(buffer[at:behind])
                tally.stale = False
        else:
            is_statement = whole and buffer[body] == STATEMENT
            if is_statement and (buffer[body + 1] or tally.stale):
                return False
            tally.batched(CLOSED if kind == CLOSE else None)
            if is_statement and kind == CLOSE and not tally.skipping:
                tally.unnamed = None
        return True

    def _halts_early(self, kind: int, buffer: bytearray | bytes, at: int, behind: int, end: int) -> bool:
        """Whether to halt at a message that is not whole yet; or is malformed, as the server will say."""
        body = at + HEADER
        halts: bool | None
        if behind < body + 2:
            halts = False
        elif kind == BIND:
            halts = _halts_at_bind(buffer, body, end, self.tally.stale)
        else:
            halts = None if behind - at <= MOST_HELD else True
        if halts is None:
            if end - at > MOST_HELD:
                raise ProtocolViolation("invalid message: a name is too long")
            self.cut = bytes(buffer[at:end])
        return halts is not False


def _halts_at_bind(buffer: bytearray | bytes, body: int, stop: int, stale: bool) -> bool | None:
    """Whether a Bind names its statement, or means an unnamed one that is stale; None while the names have not come."""
    portal_end = buffer.find(0, body, stop)
    if portal_end < 0 or portal_end + 1 >= stop:
        return None
    if buffer[portal_end + 1] == 0:
        return stale
    return True if buffer.find(0, portal_end + 1, stop) >= 0 else None


class HaltingBackend(Scanner):
    """Walks what a server sends to such a client."""

    __slots__ = ()
    tally: TurnTally

    def walk_from(self, buffer: bytearray | bytes, at: int, end: int) -> int:
        """Walk `buffer[at:end]`. Returns where it halted, or `end`. If there is anything in `cut`, it begins there.

        Raises ProtocolViolation at a message that may not be sent here.
        """
        at += self.skip
        tally, last = self.tally, end - HEADER
        while at <= last:
            kind, length = _header(buffer, at)
            action = BACKEND_ACTIONS[kind]
            if length < 4 or not action:
                raise _violation("server", kind, length)
            behind = at + length + 1
            if action == BATCH:
                tally.done += 1
            elif action == LOOK:
                if kind == READY_FOR_QUERY and length != 5:
                    raise _violation("server", kind, length)
                if behind > end and length <= MAX_LOOKED_AT:
                    self.skip = 0
                    self.cut = bytes(buffer[at:end])
                    return at
                if kind == COMMAND_COMPLETE and behind <= end and buffer[behind - 2] in DIGITS:
                    tally.done += 1
                elif not self._is_plain(kind, buffer, at, length, end):
                    self.skip = 0
                    return at
            at = behind
        if at >= end:
            self.skip = at - end
            return end
        self.skip = 0
        self.cut = bytes(buffer[at:end])
        return at

    def _is_plain(self, kind: int, buffer: bytearray | bytes, at: int, length: int, end: int) -> bool:
        """Whether the message can go as it is; then it has been counted."""
        tally, body = self.tally, at + HEADER
        if kind == READY_FOR_QUERY:
            if not isinstance(tally.next(), _PLAIN_READY):
                return False
            tally.ready(buffer[body])
        elif kind == COMMAND_COMPLETE:
            tag = bytes(buffer[body : at + length])
            if tag in FORGETTING:
                return False
            tally.done += 1
            if tag in TAGS:
                tally.tags.append(tag)
        elif kind in (PARSE_COMPLETE, CLOSE_COMPLETE):
            if not isinstance(tally.next(), _PLAIN_ANSWER):
                return False
            tally.answered(PARSED if kind == PARSE_COMPLETE else CLOSED)
        elif kind == Backend.PARAMETER_STATUS:
            tally.reported = True
            if length > MAX_LOOKED_AT:
                tally.owed += 1  # can't be followed, and a count that never comes down closes the server
            else:
                note_parameter(bytes(buffer[body : at + length + 1]), tally.parameters)
        elif kind in _COPY_BEGINS:
            tally.copy_began()
        return kind != Backend.ERROR_RESPONSE
