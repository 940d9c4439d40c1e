"""What is said to a server between two clients: reset after the one, adopt the settings of the next.

The next client is likely to be the last one's twin: the same application, with the same settings in its start-up
packet. So the reset puts the plainest of them back on at once, in the same round trip, and then the twin needs none of
its own. What the server *wears* like this is taken off again when the next client is another: `worn` says what was
underneath.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agroal.errors import AgroalError, ServerRefused
from agroal.wire import frontend
from agroal.wire.answer import ASYNCHRONOUS, REMEMBERED, RESULTS, SHORT, messages
from agroal.wire.backend import note_parameter, parse_data_row, parse_parameter_status
from agroal.wire.codes import Backend, Status
from agroal.wire.fields import parse_fields
from agroal.wire.talk import Talk, read_answer

Settings = tuple[tuple[str, str | None], ...]

WEARABLE: Final[tuple[str, ...]] = ("application_name", "DateStyle", "IntervalStyle", "TimeZone")
"""Settings that do no harm to a server that waits for its next client, and that PostgreSQL reports.

Not client_encoding: it would be that of our own words, too.
"""


class OutOfStep(AgroalError):
    """The server's answer is not one to what was asked: nothing that it says can be trusted any more."""


def reset(
    status: int, query: str, parameters: dict[str, str], last: Mapping[str, str] | None = None
) -> Talk[dict[str, str]]:
    """Make a server as good as new: end its transaction, run the reset query, put on what is wearable of `last`.

    `parameters` are its reported settings, kept up to date, and `last` those that its last client had asked for.
    Returns what it wears: the names, and the values that these settings had without. Raises ServerRefused when it can't
    do it, OutOfStep.
    """
    if status != Status.IDLE:
        yield from _run(frontend.query("ROLLBACK"), parameters)
    if not query:
        return {}
    wear = wearable(last or {}, parameters)
    if not wear:
        yield from _run(_query(query), parameters)
        return {}
    yield undress_and_dress(query, wear)
    refusal = yield from _take_in(parameters)
    bare = {name: parameters[name] for name in wear}
    misfit = yield from _take_in(parameters)
    if refusal:
        raise refusal
    return {} if misfit else bare


def reset_unheard(status: int, query: str, parameters: dict[str, str]) -> Talk[dict[str, str]]:
    """As `reset`, for a server to whose last client nobody has listened.

    PostgreSQL reports a setting when it is another than the one it reported last, and that may have gone past us: so it
    is asked for them all. The server wears nothing.
    """
    yield from reset(status, query, parameters)
    names = tuple(parameters)
    calls = [f"pg_catalog.current_setting(${at}, true)" for at in range(1, len(names) + 1)]
    yield frontend.extended_query("SELECT " + ", ".join(calls), names, leaving_nothing=True)
    said = yield from read_answer()
    if refusal := _note(_understand(said), parameters):
        raise refusal
    rows = [
        parse_data_row(said[start:end]) for kind, start, end in messages(said, len(said)) if kind == Backend.DATA_ROW
    ]
    if [len(row) for row in rows] != [len(names)]:
        raise OutOfStep("the server was asked for its settings, and told something else")
    parameters |= {name: value for name, value in zip(names, rows[0], strict=True) if value is not None}
    return {}


