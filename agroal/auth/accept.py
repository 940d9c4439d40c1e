"""Letting a client in: from its first byte to the proof of who it is (manual, “Message Flow”, Start-up).

A client that is not known, a password that is wrong and a database that does not exist look the same from outside, in
words and in time: an exchange that can't succeed is *doomed*, goes through all the motions, and fails where a wrong
password fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from agroal.auth.ident import Usermap
from agroal.auth.scram import Keys, ServerExchange
from agroal.auth.users import Users
from agroal.config.model import ClientCert, HbaLine, Method
from agroal.errors import AuthenticationFailed, NotPermitted, ProtocolViolation
from agroal.wire import backend
from agroal.wire.codes import GSSENC_REQUEST, SSL_REQUEST, Authentication, Frontend
from agroal.wire.fields import decode
from agroal.wire.frontend import parse_password, parse_sasl_initial_response
from agroal.wire.startup import (
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
    parse_startup,
    unsupported,
)
from agroal.wire.talk import Ask, Talk, read_only, read_packet


@dataclass(frozen=True, slots=True)
class Dice:
    """Fresh random material for one login."""

    nonce: str
    """Printable, without a comma."""
    salt: bytes
    """Four bytes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """How a client was let in, and what that says about logging in for it."""

    method: Method
    password: str | None = field(default=None, repr=False)
    """What a client sent that the vault does not know: only the server can tell whether it is right."""
    told: str | None = field(default=None, repr=False, compare=False)
    """The password of a user whom we know, as the client sent it."""
    keys: Keys | None = field(default=None, repr=False, compare=False)
    """What the client showed of it by SCRAM."""
    unproved: bool = False
    """The server itself must ask the client: nothing is known of it here."""


TRUSTED: Final = Accepted(Method.TRUST)


def negotiate(tls: bool = False, *, secured: bool = False) -> Talk[StartupMessage | CancelRequest]:
    """Up to the StartupMessage or CancelRequest: whether to encrypt, and down to the protocol that we speak.

    `tls`: it is on offer. `secured`: the client began with a TLS handshake (“direct TLS”).

    Each encryption can be asked for once, and none any more when the answer was yes: then the question is taken for a
    version of the protocol, as by PostgreSQL. Raises ProtocolViolation, UnsupportedProtocol, NotPermitted.
    """
    open_questions = {SSL_REQUEST, GSSENC_REQUEST}
    while True:
        packet = parse_startup((yield from read_packet()))
        match packet:
            case SSLRequest() | GSSENCRequest():
                code = SSL_REQUEST if isinstance(packet, SSLRequest) else GSSENC_REQUEST
                if code not in open_questions:
                    raise unsupported(code)
                open_questions.remove(code)
                yield Ask.SILENCE
                if code == SSL_REQUEST and tls and not secured:
                    yield b"S"
                    yield Ask.SECURE
                    open_questions.clear()
                else:
                    yield b"N"
            case StartupMessage():
                if packet.negotiable:
                    yield backend.negotiate_protocol_version(packet.spoken, packet.unknown_options)
                return packet
            case CancelRequest():
                return packet


def permit(
    line: HbaLine | None, startup: StartupMessage, peer: str, *, encrypted: bool = False, certified: str | None = None
) -> HbaLine:
    """The HBA line that lets the client try. `certified` as for `accept`.

    Raises NotPermitted, in PostgreSQL's words.
    """
    if line is None or line.method is Method.REJECT:
        encryption = "SSL encryption" if encrypted else "no encryption"
        who = f'host "{peer}", user "{startup.user}", database "{startup.database}", {encryption}'
        if line:
            raise NotPermitted(f"agroal_hba.conf rejects connection for {who}")
        raise NotPermitted(
            f"no agroal_hba.conf entry for {who}",
            hint="Add a line for it to agroal_hba.conf, and reload.",
        )
    if line.clientcert is not ClientCert.OFF and certified is None:
        raise without_certificate()
    if line.clientcert is ClientCert.VERIFY_FULL and certified != startup.user:
        raise not_certified(startup.user)
    return line


