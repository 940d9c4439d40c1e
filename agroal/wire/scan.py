"""Where messages end: the only thing that a relay has to know of every byte it passes on.

A scanner walks the message headers of a stream that arrives in arbitrary pieces. It never collects a message: it
remembers how many bytes of the current one are still to come (`skip`), or the piece that was cut of something it must
see whole (`cut`).

One scanner looks at each direction of a link, and both write into one `Tally`, from which is read whether the server
can be reused. The tally never under-counts what the server owes: every Query, FunctionCall and Sync is counted as
owing one ReadyForQuery, although the server skips a Query behind an error in a batch. (The Sync that it ignores because
a COPY has begun is told apart: drivers send one with each COPY FROM STDIN.) A count that does not come down to zero
closes the server; it never hands on a dirty one.

This is the readable reference. What it costs is counted in nanoseconds per message: no object is made, no method is
called for a message that nobody needs to look at.
"""

from __future__ import annotations

import struct
from typing import Final

from agroal.errors import ProtocolViolation
from agroal.wire.backend import note_parameter
from agroal.wire.codes import Backend, Frontend, Status
from agroal.wire.fields import parse_fields

_header = struct.Struct("!Bi").unpack_from  # the length is signed: what is too long is negative

HEADER: Final = 5
USUAL_END: Final = b"D\0\0\0\x06P\0" + b"E\0\0\0\x09\0\0\0\0\0" + b"S\0\0\0\x04"
"""What most drivers end a batch with, behind its Bind: Describe and Execute of the portal without a name, and Sync."""

# Plain integers: a comparison with an enum's member costs an attribute look-up per message.
DESCRIBE: Final = int(Frontend.DESCRIBE)
EXECUTE: Final = int(Frontend.EXECUTE)
SYNC: Final = int(Frontend.SYNC)
TERMINATE: Final = int(Frontend.TERMINATE)
COPY_DONE: Final = int(Frontend.COPY_DONE)
COPY_FAIL: Final = int(Frontend.COPY_FAIL)
READY_FOR_QUERY: Final = int(Backend.READY_FOR_QUERY)
IDLE: Final = int(Status.IDLE)

ILLEGAL: Final = 0
PASS: Final = 1
BATCH: Final = 2
LOOK: Final = 3


def _table(**kinds: tuple[int, ...]) -> bytes:
    """A byte per message type: what the walk does with it."""
    table = bytearray(256)
    for action, members in ((PASS, kinds["passed"]), (BATCH, kinds["batch"]), (LOOK, kinds["looked_at"])):
        for kind in members:
            table[kind] = action
    return bytes(table)


_F = Frontend
FRONTEND_ACTIONS: Final = _table(
    passed=(_F.COPY_DATA, _F.FLUSH),  # Flush alone leaves nothing behind
    batch=(_F.PARSE, _F.BIND, _F.DESCRIBE, _F.EXECUTE, _F.CLOSE),
    looked_at=(_F.QUERY, _F.FUNCTION_CALL, _F.SYNC, _F.TERMINATE, _F.COPY_DONE, _F.COPY_FAIL),
)
_NOT_AFTER_LOGIN = (Backend.AUTHENTICATION, Backend.BACKEND_KEY_DATA, Backend.NEGOTIATE_PROTOCOL_VERSION)
_LOOKED_AT = (
    Backend.READY_FOR_QUERY,
    Backend.PARAMETER_STATUS,
    Backend.ERROR_RESPONSE,
    Backend.COPY_IN_RESPONSE,
    Backend.COPY_BOTH_RESPONSE,
)
BACKEND_ACTIONS: Final = _table(
    passed=tuple(kind for kind in Backend if kind not in _NOT_AFTER_LOGIN + _LOOKED_AT), batch=(), looked_at=_LOOKED_AT
)

MAX_LOOKED_AT: Final = 65_536
"""Bytes of a message that are collected to be looked at. A longer ParameterStatus makes its server unfit for reuse."""


class Tally:
    """What has been said on a link: what the server owes, and the counters."""

    __slots__ = (
        "_copy_ended",
        "_ended_before",
        "_synced",
        "batch_open",
        "copying",
        "errors",
        "fatal",
        "owed",
        "parameters",
        "queries",
        "status",
        "transactions",
    )

    def __init__(self, parameters: dict[str, str]) -> None:
        self.owed = 0
        """ReadyForQuery messages that the server has still to send, at most."""
        self.batch_open = False
        """Messages of the extended protocol have been sent and no Sync behind them."""
        self.status: int = Status.IDLE
        """The transaction status of the last ReadyForQuery."""
        self.parameters = parameters
        """The server's reported settings, kept up to date."""
        self.fatal = ""
        """What the server said when it ended the session: SQLSTATE and message."""
        self.queries = 0
        self.transactions = 0
        self.errors = 0
        self.copying = False
        """The server takes COPY data: it ignores a Sync."""
        self._synced = False
        """What owes the last ReadyForQuery is a Sync."""
        self._copy_ended = False
        """A CopyDone or CopyFail has been sent since, although no COPY was known of."""
        self._ended_before = False
        """One had been sent before it."""

    def requested(self, kind: int) -> None:
        """A Query, a FunctionCall or a Sync goes to the server."""
        synced = kind == SYNC
        if not synced:
            self.queries += 1
        elif self.copying:
            return
        self.owed += 1
        self.batch_open = False
        self._synced = synced
        self._ended_before, self._copy_ended = self._copy_ended, False

    def copy_ended(self) -> None:
        """A CopyDone or CopyFail goes to the server."""
        self._copy_ended = not self.copying
        self.copying = False

    def copy_began(self) -> None:
        """The server takes COPY data. The Sync that came along with the statement is lost, unless all data did too."""
        if self._copy_ended or self._ended_before or self.owed != 1:
            return
        self.copying = True
        if self._synced:
            self.owed = 0
            self.batch_open = True


