"""Answers to a client of the transaction pipeline, where the walk halts: errors, and answers to what we have added."""

from __future__ import annotations

import re
import struct
from typing import Final

from agroal.errors import ProtocolViolation
from agroal.pipeline.statements import Again, Answer, Luggage, Statement
from agroal.pipeline.turn import Turn
from agroal.wire.codes import Backend, Frontend
from agroal.wire.expectations import CLOSED, PARSED, SYNCED
from agroal.wire.fields import message, parse_fields
from agroal.wire.scan import HEADER

CHANGED, FORGOTTEN, DUPLICATE = "0A000", "26000", "42P05"
"""What a server says of a prepared statement whose tables were altered, that it does not have, or has already."""
OUTDATED: Final = "cached plan must not change result type"
_length = struct.Struct("!i").unpack_from


class Answering:
    """Turns what the server has sent into what the client is sent."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.again: bytes | None = None
        """What the client had sent, and is to be sent once more."""
        self._ours = re.compile(re.escape(turn.known.prefix) + rb"(?:\d+|void)")

    def look(self, buffer: bytearray | bytes, start: int, at: int, end: int) -> bytes:
        """The walk of `buffer[start:end]` has halted at `at`. Returns what to send. Raises ProtocolViolation."""
        turn, backend = self._turn, self._turn.backend
        out = [bytes(buffer[start:at])]
        while at < end and not backend.cut:
            behind = at + _length(buffer, at + 1)[0] + 1
            whole = bytes(buffer[at : min(behind, end)])
            match buffer[at]:
                case Backend.ERROR_RESPONSE:
                    out.append(self._error(whole, heard=any(out)))
                case Backend.READY_FOR_QUERY:
                    self._ready_again(whole[HEADER])
                case Backend.COMMAND_COMPLETE:
                    out.append(self._forgotten(whole))
                case kind:
                    out.append(self._answer(kind, whole))
            if behind > end:
                backend.skip = behind - end
                break
            at = backend.walk_from(buffer, behind, end)
            out.append(bytes(buffer[behind:at]))
        sent = b"".join(out)
        if sent:
            turn.tally.retry = None
        return sent

    def _answer(self, kind: int, whole: bytes) -> bytes:
        answer = self._turn.tally.take_next()
        self._turn.tally.done += 1
        if not isinstance(answer, Answer) or answer.kind != (PARSED if kind == Backend.PARSE_COMPLETE else CLOSED):
            raise ProtocolViolation("the server sent an answer that nobody had asked for")
        if answer.kind == PARSED and answer.statement:
            self._is_there(answer.statement)
        return whole if answer.is_for_client else b""

    def _is_there(self, statement: Statement) -> None:
        """That may be news: an earlier batch had failed to prepare it."""
        luggage, expected = self._turn.luggage, self._turn.tally.expected
        if statement in luggage.prepared:
            return
        if not any(isinstance(one, Answer) and one.statement is statement for one in expected):
            luggage.prepared[statement] = None
            luggage.doubtful.add(statement)

    def _forgotten(self, whole: bytes) -> bytes:
        """Prepared statements are deallocated."""
        turn, tag = self._turn, whole[HEADER:-1]
        turn.tally.done += 1
        gone = turn.going.popleft() if turn.going else None
        if tag != b"DEALLOCATE":
            turn.luggage.doubt()
            if gone is None:
                turn.names.clear()
        if tag != b"DEALLOCATE" or not gone:  # else it was none that SQL had prepared
            turn.tally.tags.append(tag)
        return whole

    # -- errors

    def _error(self, whole: bytes, *, heard: bool) -> bytes:
        turn = self._turn
        tally = turn.tally
        fields = parse_fields(whole[HEADER:])
        if fields.get("V", fields.get("S")) in ("FATAL", "PANIC"):
            tally.fatal = f"{fields.get('C', '?????')} {fields.get('M', '')}"
        alone = tally.owed == 1 and not tally.batch_open
        given_up = tally.failed()
        for one in reversed(given_up):
            self._undo(one)
        while turn.going:
            turn.names = turn.going.popleft() | turn.names
        code = fields.get("C", "")
        outdated = code == CHANGED and fields.get("M") == OUTDATED
        first = given_up[0] if given_up else None
        there = first.statement if isinstance(first, Answer) and code == DUPLICATE else None
        if there:
            turn.luggage.prepared[there] = None
            turn.luggage.doubtful.add(there)
        if isinstance(first, Answer) and first.duplicate:
            turn.aliases[turn.known.void] = first.duplicate
        lost = code == FORGOTTEN and self._ours.search(whole)
        if outdated:
            for statement in turn.bound:
                turn.known.outdate(statement)
        if outdated or lost or there:
            turn.luggage.doubtful.update(one for one in turn.bound if one in turn.luggage.prepared)
            if turn.tally.retry and alone and not heard and not (outdated and not _describes(turn.tally.retry)):
                tally.expected[0] = Again(turn.tally.retry)
                return b""
        return self._in_its_words(whole)

    def _undo(self, given_up: object) -> None:
        """This will not be answered: an error was before it."""
        turn = self._turn
        luggage: Luggage = turn.luggage
        if given_up == PARSED:
            if PARSED not in turn.tally.expected:  # whether there is still an unnamed statement is not known
                turn.tally.unnamed, luggage.unnamed, turn.tally.stale = None, b"", True
            return
        if not isinstance(given_up, Answer):  # nor whether a Close or a Query has dropped it
            luggage.unnamed, turn.tally.stale = b"", True
            return
        if given_up.name is not None and given_up.meant:
            self._undo_name(given_up.kind, given_up.name, given_up.meant)
        if given_up.statement and given_up.kind == PARSED:
            luggage.prepared.pop(given_up.statement, None)
        elif given_up.statement:
            luggage.prepared[given_up.statement] = None
            luggage.doubtful.add(given_up.statement)
        elif given_up.kind == PARSED and not given_up.is_for_client:
            luggage.unnamed, turn.tally.stale = b"", True

    def _undo_name(self, kind: int, name: bytes, meant: Statement) -> None:
        """The client has not prepared this, or has not closed it, under this name."""
        turn = self._turn
        if kind == CLOSED:
            turn.names[name] = meant
        elif turn.names.get(name) is meant:
            del turn.names[name]
        for gone in turn.going:  # what was not prepared is not deallocated either
            if kind == PARSED and gone.get(name) is meant:
                del gone[name]

    def _in_its_words(self, whole: bytes) -> bytes:
        """The error under the names that the client knows."""
        names = {statement.name: name for name, statement in self._turn.names.items()}
        names |= self._turn.aliases
        names |= {statement.name: name for statement, name in self._turn.bound.items()}
        changed = self._ours.sub(lambda found: names.get(found[0], found[0]), whole[HEADER:])
        return message(Backend.ERROR_RESPONSE, changed) if changed != whole[HEADER:] else whole

    def _ready_again(self, status: int) -> None:
        """The error was one that the client need not hear of."""
        tally = self._turn.tally
        again = tally.expected[0]
        if not isinstance(again, Again):
            raise ProtocolViolation("the server left out an answer")
        tally.expected[0] = SYNCED
        tally.ready(status)
        tally.transactions -= 1
        tally.errors -= 1
        self.again = again.batch


def _describes(batch: bytes) -> bool:
    """Whether a batch asks for the shape of its rows: then it may have another than before."""
    at = 0
    while at + HEADER < len(batch):
        if batch[at] == Frontend.DESCRIBE:
            return True
        at += _length(batch, at + 1)[0] + 1
    return False
