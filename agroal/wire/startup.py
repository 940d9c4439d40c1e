"""What a client says first: one untyped packet, told apart by its second word.

Manual, “Message Formats”: StartupMessage, SSLRequest, GSSENCRequest, CancelRequest.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from agroal.errors import NotPermitted, ProtocolViolation, UnsupportedProtocol
from agroal.wire import codes
from agroal.wire.fields import cstring, take_cstring


@dataclass(frozen=True, slots=True)
class SSLRequest:
    """May we speak TLS?"""


@dataclass(frozen=True, slots=True)
class GSSENCRequest:
    """May we speak GSSAPI?"""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Cancel what the client with this key is doing. The key is opaque: 8 bytes in protocol 3.0, 8 to 260 in 3.2."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """Who wants to talk about what, in which version of the protocol."""

    version: int
    user: str
    database: str
    parameters: Mapping[str, str]
    """All but `user`, `database` and the protocol's own options, in the order they came."""
    unknown_options: tuple[str, ...] = ()
    """Options of the protocol itself (`_pq_.…`) that we don't know."""

    @property
    def spoken(self) -> int:
        """The version that we speak with this client: the newest that both know."""
        return codes.PROTOCOL_3_2 if self.version >= codes.PROTOCOL_3_2 else codes.PROTOCOL_3_0

    @property
    def negotiable(self) -> bool:
        """The client asked for something that it does not get, and must be told so, once."""
        return self.spoken != self.version or bool(self.unknown_options)


SHORT: Final = 512
"""Bytes of a packet that is worth remembering: the same clients come again and again."""
REMEMBERED: Final = 256

_OFF = ("", "false", "off", "no", "0")

StartupPacket = SSLRequest | GSSENCRequest | CancelRequest | StartupMessage


def parse_startup(body: bytes) -> StartupPacket:
    """A startup packet without its length word. Raises ProtocolViolation, UnsupportedProtocol, NotPermitted."""
    if len(body) < 4:
        raise ProtocolViolation("invalid length of startup packet")
    (code,) = struct.unpack_from("!I", body)
    match code:
        case codes.SSL_REQUEST:
            return SSLRequest()
        case codes.GSSENC_REQUEST:
            return GSSENCRequest()
        case codes.CANCEL_REQUEST:
            return _parse_cancel(body)
    if code >> 16 != 3:
        raise unsupported(code)
    return (_known_message if len(body) <= SHORT else _parse_message)(code, body)


def unsupported(code: int) -> UnsupportedProtocol:
    """What is told to a client whose packet has a code that is none, or none at this moment."""
    old = code >> 16 < 3
    return UnsupportedProtocol(
        f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0 to 3.2",
        hint="Use a client that speaks version 3 of the protocol (PostgreSQL 7.4 or newer)." if old else "",
    )


def _parse_cancel(body: bytes) -> CancelRequest:
    if not 12 <= len(body) <= 4 + 4 + 256:
        raise ProtocolViolation("invalid length of cancel request")
    return CancelRequest(body[4:])


def _parse_message(version: int, body: bytes) -> StartupMessage:
    if body[-1] != 0:
        raise ProtocolViolation("invalid startup packet layout: expected terminator as last byte")
    pairs: dict[str, str] = {}
    at = 4
    while at < len(body) and body[at] != 0:
        name, at = take_cstring(body, at)
        if at >= len(body):
            raise ProtocolViolation("invalid startup packet layout: a name without a value")
        pairs[name], at = take_cstring(body, at)
    if at != len(body) - 1:
        raise ProtocolViolation("invalid startup packet layout: expected terminator as last byte")
    user = pairs.pop("user", "")
    if not user:
        raise NotPermitted("no PostgreSQL user name specified in startup packet")
    database = pairs.pop("database", "") or user
    options = tuple(name for name in pairs if name.startswith("_pq_."))
    parameters = {name: value for name, value in pairs.items() if name not in options}
    return StartupMessage(version, user, database, parameters, options)


_known_message = lru_cache(REMEMBERED)(_parse_message)


def build_startup(user: str, database: str, parameters: dict[str, str]) -> bytes:
    """The StartupMessage that we send to a server, in protocol 3.0."""
    pairs = {"user": user, "database": database, **parameters}
    body = struct.pack("!I", codes.PROTOCOL_3_0) + b"".join(cstring(k) + cstring(v) for k, v in pairs.items()) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def build_cancel(key: bytes) -> bytes:
    """The CancelRequest for a server's own key."""
    return struct.pack("!II", len(key) + 8, codes.CANCEL_REQUEST) + key


def requested_settings(startup: StartupMessage) -> dict[str, str]:
    """The settings that a start-up packet asks for: what it names itself goes before what its `options` say.

    A client that names no application_name has an empty one. Raises UnsupportedProtocol, ProtocolViolation.
    """
    return dict(_settings(tuple(startup.parameters.items())))


@lru_cache(REMEMBERED)
def _settings(parameters: tuple[tuple[str, str], ...]) -> dict[str, str]:
    asked = dict(parameters)
    replication = asked.pop("replication", "")
    if replication.lower() not in _OFF:
        raise UnsupportedProtocol(
            "replication connections can't be pooled",
            hint="Connect to PostgreSQL directly for replication.",
        )
    options = parse_options(asked.pop("options", ""))
    return {"application_name": "", **options, **asked}


def parse_options(options: str) -> dict[str, str]:
    """The settings in the start-up parameter `options`: `-c name=value`, `-cname=value`, `--name=value`.

    White space separates; a backslash keeps the character behind it (PostgreSQL's pg_split_opts). What is not a setting
    (`-B`, `-d 5` …) has no equivalent on a connection that exists already.

    Raises UnsupportedProtocol for such a switch, ProtocolViolation for a setting without a value.
    """
    words = _split(options)
    settings: dict[str, str] = {}
    at = 0
    while at < len(words):
        word = words[at]
        if word == "-c" and at + 1 < len(words):
            at += 1
            setting = words[at]
        elif word.startswith(("-c", "--")) and len(word) > 2:
            setting = word[2:]
        else:
            raise UnsupportedProtocol(
                f'command-line switch "{word}" in the start-up parameter "options" is not supported by agroal',
                hint='Only settings can be given: "-c name=value" or "--name=value".',
            )
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ProtocolViolation(
                f'"{setting}" in the start-up parameter "options" requires a value: expected name=value'
            )
        settings[name.replace("-", "_")] = value
        at += 1
    return settings


def _split(options: str) -> list[str]:
    """Split at white space that no backslash protects."""
    words: list[str] = []
    word: list[str] | None = None
    characters = iter(options)
    for character in characters:
        if character in " \t\n\r\f\v":
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        word.append(next(characters, "") if character == "\\" else character)
    if word is not None:
        words.append("".join(word))
    return words
