"""Logging in to a server, as its client (manual, “Message Flow”, Start-up).

Servers are untrusted: each message must be one that is legal at its moment, and everything they send is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

from agroal.auth.md5 import md5_response, md5_secret
from agroal.auth.scram import MECHANISM, PLUS, ClientExchange, Keys
from agroal.auth.users import Secret
from agroal.config.choices import ChannelBinding
from agroal.errors import ServerRefused, ServerUnavailable
from agroal.wire import frontend
from agroal.wire.backend import note_parameter, parse_authentication, parse_mechanisms
from agroal.wire.codes import Authentication, Backend
from agroal.wire.fields import Message, parse_fields
from agroal.wire.startup import build_startup
from agroal.wire.talk import Talk, read_message


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server said of itself at the end of the login."""

    parameters: dict[str, str]
    """Its reported settings."""
    pid: int
    """0 when it gave no key."""
    cancel_key: bytes = field(repr=False)
    """Process id and secret, as a CancelRequest carries them; empty when it gave none."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is known of a user before a server asks."""

    user: str
    secret: Secret | None
    """None: nothing is known, so the server must trust us."""
    nonce: str
    """Fresh and printable, for SCRAM."""
    salted: MutableMapping[tuple[bytes, int], bytes] = field(repr=False)
    """This password, salted and stretched in earlier logins: 4096 rounds of SHA-256 are worth remembering."""
    keys: Keys | None = None
    """What a client has shown of a password that is not known."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """What the connection offers to bind the login to, and whether that is wanted."""

    encrypted: bool = False
    binding: bytes | None = None
    """The hash of the server's certificate; None also where there is no hash for it (auth/binding.py)."""
    wanted: ChannelBinding = ChannelBinding.PREFER


PLAIN = Encryption()


def login(
    database: str, credentials: Credentials, parameters: Mapping[str, str], encryption: Encryption = PLAIN
) -> Talk[Greeting]:
    """Log in, up to the first ReadyForQuery. Raises ServerRefused, ServerUnavailable, ProtocolViolation."""
    if encryption.wanted is ChannelBinding.REQUIRE and encryption.binding is None:
        missing = "the server's certificate has no hash to bind to" if encryption.encrypted else "TLS is not in use"
        raise _unbound(missing)
    yield build_startup(credentials.user, database, dict(parameters))
    yield from _authenticate(credentials, encryption)
    return (yield from greeting())


def greeting() -> Talk[Greeting]:
    """All that a server says between AuthenticationOk and its first ReadyForQuery."""
    parameters: dict[str, str] = {}
    key = b""
    while True:
        kind, body = yield from read_from_server()
        match kind:
            case Backend.PARAMETER_STATUS:
                note_parameter(body, parameters)
            case Backend.BACKEND_KEY_DATA if 8 <= len(body) <= 260:
                key = body
            case Backend.READY_FOR_QUERY if body == b"I":
                return Greeting(parameters, int.from_bytes(key[:4], "big"), key)
            case _:
                raise _unexpected(kind)


def read_from_server() -> Talk[Message]:
    """The next message that is not a notice. Raises ServerRefused at an error, whenever it comes."""
    while True:
        kind, body = yield from read_message()
        if kind == Backend.ERROR_RESPONSE:
            raise ServerRefused(parse_fields(body))
        if kind != Backend.NOTICE_RESPONSE:
            return kind, body


def _authenticate(credentials: Credentials, encryption: Encryption) -> Talk[None]:
    """Answer what the server asks for, until it says AuthenticationOk."""
    code, data = yield from _read_authentication()
    if encryption.wanted is ChannelBinding.REQUIRE and code != Authentication.SASL:
        another = "wants no password" if code == Authentication.OK else f"asks for another authentication (code {code})"
        raise _unbound(f"the server {another}")
    match code:
        case Authentication.OK:
            return
        case Authentication.CLEARTEXT_PASSWORD:
            yield frontend.password(_password(credentials, "password").encode("utf-8", "surrogateescape"))
        case Authentication.MD5_PASSWORD if len(data) == 4:
            yield frontend.password(_md5(credentials, data))
        case Authentication.SASL:
            yield from _scram(credentials, encryption, parse_mechanisms(data))
        case _:
            raise ServerUnavailable(
                f"the server asks for an authentication method that agroal does not support (code {code})",
                hint="Expected trust, password, md5 or scram-sha-256 in the server's pg_hba.conf.",
            )
    code, _ = yield from _read_authentication()
    if code != Authentication.OK:
        raise ServerUnavailable(f"the server asks for more than one authentication (code {code})")


