"""How a management message travels: four bytes of length, big-endian, then one JSON object in UTF-8.

    request   {"v": 1, "id": 7, "verb": "status details", "args": {}}
    answer    {"v": 1, "id": 7, "ok": true, "took_us": 812, "result": {…}}
              {"v": 1, "id": 7, "ok": false, "error": {"code": "refused", "message": "…"}}
    push      {"v": 1, "id": 7, "push": "snapshot", "skipped": 0, "result": {…}}

Pure: bytes in, values out. What is wrong with a body leaves the framing intact, so it is answered and the connection
goes on; a length beyond the bound can't be skipped cheaply, so it is answered and the connection ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from agroal.errors import ManagementError

VERSION = 1
MAX_REQUEST = 1 << 20
MAX_ANSWER = 64 << 20
MAX_ID = 64
"""Longest `id` that is a text, in characters: it is echoed, so it is bounded."""
MAX_KEY = 64
"""Longest idempotency key, in characters: it is kept, so it is bounded."""

_HEADER = 4


class Code(StrEnum):
    """Every code a ManagementError of the protocol carries. Programs decide by these; the message is for people."""

    MALFORMED = "malformed"
    TOO_LONG = "too-long"
    VERSION = "version"
    UNKNOWN_VERB = "unknown-verb"
    BAD_ARGUMENT = "bad-argument"
    FORBIDDEN = "forbidden"
    DENIED = "denied"
    REFUSED = "refused"
    FAILED = "failed"
    INTERNAL = "internal"
    BUSY = "busy"
    TIMEOUT = "timeout"
    CANNOT_CONNECT = "cannot-connect"
    CONFIGURATION = "configuration"
    CONNECTION_LOST = "connection-lost"


@dataclass(frozen=True, slots=True)
class Request:
    id: int | str
    verb: str
    args: Mapping[str, Any]
    dry_run: bool = False
    """Change nothing, say what would be changed."""
    key: str | None = None
    """Another request with the same key is the same request: it is not executed again."""


@dataclass(frozen=True, slots=True)
class Failure:
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: a result, or why there is none. `id` is None when the request's could not be read."""

    id: int | str | None
    outcome: Mapping[str, Any] | Failure
    took_us: int | None = None
    """Microseconds of execution; None when it did not come to that."""
    dry_run: bool = False
    repeated: bool = False
    """It is the outcome of an earlier request with the same key."""


@dataclass(frozen=True, slots=True)
class Push:
    """What a subscriber gets without asking again. `id` is that of its `subscribe`."""

    id: int | str
    topic: str
    result: Mapping[str, Any]
    skipped: int
    """How many of its kind were missed since the last one, because the subscriber was slow."""


class BadRequest(ManagementError):
    """A body that is no request. Knows the `id`, where that much could be read, so that the answer finds its way."""

    def __init__(self, code: Code, message: str, id: int | str | None = None) -> None:
        super().__init__(code, message)
        self.id = id


class Decoder:
    """Cuts a stream into bodies: feed what came, in whatever pieces, and take what is complete."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def halfway(self) -> bool:
        """Something was fed that has not been taken."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take(self) -> bytes | None:
        """The next body, None until it is complete. Raises ManagementError `too-long`: the stream can't be read on."""
        if len(self._buffer) < _HEADER:
            return None
        length = int.from_bytes(self._buffer[:_HEADER], "big")
        if length > self._limit:
            raise ManagementError(Code.TOO_LONG, f"a message of {length} bytes: at most {self._limit} are taken")
        end = _HEADER + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_HEADER:end])
        del self._buffer[:end]
        return body


def encode_request(request: Request) -> bytes:
    document = {"v": VERSION, "id": request.id, "verb": request.verb, "args": dict(request.args)}
    if request.dry_run:
        document["dry_run"] = True
    if request.key is not None:
        document["key"] = request.key
    return _frame(document, MAX_REQUEST)


def encode_answer(answer: Answer) -> bytes:
    """An answer that outgrows the bound becomes the error that says so: whoever asked is never left waiting."""
    try:
        return _frame(answer_document(answer), MAX_ANSWER)
    except ManagementError as error:
        return _frame(answer_document(Answer(answer.id, Failure(error.code, str(error)))), MAX_ANSWER)


