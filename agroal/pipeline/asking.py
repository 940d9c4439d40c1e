"""Requests of a client in the transaction pipeline, where the walk halts: statements with names, telling texts."""

from __future__ import annotations

import struct
from typing import Final

from agroal.errors import ProtocolViolation
from agroal.pipeline.evidence import NOTHING, Evidence, Trace, read
from agroal.pipeline.forgetting import forget, prepare_void, renamed
from agroal.pipeline.statements import (
    Answer,
    Statement,
    bind_beginning,
    close_message,
    describe_message,
    is_in_question,
    parse_message,
)
from agroal.pipeline.turn import Turn
from agroal.wire.expectations import CLOSED, PARSED, QUERY
from agroal.wire.fields import message
from agroal.wire.halting import BIND, CLOSE, PARSE
from agroal.wire.scan import DESCRIBE, HEADER, IDLE, TERMINATE

OVERLAP: Final = 64
"""Bytes of a long text that are read twice, so that no word is cut."""
LONGEST_NAME: Final = 63
"""Bytes of a name that PostgreSQL knows (NAMEDATALEN - 1)."""
_length = struct.Struct("!i").unpack_from


class Asking:
    """Turns what the client has sent into what the server is sent."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._out: list[bytes | bytearray] = []

    def look(self, buffer: bytearray | bytes, start: int, at: int, end: int) -> tuple[bytes, bool]:
        """The walk of `buffer[start:end]` has halted at `at`. Returns what to send, and whether it was a goodbye.

        Raises ProtocolViolation.
        """
        turn, tally, frontend, out = self._turn, self._turn.tally, self._turn.frontend, self._out
        out.append(buffer[start:at])
        begins = tally.owed == 0 and not tally.batch_open and tally.status == IDLE
        goodbye = False
        if begins:
            turn.bound.clear()
        while at < end and not frontend.cut:
            if buffer[at] == TERMINATE:
                goodbye = True
                break
            behind = at + _length(buffer, at + 1)[0] + 1
            rest = self._send(buffer, at, behind, end)
            out.append(buffer[rest : min(behind, end)])
            if behind > end:
                frontend.skip = behind - end
                break
            at = frontend.walk_from(buffer, behind, end)
            out.append(buffer[behind:at])
        sent = b"".join(out)
        out.clear()
        once = begins and turn.bound and not turn.retried and self._is_one_batch()
        tally.retry = bytes(buffer[start:end]) if once else None
        turn.retried = False
        return sent, goodbye

    def _is_one_batch(self) -> bool:
        tally, frontend = self._turn.tally, self._turn.frontend
        return tally.owed == 1 and not tally.batch_open and not frontend.skip and not frontend.cut

    def read_on(self, text: bytes) -> None:
        """More of a long text has come, or the end of it."""
        turn = self._turn
        assert turn.tally.overlap is not None
        self._note(turn.tally.overlap + text)
        turn.tally.overlap = text[-OVERLAP:] if turn.frontend.skip > len(text) else None

    def _send(self, buffer: bytearray | bytes, at: int, behind: int, end: int) -> int:
        """Send one message. Returns from where on it goes as it is."""
        kind, tally = buffer[at], self._turn.tally
        body = at + HEADER
        if kind == QUERY:
            return self._query(buffer, at, behind, end)
        if tally.skipping:
            tally.batched()
            return at
        if kind == PARSE:
            return self._parse(buffer, at, behind, end)
        if kind == BIND:
            return self._bind(buffer, at, behind)
        if behind > end:
            raise ProtocolViolation("invalid message: a name is too long")
        if buffer.find(0, body + 1, behind) != behind - 1:  # malformed, as the server will say
            tally.batched(CLOSED if kind == CLOSE else None)
            return at
        name = bytes(buffer[body + 1 : behind - 1])
        if kind == DESCRIBE:
            return self._describe(name, at, behind)
        return self._close(name, at, behind)

    def _note(self, text: bytes) -> None:
        evidence = read(text)
        if evidence != NOTHING:
            self._turn.seen.append(evidence)

    # -- texts

    def _query(self, buffer: bytearray | bytes, at: int, behind: int, end: int) -> int:
        turn = self._turn
        text = bytes(buffer[at + HEADER : min(behind, end)])
        evidence = read(text)
        if behind > end:
            turn.tally.overlap = text[-OVERLAP:]
        if turn.tally.skipping or evidence == NOTHING:
            turn.tally.requested(QUERY)
            return at
        turn.seen.append(evidence)
        changed = text if behind > end else renamed(turn, text, evidence)
        self._out.append(forget(turn, evidence))
        turn.tally.requested(QUERY)
        if changed == text:
            return at
        self._out.append(message(QUERY, changed))
        return behind

    # -- statements

    def _parse(self, buffer: bytearray | bytes, at: int, behind: int, end: int) -> int:
        turn, body = self._turn, at + HEADER
        name_end = buffer.find(0, body, min(behind, end))
        name, rest = bytes(buffer[body:name_end]), bytes(buffer[name_end + 1 : min(behind, end)])
        if name_end < 0 or not _is_text(name):
            return self._pass_on_parse(name, at)
        text, _, types = rest.partition(b"\0")
        evidence = read(text)
        if behind > end:
            turn.tally.overlap = rest[-OVERLAP:]
            if not name:
                turn.tally.unnamed, turn.tally.stale = rest[:OVERLAP], False
            self._note(rest)
            return self._pass_on_parse(name, at)
        if evidence.deallocates:
            rest = renamed(turn, text, evidence) + b"\0" + types
        if name:
            self._parse_named(name, rest, evidence)
            return behind
        unnamed = parse_message(b"", rest)
        turn.tally.batched(PARSED)
        turn.tally.unnamed = turn.luggage.unnamed = unnamed
        turn.tally.stale = evidence != NOTHING
        turn.unnamed_evidence = (unnamed, evidence) if evidence != NOTHING else None
        self._out.append(unnamed)
        return behind

    def _pass_on_parse(self, name: bytes, at: int) -> int:
        """One that can't be followed: if the server takes it, its client has to keep that server."""
        turn = self._turn
        turn.traces.left.add(Trace.LONG_STATEMENT)
        if name:
            turn.names[name] = Statement(name, b"")
        turn.tally.batched(Answer(PARSED, is_for_client=True, name=name or None, meant=turn.names.get(name)))
        return at

    def _parse_named(self, name: bytes, rest: bytes, evidence: Evidence) -> None:
        turn, tally, out = self._turn, self._turn.tally, self._out
        known, luggage = turn.known, turn.luggage
        full, name = name, name[:LONGEST_NAME]
        if name in turn.names:  # PostgreSQL says that there is one already, in its own words
            out.append(prepare_void(turn) + parse_message(known.void, rest))
            tally.batched(Answer(PARSED, is_for_client=True, duplicate=full))
            return
        if turn.traces.prepared:  # by SQL, and perhaps under this name: this server knows
            turn.traces.prepared += 1
            statement = Statement(name, b"")
        else:
            statement = known.get(rest, turn.dialect, evidence)
        turn.names[name] = statement
        if statement.parse:  # anew, if the server has it: tables may have changed since
            self._make_room(statement)
            luggage.prepared[statement] = None
        shared = statement if statement.parse else None
        tally.batched(Answer(PARSED, is_for_client=True, statement=shared, name=name, meant=statement))
        out.append(parse_message(statement.name, rest))

    def _ensure(self, statement: Statement) -> None:
        """Let the server have it."""
        turn, luggage = self._turn, self._turn.luggage
        if not statement.parse:
            return
        there = statement in luggage.prepared and statement not in luggage.doubtful
        if there and not is_in_question(statement, turn.tally.expected):
            luggage.prepared.move_to_end(statement)
            return
        self._make_room(statement)
        turn.tally.batched(Answer(PARSED, is_for_client=False, statement=statement))
        luggage.prepared[statement] = None
        self._out.append(parse_message(statement.name, statement.parse))

    def _make_room(self, statement: Statement) -> None:
        """Close what the server may have under this name, and what it has not used for longest."""
        luggage = self._turn.luggage
        gone = [statement] if statement in luggage.prepared else []
        if not gone and len(luggage.prepared) >= self._turn.most:
            gone = [next(iter(luggage.prepared))]
        for one in gone:
            del luggage.prepared[one]
            luggage.doubtful.discard(one)
            self._turn.tally.batched(Answer(CLOSED, is_for_client=False, statement=one))
            self._out.append(close_message(one.name))

    def _bind(self, buffer: bytearray | bytes, at: int, behind: int) -> int:
        turn, body = self._turn, at + HEADER
        portal_end = buffer.find(0, body)
        name_end = buffer.find(0, portal_end + 1)
        portal, name = bytes(buffer[body:portal_end]), bytes(buffer[portal_end + 1 : name_end])
        if not name:
            self._refresh_unnamed(executes=True)
            turn.tally.batched()
            return at
        statement = turn.names.get(name[:LONGEST_NAME])
        if statement:
            if statement.evidence is not NOTHING:
                turn.seen.append(statement.evidence)
                self._out.append(forget(turn, statement.evidence))
            self._ensure(statement)
            turn.bound[statement] = name
        turn.tally.batched()
        new = statement.name if statement else self._unknown(name)
        self._out.append(bind_beginning(behind - at - 1, portal, name, new))
        return name_end + 1

    def _describe(self, name: bytes, at: int, behind: int) -> int:
        turn = self._turn
        statement = turn.names.get(name[:LONGEST_NAME])
        if not name:
            self._refresh_unnamed()
        elif statement:
            self._ensure(statement)
            turn.bound[statement] = name
        turn.tally.batched()
        if not name:
            return at
        self._out.append(describe_message(statement.name if statement else self._unknown(name)))
        return behind

    def _close(self, name: bytes, at: int, behind: int) -> int:
        turn = self._turn
        if not name:
            turn.tally.batched(CLOSED)
            turn.tally.unnamed, turn.tally.stale = None, False
            return at
        statement = turn.names.pop(name[:LONGEST_NAME], None)
        if statement is None or not statement.parse:
            turn.tally.batched(CLOSED)
            self._out.append(close_message(self._unknown(name)))
        else:
            turn.tally.batched(Answer(CLOSED, is_for_client=True, name=name[:LONGEST_NAME], meant=statement))
            self._out.append(close_message(turn.known.void))
        return behind

    def _unknown(self, name: bytes) -> bytes:
        """A name that no server knows, so that it says so."""
        return b"?" + name if name.startswith(self._turn.known.prefix) else name

    def _refresh_unnamed(self, *, executes: bool = False) -> None:
        """Let the server have the client's unnamed statement, or none if the client has none."""
        turn, tally = self._turn, self._turn.tally
        if turn.unnamed_evidence and turn.unnamed_evidence[0] is tally.unnamed:
            if executes:
                turn.seen.append(turn.unnamed_evidence[1])
                self._out.append(forget(turn, turn.unnamed_evidence[1]))
        else:
            tally.stale = False
        if turn.luggage.unnamed is tally.unnamed:
            return
        turn.luggage.unnamed = tally.unnamed
        if tally.unnamed is None:
            tally.batched(Answer(CLOSED, is_for_client=False))
            self._out.append(close_message(b""))
        else:
            tally.batched(Answer(PARSED, is_for_client=False))
            self._out.append(tally.unnamed)


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