def wearable(last: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """What of its last client's settings is put on a server that reports these."""
    return {name: last[name] for name in WEARABLE if name in last and name in parameters}


def undress_and_dress(query: str, wear: Mapping[str, str]) -> bytes:
    """The request of a reset: the query, and then what is to be put on."""
    return _query(query) + (_set(wear) if wear else b"")


def probe(parameters: dict[str, str]) -> Talk[None]:
    """Ask a server whether it still works. Raises ServerRefused, OutOfStep."""
    yield from _run(_query("SELECT 1"), parameters)


def difference(wanted: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """What has to be set, so that a server with these reported settings has all that is wanted.

    A setting that is not reported always differs.
    """
    return {name: value for name, value in wanted.items() if parameters.get(name) != value}


def adopt(wanted: Mapping[str, str], parameters: dict[str, str]) -> Talk[None]:
    """Give the server the settings that its next client asked for, in one round trip, and only where they differ.

    `parameters` are the server's reported settings, kept up to date. The values are bound, never pasted into SQL.
    Raises ServerRefused with PostgreSQL's own words, OutOfStep.
    """
    if different := difference(wanted, parameters):
        yield from _run(_set(different), parameters)


def _run(request: bytes, parameters: dict[str, str]) -> Talk[None]:
    """Send one request and read its answer."""
    yield request
    if refusal := (yield from _take_in(parameters)):
        raise refusal


def _take_in(parameters: dict[str, str]) -> Talk[ServerRefused | None]:
    """Read one answer, and note what it reports. Raises OutOfStep."""
    said = yield from read_answer()
    return _note((_known_answer if len(said) <= SHORT else _understand)(said), parameters)


def _note(answer: _Answer, parameters: dict[str, str]) -> ServerRefused | None:
    for body in answer.reported:
        note_parameter(body, parameters)
    return ServerRefused(parse_fields(answer.refusal)) if answer.refusal is not None else None


def reported(said: bytes) -> dict[str, str]:
    """The settings that an answer reports. Raises OutOfStep, ProtocolViolation."""
    return dict(parse_parameter_status(body) for body in _understand(said).reported)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is said in an answer that ends as it has to: ready, and no transaction open."""

    reported: tuple[bytes, ...]
    """The bodies of its ParameterStatus."""
    refusal: bytes | None
    """The body of its last ErrorResponse."""


def _understand(said: bytes) -> _Answer:
    reported: list[bytes] = []
    refusal: bytes | None = None
    for kind, start, end in messages(said, len(said)):
        if kind == Backend.PARAMETER_STATUS:
            reported.append(said[start:end])
        elif kind == Backend.ERROR_RESPONSE:
            refusal = said[start:end]
        elif kind == Backend.READY_FOR_QUERY:
            if said[start:end] != bytes([Status.IDLE]):
                raise OutOfStep("a transaction is open where none can be")
        elif kind not in ASYNCHRONOUS and kind not in RESULTS:
            raise OutOfStep(f'unexpected message type "{chr(kind)}" from the server')
    return _Answer(tuple(reported), refusal)


_known_answer = lru_cache(REMEMBERED)(_understand)
_query = lru_cache(16)(frontend.query)


def _set(settings: Mapping[str, str]) -> bytes:
    pairs = tuple(settings.items())
    return (_known_set if sum(len(name) + len(value) for name, value in pairs) <= SHORT else _build_set)(pairs)


def _build_set(settings: Settings) -> bytes:
    calls = [f"pg_catalog.set_config(${at}, ${at + 1}, false)" for at in range(1, 2 * len(settings), 2)]
    values = [text for pair in settings for text in pair]
    return frontend.extended_query("SELECT " + ", ".join(calls), values, leaving_nothing=True)


_known_set = lru_cache(REMEMBERED)(_build_set)


def dress(changes: Iterable[tuple[str, str | None]], parameters: dict[str, str]) -> Talk[None]:
    """Set these settings; None is the value that one had when the connection began (PostgreSQL, `set_config`).

    `parameters` are the server's reported settings, kept up to date. Raises ServerRefused, OutOfStep.
    """
    pairs = tuple(changes)
    short = sum(len(name) + len(value or "") for name, value in pairs) <= SHORT
    yield from _run((_known_set if short else _build_set)(pairs), parameters)


def canary(pid: int, parameters: dict[str, str]) -> Talk[None]:
    """Ask a server whether it is the one that it should be. Raises ServerRefused when it is not, OutOfStep."""
    sql = f"SELECT 1/(pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) {pid})::pg_catalog.int4"
    yield from _run(_query(sql), parameters)
