"""One client at the console: its messages in, answers and errands out (manual, “Message Flow”).

A generator, so that it reads in the order in which things happen. What it yields is bytes to send, MESSAGE when it
wants the client's next one, or an Errand, whose result is sent in. Whoever runs it sends everything before it goes on:
a client that does not read stops its own talk, and not much more than CHUNK bytes are kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final, cast

from agroal.console.errands import Clerk, Doing, Result
from agroal.console.extended import (
    PORTAL,
    Portal,
    Prepared,
    Shelf,
    parse_bind,
    parse_execute,
    parse_parse,
    parse_target,
)
from agroal.console.identity import Identity
from agroal.console.plans import Columns, Forget, Plan, Transact, columns_of, plan
from agroal.console.tokens import statements
from agroal.console.values import TEXT_FORMAT, data_row, formats_of, row_description
from agroal.errors import ConsoleError, ProtocolViolation
from agroal.management.neutral import neutral
from agroal.wire.backend import notice_response, ready_for_query, welcome
from agroal.wire.codes import Backend, Frontend, Status
from agroal.wire.fields import Message, build_fields, cstring, message, take_cstring
from agroal.wire.talk import MESSAGE

CHUNK: Final = 65_536
"""Bytes of answers that are sent together."""
IGNORED: Final = (Frontend.COPY_DATA, Frontend.COPY_DONE, Frontend.COPY_FAIL)
"""Nothing is copied here. As in PostgreSQL they may come late, and mean nothing then."""

_PARSE_COMPLETE = message(Backend.PARSE_COMPLETE, b"")
_BIND_COMPLETE = message(Backend.BIND_COMPLETE, b"")
_CLOSE_COMPLETE = message(Backend.CLOSE_COMPLETE, b"")
_NO_DATA = message(Backend.NO_DATA, b"")
_NO_PARAMETERS = message(Backend.PARAMETER_DESCRIPTION, b"\0\0")
_EMPTY_QUERY = message(Backend.EMPTY_QUERY_RESPONSE, b"")
_SUSPENDED = message(Backend.PORTAL_SUSPENDED, b"")


class Console:
    """What one client has said that still matters."""

    def __init__(self, identity: Identity, clerk: Clerk) -> None:
        self._identity = identity
        self._clerk = clerk
        self._out = bytearray()
        self._status = Status.IDLE
        self._skipping = False
        """An error has come in the extended protocol: nothing counts before the next Sync."""
        self._prepared: Shelf[Prepared] = Shelf("prepared statement", "26000", "42P05")
        self._portals: Shelf[Portal] = Shelf("portal", "34000", "42P03")

    def converse(self) -> Doing[None]:
        """From the first ReadyForQuery to Terminate. Raises ProtocolViolation for what has no place in the protocol."""
        self._out += welcome(self._identity.reported())
        yield from self._flush()
        while True:
            kind, body = cast(Message, (yield MESSAGE))
            match kind:
                case Frontend.TERMINATE:
                    return
                case Frontend.SYNC:
                    self._skipping = False
                    if self._status is Status.IDLE:
                        self._portals.clear()
                    yield from self._ready()
                case _ if self._skipping or kind in IGNORED:
                    continue
                case Frontend.QUERY:
                    yield from self._query(body)
                case Frontend.FLUSH:
                    yield from self._flush()
                case Frontend.FUNCTION_CALL:
                    self._fail(ConsoleError("0A000", "the console has no functions to call"))
                    yield from self._ready()
                case Frontend.PARSE | Frontend.BIND | Frontend.DESCRIBE | Frontend.EXECUTE | Frontend.CLOSE:
                    yield from self._extended(kind, body)
                case _:
                    raise ProtocolViolation(f"invalid frontend message type {kind}")

    # -- the simple protocol

    def _query(self, body: bytes) -> Doing[None]:
        try:
            planned = self._plans(_only_string(body))
            if not planned:
                self._out += _EMPTY_QUERY
            for one in planned:
                columns = columns_of(one, self._identity.face)
                result = yield from self._execute(one)
                formats = formats_of((), len(columns or ()))
                if columns is not None:
                    self._out += row_description(columns, formats)
                yield from self._complete(result, columns or (), formats)
        except (ConsoleError, ProtocolViolation) as error:
            self._fail(error)
        yield from self._ready()

    def _plans(self, query: str) -> list[Plan]:
        """All or none: what can't be understood to its end is not begun."""
        try:
            query.encode()
        except UnicodeEncodeError:
            raise ConsoleError("22021", 'invalid byte sequence for encoding "UTF8"') from None
        return [plan(statement, self._identity) for statement in statements(query)]

    # -- the extended protocol

    def _extended(self, kind: int, body: bytes) -> Doing[None]:
        try:
            match kind:
                case Frontend.PARSE:
                    self._parse(body)
                case Frontend.BIND:
                    self._bind(body)
                case Frontend.DESCRIBE:
                    self._describe(body)
                case Frontend.CLOSE:
                    what, name = parse_target(body)
                    (self._portals if what == PORTAL else self._prepared).drop(name)
                    self._out += _CLOSE_COMPLETE
                case _:
                    yield from self._execute_portal(*parse_execute(body))
        except (ConsoleError, ProtocolViolation) as error:
            self._fail(error)
            self._skipping = True
        yield from self._flush(beyond=0 if self._skipping else CHUNK)  # an error is told at once

    def _parse(self, body: bytes) -> None:
        name, query = parse_parse(body)
        planned = self._plans(query)
        if len(planned) > 1:
            raise ConsoleError("42601", "cannot insert multiple commands into a prepared statement")
        self._prepared.put(name, Prepared(planned[0] if planned else None))
        self._out += _PARSE_COMPLETE

    def _bind(self, body: bytes) -> None:
        bind = parse_bind(body)
        prepared = self._prepared.get(bind.statement)
        if bind.parameters:
            raise ConsoleError("08P01", f"bind message supplies {bind.parameters} parameters, but there are none here")
        self._portals.put(bind.portal, Portal(prepared, formats_of(bind.formats, len(self._columns(prepared) or ()))))
        self._out += _BIND_COMPLETE

    def _describe(self, body: bytes) -> None:
        what, name = parse_target(body)
        if what == PORTAL:
            portal = self._portals.get(name)
            columns, formats = self._columns(portal.prepared), portal.formats
        else:
            columns = self._columns(self._prepared.get(name))
            formats = (TEXT_FORMAT,) * len(columns or ())
            self._out += _NO_PARAMETERS
        self._out += _NO_DATA if columns is None else row_description(columns, formats)

    def _columns(self, prepared: Prepared) -> Columns | None:
        return columns_of(prepared.plan, self._identity.face) if prepared.plan else None

    def _execute_portal(self, name: str, most: int) -> Doing[None]:
        portal = self._portals.get(name)
        if portal.prepared.plan is None:
            self._out += _EMPTY_QUERY
            return
        if portal.result is None:
            portal.result = yield from self._execute(portal.prepared.plan)
        columns = self._columns(portal.prepared) or ()
        yield from self._complete(portal.result, columns, portal.formats, most)

    # -- both

    def _execute(self, one: Plan) -> Doing[Result]:
        if self._status is Status.FAILED and not (isinstance(one, Transact) and one.tag != "BEGIN"):
            raise ConsoleError(
                "25P02", "current transaction is aborted, commands ignored until end of transaction block"
            )
        match one:
            case Transact(tag):
                ended = Result("ROLLBACK" if self._status is Status.FAILED else tag)
                self._status = Status.IN_TRANSACTION if tag == "BEGIN" else Status.IDLE
                return ended
            case Forget(tag, name):
                if name is None:
                    self._prepared.clear()
                elif not self._prepared.drop(name):
                    raise ConsoleError("26000", f"prepared statement {name[:64]!a} does not exist")
                return Result(tag)
        return (yield from self._clerk.carry_out(one))

    def _complete(self, result: Result, columns: Columns, formats: Sequence[int], most: int = 0) -> Doing[None]:
        """The rows, or so many of them, and how it ended. The client may take its time over them."""
        types = [type_ for _, type_ in columns]
        for row in islice(result.rows, most or None):
            self._out += data_row(row, types, formats)
            yield from self._flush(beyond=CHUNK)
        if most and (following := next(result.rows, None)) is not None:
            result.put_back(following)
            self._out += _SUSPENDED
            return
        for line in result.notices:
            self._out += notice_response(neutral(line))
        self._out += message(Backend.COMMAND_COMPLETE, cstring(result.tag))

    def _fail(self, error: ConsoleError | ProtocolViolation) -> None:
        fields = {**error.fields(), "S": "ERROR", "V": "ERROR"}
        fields["M"] = "\n".join(map(neutral, fields["M"].splitlines()))
        self._out += message(Backend.ERROR_RESPONSE, build_fields(fields))
        if self._status is Status.IN_TRANSACTION:
            self._status = Status.FAILED

    def _ready(self) -> Doing[None]:
        self._out += ready_for_query(self._status)
        yield from self._flush()

    def _flush(self, beyond: int = 0) -> Doing[None]:
        """Send what is kept, if it is more than that."""
        if len(self._out) > beyond:
            out = bytes(self._out)
            self._out.clear()
            yield out


def _only_string(body: bytes) -> str:
    query, end = take_cstring(body, 0)
    if end != len(body):
        raise ProtocolViolation("invalid message format: a query ends at its first zero byte")
    return query