class Scanner:
    """What both directions share: a position in a stream of messages."""

    __slots__ = ("cut", "needed", "skip", "tally")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.skip = 0
        """Bytes of the current message that are still to come, and may pass unseen."""
        self.cut = b""
        """The beginning of a header, or of a message that is looked at, whose end has not come yet."""
        self.needed = HEADER
        """How long `cut` must grow to be whole."""

    @property
    def between_messages(self) -> bool:
        """The last byte seen ended a message."""
        return not self.skip and not self.cut

    def walk(self, buffer: bytearray | bytes, end: int) -> int:
        """Walk `buffer[:end]`. Returns how many of these bytes are for the other side.

        Raises ProtocolViolation at a message that may not be sent here.
        """
        raise NotImplementedError

    def _mend(self, buffer: bytearray | bytes, end: int) -> int:
        """Complete what was cut. Returns where the next message begins; `end` or beyond when that has not come."""
        taken = 0
        while self.cut:
            piece = min(end - taken, self.needed - len(self.cut))
            whole = self.cut + bytes(buffer[taken : taken + piece])
            taken += piece
            if len(whole) < self.needed:
                self.cut = whole
                return end
            self.cut, self.skip = b"", 0
            self.walk(whole, len(whole))
        return taken + self.skip

    def _keep(self, piece: bytes, needed: int) -> None:
        self.cut, self.needed, self.skip = piece, needed, 0


class FrontendScanner(Scanner):
    """Walks what a client sends. All of it is for the server, except Terminate and what is behind it."""

    __slots__ = ()

    def walk(self, buffer: bytearray | bytes, end: int) -> int:
        at = self._mend(buffer, end) if self.cut else self.skip
        tally, last = self.tally, end - HEADER
        while at <= last:
            kind, length = _header(buffer, at)
            action = FRONTEND_ACTIONS[kind]
            if length < 4 or not action:
                raise _violation("client", kind, length)
            if action == BATCH:
                tally.batch_open = True
                if kind == EXECUTE:
                    tally.queries += 1
                elif kind == DESCRIBE and buffer.startswith(USUAL_END, at, end):
                    tally.queries += 1
                    tally.requested(SYNC)
                    at += len(USUAL_END)
                    continue
            elif action == LOOK:
                if kind == TERMINATE:
                    self.skip = 0
                    return at
                if kind in (COPY_DONE, COPY_FAIL):
                    tally.copy_ended()
                else:
                    tally.requested(kind)
            at += length + 1
        if at >= end:
            self.skip = at - end
        elif buffer[at] == TERMINATE:  # its first byte says it all, and must not reach the server
            self.skip = 0
            return at
        else:
            self._keep(bytes(buffer[at:end]), HEADER)
        return end


class BackendScanner(Scanner):
    """Walks what a server sends. All of it is for the client."""

    __slots__ = ()

    def walk(self, buffer: bytearray | bytes, end: int) -> int:
        at = self._mend(buffer, end) if self.cut else self.skip
        tally, last = self.tally, end - HEADER
        while at <= last:
            kind, length = _header(buffer, at)
            action = BACKEND_ACTIONS[kind]
            if length < 4 or not action:
                raise _violation("server", kind, length)
            behind = at + length + 1
            if action == LOOK:
                if kind == READY_FOR_QUERY and length != 5:
                    raise _violation("server", kind, length)
                if behind > end and length <= MAX_LOOKED_AT:
                    self._keep(bytes(buffer[at:end]), length + 1)
                    return end
                if kind == READY_FOR_QUERY:
                    tally.owed -= 1
                    tally.status = status = buffer[at + HEADER]
                    if status == IDLE:
                        tally.transactions += 1
                else:
                    self._look(kind, bytes(buffer[at + HEADER : behind]), length)
            at = behind
        if at >= end:
            self.skip = at - end
        else:
            self._keep(bytes(buffer[at:end]), HEADER)
        return end

    def _look(self, kind: int, body: bytes, length: int) -> None:
        """What is no ReadyForQuery; only the beginning of one that is too long."""
        tally = self.tally
        if kind in (Backend.COPY_IN_RESPONSE, Backend.COPY_BOTH_RESPONSE):
            tally.copy_began()
        elif kind == Backend.ERROR_RESPONSE:
            tally.errors += 1
            tally.copying = False
            fields = parse_fields(body)
            if fields.get("V", fields.get("S")) in ("FATAL", "PANIC"):
                tally.fatal = f"{fields.get('C', '?????')} {fields.get('M', '')}"
        elif length > MAX_LOOKED_AT:
            tally.owed += 1  # can't be followed, and a count that never comes down closes the server
        else:
            note_parameter(body, tally.parameters)


def _violation(sender: str, kind: int, length: int) -> ProtocolViolation:
    name = f'"{chr(kind)}"' if 33 <= kind <= 126 else f"{kind:#04x}"
    return ProtocolViolation(
        f"the {sender} sent what the protocol does not allow here",
        detail=f"A message of type {name} that claims a length of {length & 0xFFFF_FFFF} bytes.",
    )