def accept(
    method: Method,
    user: str,
    users: Users,
    unknown_allowed: bool,
    dice: Dice,
    *,
    binding: bytes | None = None,
    certified: str | None = None,
    usermap: Usermap | None = None,
) -> Talk[Accepted]:
    """Make the client prove that it is this user. AuthenticationOk is left to whoever has a server for it.

    `binding`: what SCRAM can be bound to, the hash of our certificate; None without TLS. `certified`: the common name
    in the client's certificate, which has been verified; None without one. `usermap`: which users a common name may
    be, if the HBA line names a map; without one, it has to be the user's name.

    Raises AuthenticationFailed, NotPermitted, ProtocolViolation.
    """
    if asks_for_scram(method, user, users, unknown_allowed):
        return (yield from _scram(method, user, users, dice, binding))
    known = user in users
    match method:
        case Method.TRUST:
            if not known and not unknown_allowed:
                raise failed(user)
            return TRUSTED
        case Method.CERT:
            if certified is None:
                raise without_certificate()
            may_be = usermap.lets(certified, user) if usermap else certified == user
            if not may_be or not (known or unknown_allowed):
                raise not_certified(user)
            return Accepted(method)
        case Method.PASSWORD:
            return (yield from _cleartext(user, users, unknown_allowed and not known))
        case Method.MD5:
            return (yield from _md5(user, users, dice))
        case Method.ALL:
            return Accepted(method, unproved=True)
        case _:
            raise NotPermitted(f'authentication failed for user "{user}": host rejected')


def asks_for_scram(method: Method, user: str, users: Users, unknown_allowed: bool) -> bool:
    """Whether the user has to prove by SCRAM who it is."""
    match method:
        case Method.SCRAM_SHA_256:
            return True
        case Method.MD5:
            return not users.wants_md5(user)
        case Method.ALL:
            return user in users or not unknown_allowed
    return False


def failed(user: str) -> AuthenticationFailed:
    """What everyone is told who could not prove to be this user."""
    return AuthenticationFailed(f'password authentication failed for user "{user}"')


def not_certified(user: str) -> NotPermitted:
    """What everyone is told whose certificate is not this user's."""
    return NotPermitted(f'certificate authentication failed for user "{user}"')


def without_certificate() -> NotPermitted:
    """What everyone is told who should have shown a certificate."""
    return NotPermitted("connection requires a valid client certificate")


def _cleartext(user: str, users: Users, server_decides: bool) -> Talk[Accepted]:
    yield backend.authentication(Authentication.CLEARTEXT_PASSWORD)
    raw = parse_password((yield from read_only(Frontend.PASSWORD, "password response")))
    if not raw:
        raise AuthenticationFailed("empty password returned by client")
    password = decode(raw)
    if users.accepts_password(user, password):
        return Accepted(Method.PASSWORD, told=password)
    if server_decides:
        return Accepted(Method.PASSWORD, password=password)
    raise failed(user)


def _md5(user: str, users: Users, dice: Dice) -> Talk[Accepted]:
    yield backend.authentication(Authentication.MD5_PASSWORD, dice.salt)
    response = parse_password((yield from read_only(Frontend.PASSWORD, "password response")))
    if not users.accepts_md5(user, dice.salt, response):
        raise failed(user)
    return Accepted(Method.MD5)


def _scram(method: Method, user: str, users: Users, dice: Dice, binding: bytes | None) -> Talk[Accepted]:
    verifier, doomed = users.challenge(user)
    exchange = ServerExchange(user, verifier, dice.nonce, doomed=doomed, binding=binding)
    yield ask_for_scram(exchange)
    yield from by_scram(exchange)
    return Accepted(method, keys=exchange.keys)


def ask_for_scram(exchange: ServerExchange) -> bytes:
    """How the exchange begins."""
    return backend.authentication_sasl(exchange.mechanisms)


def by_scram(exchange: ServerExchange, done: int = 0) -> Talk[None]:
    """The rest of it, after so many of its steps. Raises AuthenticationFailed, NotPermitted, ProtocolViolation."""
    for step in SCRAM_STEPS[done:]:
        yield step(exchange, (yield from read_only(Frontend.PASSWORD, "SASL response")))


def _challenge(exchange: ServerExchange, initial: bytes) -> bytes:
    mechanism, client_first = parse_sasl_initial_response(initial)
    if mechanism not in exchange.mechanisms:
        raise ProtocolViolation("client selected an invalid SASL authentication mechanism")
    return backend.authentication(Authentication.SASL_CONTINUE, exchange.first(client_first, mechanism))


def _verdict(exchange: ServerExchange, client_final: bytes) -> bytes:
    return backend.authentication(Authentication.SASL_FINAL, exchange.final(client_final))


SCRAM_STEPS: Final = (_challenge, _verdict)
"""Each takes the body of a client's message, and makes the answer."""