def _read_authentication() -> Talk[tuple[int, bytes]]:
    kind, body = yield from read_from_server()
    if kind != Backend.AUTHENTICATION:
        raise _unexpected(kind)
    return parse_authentication(body)


def _scram(credentials: Credentials, encryption: Encryption, mechanisms: list[str]) -> Talk[None]:
    """SCRAM-SHA-256, RFC 7677, and -PLUS. The server proves that it knows the password too."""
    mechanism = _choose(encryption, mechanisms)
    password = None if credentials.keys else _password(credentials, "scram-sha-256")
    binding = None if encryption.wanted is ChannelBinding.DISABLE else encryption.binding
    bound = binding if mechanism == PLUS else None
    exchange = ClientExchange(
        password,
        credentials.nonce,
        credentials.salted,
        keys=credentials.keys,
        binding=bound,
        could_bind=binding is not None,
    )
    yield frontend.sasl_initial_response(mechanism, exchange.first())
    code, challenge = yield from _read_authentication()
    if code != Authentication.SASL_CONTINUE:
        raise ServerUnavailable(f"the server left the SCRAM exchange (code {code} instead of a challenge)")
    yield frontend.sasl_response(exchange.final(challenge))
    code, outcome = yield from _read_authentication()
    if code != Authentication.SASL_FINAL:
        raise ServerUnavailable(f"the server left the SCRAM exchange (code {code} instead of its signature)")
    exchange.verify(outcome)


def _choose(encryption: Encryption, mechanisms: list[str]) -> str:
    """The best mechanism of those offered. Raises ServerUnavailable, also where it looks as if TLS was taken away."""
    offered = PLUS in mechanisms
    if offered and not encryption.encrypted and encryption.wanted is not ChannelBinding.DISABLE:
        raise ServerUnavailable(
            f"the server offers {PLUS}, but the connection is not encrypted: has somebody in between removed the TLS?",
            hint="If that is meant to be, set channel_binding = disable for this server.",
        )
    if offered and encryption.binding is not None and encryption.wanted is not ChannelBinding.DISABLE:
        return PLUS
    if encryption.wanted is ChannelBinding.REQUIRE:
        raise _unbound(f"the server does not offer {PLUS}")
    if MECHANISM not in mechanisms:
        raise ServerUnavailable(f"the server offers no SASL mechanism that agroal can use: {', '.join(mechanisms)}")
    return MECHANISM


def _unbound(why: str) -> ServerUnavailable:
    return ServerUnavailable(
        f"channel binding is required (channel_binding = require), but {why}",
        hint="Expected TLS, and scram-sha-256 in the server's pg_hba.conf.",
    )


def _password(credentials: Credentials, method: str) -> str:
    password = credentials.secret.password if credentials.secret else None
    if password is None:
        known = "only a verifier of it" if credentials.secret else "none"
        raise ServerUnavailable(
            f'the server asks for the password of user "{credentials.user}" ({method}), and agroal knows {known}',
            hint="Add the user with its password to the vault: agroal-admin user add.",
        )
    return password


def _md5(credentials: Credentials, salt: bytes) -> bytes:
    known = credentials.secret.md5 if credentials.secret else None
    return md5_response(known or md5_secret(_password(credentials, "md5"), credentials.user), salt).encode()


def _unexpected(kind: int) -> ServerUnavailable:
    return ServerUnavailable(f'the server sent a message of type "{chr(kind)}" in the middle of the login')
