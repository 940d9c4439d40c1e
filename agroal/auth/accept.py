"""Letting a client in: from its first byte to the proof of who it is (manual, “Message Flow”, Start-up).

A client that is not known, a password that is wrong and a database that does not exist look the same from outside, in
words and in time: an exchange that can't succeed is *doomed*, goes through all the motions, and fails where a wrong
password fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agroal.auth.scram import MECHANISM, ServerExchange
from agroal.auth.users import Users
from agroal.config.model import HbaLine, Method
from agroal.errors import AuthenticationFailed, NotPermitted, ProtocolViolation, UnsupportedProtocol
from agroal.wire import backend
from agroal.wire.codes import PROTOCOL_3_0, Authentication, Frontend
from agroal.wire.fields import decode
from agroal.wire.frontend import parse_password, parse_sasl_initial_response
from agroal.wire.startup import CancelRequest, GSSENCRequest, SSLRequest, StartupMessage, parse_startup
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
    unproved: bool = False
    """The server itself must ask the client: nothing is known of it here."""


def negotiate() -> Talk[StartupMessage | CancelRequest]:
    """Up to the StartupMessage or CancelRequest: no to encryption, and down to the protocol that we speak.

    Raises ProtocolViolation, UnsupportedProtocol.
    """
    asked: set[type] = set()
    while True:
        packet = parse_startup((yield from read_packet()))
        match packet:
            case SSLRequest() | GSSENCRequest():
                if type(packet) in asked:
                    raise ProtocolViolation("the client asked for the same encryption twice")
                asked.add(type(packet))
                yield Ask.SILENCE
                yield b"N"
            case StartupMessage():
                if packet.version != PROTOCOL_3_0 or packet.unknown_options:
                    yield backend.negotiate_protocol_version(packet.unknown_options)
                return packet
            case CancelRequest():
                return packet


def permit(line: HbaLine | None, startup: StartupMessage, peer: str) -> HbaLine:
    """The HBA line that lets the client try. Raises NotPermitted, in PostgreSQL's words."""
    who = f'host "{peer}", user "{startup.user}", database "{startup.database}", no encryption'
    if line is None:
        raise NotPermitted(
            f"no agroal_hba.conf entry for {who}",
            hint="Add a line for it to agroal_hba.conf, and reload.",
        )
    if line.method == Method.REJECT:
        raise NotPermitted(f"agroal_hba.conf rejects connection for {who}")
    return line


def accept(method: Method, user: str, users: Users, unknown_allowed: bool, dice: Dice) -> Talk[Accepted]:
    """Make the client prove that it is this user. AuthenticationOk is left to whoever has a server for it.

    Raises AuthenticationFailed, ProtocolViolation, UnsupportedProtocol.
    """
    known = user in users
    match method:
        case Method.TRUST:
            if not known and not unknown_allowed:
                raise failed(user)
            return Accepted(method)
        case Method.PASSWORD:
            return (yield from _cleartext(user, users, unknown_allowed and not known))
        case Method.MD5 if not (known and users[user].verifier):
            return (yield from _md5(user, users, dice))
        case Method.MD5 | Method.SCRAM_SHA_256:
            return (yield from _scram(method, user, users, dice))
        case Method.ALL:
            if not known and unknown_allowed:
                return Accepted(method, unproved=True)
            return (yield from _scram(method, user, users, dice))
        case _:
            raise UnsupportedProtocol(f"authentication method {method} is not supported yet")


def failed(user: str) -> AuthenticationFailed:
    """What everyone is told who could not prove to be this user."""
    return AuthenticationFailed(f'password authentication failed for user "{user}"')


def _cleartext(user: str, users: Users, server_decides: bool) -> Talk[Accepted]:
    yield backend.authentication(Authentication.CLEARTEXT_PASSWORD)
    raw = parse_password((yield from read_only(Frontend.PASSWORD, "password response")))
    if not raw:
        raise AuthenticationFailed("empty password returned by client")
    password = decode(raw)
    if users.accepts_password(user, password):
        return Accepted(Method.PASSWORD)
    if server_decides:
        return Accepted(Method.PASSWORD, password=password)
    raise failed(user)


def _md5(user: str, users: Users, dice: Dice) -> Talk[Accepted]:
    yield backend.authentication(Authentication.MD5_PASSWORD, dice.salt)
    response = parse_password((yield from read_only(Frontend.PASSWORD, "password response")))
    if not users.accepts_md5(user, dice.salt, response):
        raise failed(user)
    return Accepted(Method.MD5)


def _scram(method: Method, user: str, users: Users, dice: Dice) -> Talk[Accepted]:
    verifier, doomed = users.challenge(user)
    exchange = ServerExchange(user, verifier, dice.nonce, doomed=doomed)
    yield backend.authentication_sasl([MECHANISM])
    initial = yield from read_only(Frontend.PASSWORD, "SASL response")
    mechanism, client_first = parse_sasl_initial_response(initial)
    if mechanism != MECHANISM:
        raise ProtocolViolation("client selected an invalid SASL authentication mechanism")
    yield backend.authentication(Authentication.SASL_CONTINUE, exchange.first(client_first))
    client_final = yield from read_only(Frontend.PASSWORD, "SASL response")
    yield backend.authentication(Authentication.SASL_FINAL, exchange.final(client_final))
    return Accepted(method)