def answer_document(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {"v": VERSION, "id": answer.id, "ok": not isinstance(answer.outcome, Failure)}
    if answer.took_us is not None:
        document["took_us"] = answer.took_us
    document |= {name: True for name in ("dry_run", "repeated") if getattr(answer, name)}
    match answer.outcome:
        case Failure(code, message):
            return {**document, "error": {"code": code, "message": message}}
        case result:
            return {**document, "result": dict(result)}


def encode_push(push: Push) -> bytes:
    """Raises ManagementError `too-long`."""
    head = {"v": VERSION, "id": push.id, "push": push.topic, "skipped": push.skipped}
    return _frame({**head, "result": dict(push.result)}, MAX_ANSWER)


def decode_request(body: bytes) -> Request:
    """Raises BadRequest: `malformed`, or `version` for a protocol that is not ours."""
    document = _object(body)
    id = document.get("id")
    if type(id) is not int and not (isinstance(id, str) and len(id) <= MAX_ID):
        raise BadRequest(Code.MALFORMED, f"“id” must be a number or a text of at most {MAX_ID} characters")
    if type(document.get("v")) is not int or document["v"] != VERSION:
        raise BadRequest(
            Code.VERSION, f"“v” must be {VERSION}, the version of the protocol that agroal speaks here", id
        )
    verb, args = document.get("verb"), document.get("args", {})
    if not isinstance(verb, str):
        raise BadRequest(Code.MALFORMED, "“verb” must be a text", id)
    if not isinstance(args, dict):
        raise BadRequest(Code.MALFORMED, "“args” must be an object", id)
    dry_run, key = document.get("dry_run", False), document.get("key")
    if type(dry_run) is not bool:
        raise BadRequest(Code.MALFORMED, "“dry_run” must be true or false", id)
    if not (key is None or (isinstance(key, str) and len(key) <= MAX_KEY)):
        raise BadRequest(Code.MALFORMED, f"“key” must be a text of at most {MAX_KEY} characters", id)
    return Request(id, verb, args, dry_run, key)


def decode_reply(body: bytes) -> Answer | Push:
    """Raises BadRequest `malformed` for what is neither."""
    match document := _object(body):
        case {
            "v": 1,
            "id": int() | str() as id,
            "push": str(topic),
            "skipped": int(skipped),
            "result": dict(result),
        }:
            return Push(id, topic, result, skipped)
        case {"v": 1, "id": int() | str() | None as id, "ok": True, "result": dict(result)}:
            return Answer(id, result, **_circumstances(document))
        case {
            "v": 1,
            "id": int() | str() | None as id,
            "ok": False,
            "error": {"code": str(code), "message": str(text)},
        }:
            return Answer(id, Failure(code, text), **_circumstances(document))
    raise BadRequest(Code.MALFORMED, "this is no answer of agroal's management protocol, version 1")


def decode_answer(body: bytes) -> Answer:
    """Raises BadRequest `malformed` for anything but an answer."""
    reply = decode_reply(body)
    if isinstance(reply, Push):
        raise BadRequest(Code.MALFORMED, f"a push of {reply.topic[:64]!a} came where nobody subscribed")
    return reply


def _circumstances(document: Mapping[str, Any]) -> dict[str, Any]:
    took_us = document.get("took_us")
    return {
        "took_us": took_us if type(took_us) is int else None,
        "dry_run": document.get("dry_run") is True,
        "repeated": document.get("repeated") is True,
    }


def _frame(document: Mapping[str, Any], limit: int) -> bytes:
    # ASCII only: a lone surrogate, which JSON can carry and UTF-8 can't, survives as its escape.
    body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(body) > limit:
        raise ManagementError(Code.TOO_LONG, f"a message of {len(body)} bytes: at most {limit} are taken")
    return len(body).to_bytes(_HEADER, "big") + body


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(Code.MALFORMED, "a message must be one JSON object in UTF-8") from error
    if not isinstance(document, dict):
        raise BadRequest(Code.MALFORMED, f"a message must be a JSON object, not {type(document).__name__}")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
