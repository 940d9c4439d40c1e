"""What is said to a server between two clients: reset after the one, adopt the settings of the next."""

from __future__ import annotations

from collections.abc import Mapping

from agroal.errors import AgroalError, ServerRefused
from agroal.wire import frontend
from agroal.wire.backend import note_parameter
from agroal.wire.codes import Backend, Status
from agroal.wire.fields import parse_fields
from agroal.wire.talk import Talk, read_message

_ASYNCHRONOUS = (Backend.NOTICE_RESPONSE, Backend.NOTIFICATION_RESPONSE)
_RESULTS = (
    Backend.COMMAND_COMPLETE,
    Backend.EMPTY_QUERY_RESPONSE,
    Backend.ROW_DESCRIPTION,
    Backend.DATA_ROW,
    Backend.PARSE_COMPLETE,
    Backend.BIND_COMPLETE,
)


class OutOfStep(AgroalError):
    """The server's answer is not one to what was asked: nothing that it says can be trusted any more."""


def reset(status: int, query: str, parameters: dict[str, str]) -> Talk[None]:
    """Make a server as good as new: end its transaction, then run the reset query.

    `parameters` are its reported settings, kept up to date. Raises ServerRefused when it can't do it, OutOfStep.
    """
    if status != Status.IDLE:
        yield from _run(frontend.query("ROLLBACK"), parameters)
    if query:
        yield from _run(frontend.query(query), parameters)


def probe(parameters: dict[str, str]) -> Talk[None]:
    """Ask a server whether it still works. Raises ServerRefused, OutOfStep."""
    yield from _run(frontend.query("SELECT 1"), parameters)


def adopt(wanted: Mapping[str, str], parameters: dict[str, str]) -> Talk[None]:
    """Give the server the settings that its next client asked for, in one round trip, and only where they differ.

    `parameters` are the server's reported settings, kept up to date; a setting that is not reported always differs.
    The values are bound, never pasted into SQL. Raises ServerRefused with PostgreSQL's own words, OutOfStep.
    """
    different = [(name, value) for name, value in wanted.items() if parameters.get(name) != value]
    if not different:
        return
    calls = [f"pg_catalog.set_config(${at}, ${at + 1}, false)" for at in range(1, 2 * len(different), 2)]
    values = [text for pair in different for text in pair]
    yield from _run(frontend.extended_query("SELECT " + ", ".join(calls), values), parameters)


def _run(request: bytes, parameters: dict[str, str]) -> Talk[None]:
    """Send one request and read up to its ReadyForQuery, which must say that no transaction is open."""
    yield request
    refusal: ServerRefused | None = None
    while True:
        kind, body = yield from read_message()
        if kind == Backend.READY_FOR_QUERY:
            break
        if kind == Backend.PARAMETER_STATUS:
            note_parameter(body, parameters)
        elif kind == Backend.ERROR_RESPONSE:
            refusal = ServerRefused(parse_fields(body))
        elif kind not in _ASYNCHRONOUS and kind not in _RESULTS:
            raise OutOfStep(f'unexpected message type "{chr(kind)}" from the server')
    if body != bytes([Status.IDLE]):
        raise OutOfStep("a transaction is open where none can be")
    if refusal:
        raise refusal
