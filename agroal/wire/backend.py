"""Messages that servers send: those that we build for clients, and those that we read from servers before a link
exists.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache

from agroal.errors import ClientFacing, ProtocolViolation
from agroal.wire.codes import Authentication, Backend, Status
from agroal.wire.fields import build_fields, cstring, decode, message, take_cstring

SHORT = 256
"""Characters of a setting's value that is worth remembering. A server may send longer ones, and not fill our memory."""
MAX_PARAMETERS = 256
"""Settings that a server may report, each in a message of at most MAX_PARAMETER bytes. PostgreSQL's own are fifteen."""
MAX_PARAMETER = 65_536


def authentication(code: Authentication, data: bytes = b"") -> bytes:
    """An Authentication message of any kind."""
    return message(Backend.AUTHENTICATION, struct.pack("!I", code) + data)


AUTHENTICATION_OK = authentication(Authentication.OK)


def authentication_sasl(mechanisms: list[str]) -> bytes:
    """The list of SASL mechanisms, best first."""
    return _sasl(tuple(mechanisms))


@lru_cache(16)
def _sasl(mechanisms: tuple[str, ...]) -> bytes:
    return authentication(Authentication.SASL, b"".join(map(cstring, mechanisms)) + b"\0")


def error_response(error: ClientFacing) -> bytes:
    """The ErrorResponse of an error of ours."""
    return message(Backend.ERROR_RESPONSE, build_fields(error.fields()))


def notice_response(message_text: str, detail: str = "") -> bytes:
    """The NoticeResponse of something that a client should know and need not heed."""
    fields = {"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": message_text, "D": detail}
    return message(Backend.NOTICE_RESPONSE, build_fields({code: value for code, value in fields.items() if value}))


def parameter_status(name: str, value: str) -> bytes:
    """The value of one reported setting. Short ones are remembered: every client is told the same dozen of them."""
    build = _short_status if len(value) <= SHORT else _status
    return build(name, value)


def _status(name: str, value: str) -> bytes:
    return message(Backend.PARAMETER_STATUS, cstring(name) + cstring(value))


_short_status = lru_cache(1024)(_status)


def backend_key_data(key: bytes) -> bytes:
    """The key that a client shows to cancel: 8 bytes in protocol 3.0, 8 to 260 in 3.2."""
    return message(Backend.BACKEND_KEY_DATA, key)


def ready_for_query(status: Status) -> bytes:
    """The server's turn is over."""
    return message(Backend.READY_FOR_QUERY, bytes([status]))


def negotiate_protocol_version(version: int, unknown_options: tuple[str, ...]) -> bytes:
    """Says which version will be spoken, and which options of the protocol we don't know."""
    listed = b"".join(map(cstring, unknown_options))
    return message(Backend.NEGOTIATE_PROTOCOL_VERSION, struct.pack("!II", version, len(unknown_options)) + listed)


def greeting(key: bytes) -> bytes:
    """What follows a successful login at once: from now on the client can cancel, also that it waits for a server."""
    return AUTHENTICATION_OK + backend_key_data(key)


def welcome(parameters: Mapping[str, str]) -> bytes:
    """What follows when there is a server: its settings, and the first ReadyForQuery."""
    pairs = tuple(parameters.items())
    return (_known_welcome if sum(map(len, parameters.values())) <= SHORT * 4 else _welcome)(pairs)


def _welcome(parameters: tuple[tuple[str, str], ...]) -> bytes:
    statuses = b"".join(parameter_status(name, value) for name, value in parameters)
    return statuses + ready_for_query(Status.IDLE)


_known_welcome = lru_cache(256)(_welcome)


def parse_authentication(body: bytes) -> tuple[int, bytes]:
    """The code and the data of an Authentication message. Raises ProtocolViolation."""
    if len(body) < 4:
        raise ProtocolViolation("malformed Authentication message: it has no code")
    return struct.unpack_from("!I", body)[0], body[4:]


def parse_mechanisms(data: bytes) -> list[str]:
    """The mechanisms of an AuthenticationSASL. Raises ProtocolViolation."""
    mechanisms: list[str] = []
    at = 0
    while data[at : at + 1] not in (b"\0", b""):
        mechanism, at = take_cstring(data, at)
        mechanisms.append(mechanism)
    return mechanisms


def parse_parameter_status(body: bytes) -> tuple[str, str]:
    """The name and the value of a ParameterStatus. Raises ProtocolViolation."""
    name, at = take_cstring(body, 0)
    value, _ = take_cstring(body, at)
    return name, value


def note_parameter(body: bytes, parameters: dict[str, str]) -> None:
    """Add what a ParameterStatus reports, as long as that is no flood. Raises ProtocolViolation."""
    name, value = parse_parameter_status(body)
    if len(body) > MAX_PARAMETER or (name not in parameters and len(parameters) >= MAX_PARAMETERS):
        raise ProtocolViolation(
            "the server reports more settings than can be kept",
            detail=f"Expected at most {MAX_PARAMETERS}, of {MAX_PARAMETER} bytes each.",
        )
    parameters[name] = value


def parse_data_row(body: bytes) -> tuple[str | None, ...]:
    """The values of a DataRow in text; None for null. Raises ProtocolViolation."""
    if len(body) < 2:
        raise ProtocolViolation("malformed DataRow: it has no number of columns")
    at, values = 2, list[str | None]()
    for _ in range(int.from_bytes(body[:2], "big")):
        if len(body) < at + 4:
            raise ProtocolViolation("malformed DataRow: it is too short")
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        if length < -1 or len(body) < at + max(length, 0):
            raise ProtocolViolation("malformed DataRow: a length is wrong")
        values.append(None if length == -1 else decode(body[at : at + length]))
        at += max(length, 0)
    if at != len(body):
        raise ProtocolViolation("malformed DataRow: it is too long")
    return tuple(values)
