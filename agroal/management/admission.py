"""Letting somebody in from the network: who they say they are, the line of the HBA file about them, and the proof.

    authenticate {"user": "ops"}                          {"mechanisms": ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]}
    authenticate {"mechanism": …, "data": "n,,n=,r=…"}    {"data": "r=…,s=…,i=4096"}
    authenticate {"data": "c=…,r=…,p=…"}                  {"data": "v=…", "user": "ops", "role": "admin"}

These are the messages of SCRAM (auth/scram.py) as JSON carries them. With the method `cert` the first answer is the
last: TLS has proved everything. Whoever is no admin goes through all of it, and fails where a wrong password fails.

Sans-IO: the arguments of each request in, the result of each answer out.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from agroal.auth.accept import failed, not_certified, permit, without_certificate
from agroal.auth.hba import Peer
from agroal.auth.ident import Usermap
from agroal.auth.scram import ServerExchange
from agroal.auth.users import Secret, Users
from agroal.config.model import HbaLine, Method
from agroal.config.remote import ADMIN
from agroal.errors import NotPermitted, ProtocolViolation
from agroal.management.controls import Role
from agroal.wire.codes import PROTOCOL_3_0
from agroal.wire.startup import StartupMessage

AUTHENTICATE: Final = "authenticate"
"""What is asked for until somebody is let in."""
LONGEST_NAME: Final = 128
"""Characters of a user's name; the vault has none that is longer."""

Result = dict[str, object]
Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody at the door."""

    peer: Peer
    encrypted: bool = False
    certified: str | None = None
    """The common name in their certificate, which TLS has verified."""
    binding: bytes | None = None
    """What SCRAM can be bound to: the hash of our certificate."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who has come in."""

    user: str
    role: Role
    secret: Secret | None
    """What they had to know then."""
    result: Result
    """Of the last answer."""


class Register(Protocol):
    """Who may come in, as the daemon knows it at this moment."""

    @property
    def users(self) -> Users: ...

    def role(self, user: str) -> Role | None: ...

    def line(self, user: str, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        """The line of the HBA file about them."""

    def usermap(self, line: HbaLine) -> Usermap | None:
        """The map that the line names."""


def admit(arrival: Arrival, register: Register, nonce: str) -> Generator[Result, Args, Admitted]:
    """`nonce` is ours, for SCRAM. The first result is for nobody: it takes the first arguments.

    Raises NotPermitted, AuthenticationFailed, ProtocolViolation.
    """
    args = yield {}
    user = _text(args, "user")
    if len(user) > LONGEST_NAME:
        raise ProtocolViolation(f"“user” must be a text of at most {LONGEST_NAME} characters")
    line = _permitted(arrival, register, user)
    match line.method:
        case Method.CERT:
            _certified(arrival, register, line, user)
            return _admitted(register, user, {})
        case Method.SCRAM_SHA_256:
            verifier, doomed = register.users.challenge(user)
            exchange = ServerExchange(user, verifier, nonce, doomed=doomed, binding=arrival.binding)
            args = yield {"mechanisms": exchange.mechanisms}
            mechanism = _text(args, "mechanism")
            if mechanism not in exchange.mechanisms:
                raise ProtocolViolation(f"“mechanism” must be one of {', '.join(exchange.mechanisms)}")
            args = yield {"data": exchange.first(_bytes(args), mechanism).decode()}
            return _admitted(register, user, {"data": exchange.final(_bytes(args)).decode()})
        case _:
            raise NotPermitted(f"{line.method} is too weak for remote management")


def _permitted(arrival: Arrival, register: Register, user: str) -> HbaLine:
    asked = StartupMessage(PROTOCOL_3_0, user, ADMIN, {})
    line = register.line(user, arrival.peer, encrypted=arrival.encrypted)
    return permit(line, asked, arrival.peer.host, encrypted=arrival.encrypted, certified=arrival.certified)


def _certified(arrival: Arrival, register: Register, line: HbaLine, user: str) -> None:
    if arrival.certified is None:
        raise without_certificate()
    usermap = register.usermap(line)
    may_be = usermap.lets(arrival.certified, user) if usermap else arrival.certified == user
    if not may_be or user not in register.users:
        raise not_certified(user)


def _admitted(register: Register, user: str, result: Result) -> Admitted:
    role = register.role(user)
    if role is None:  # the file was read anew meanwhile
        raise failed(user)
    return Admitted(user, role, register.users.get(user), {**result, "user": user, "role": role.value})


def _text(args: Args, name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise ProtocolViolation(f"“{name}” must be a text")
    return value


def _bytes(args: Args) -> bytes:
    try:
        return _text(args, "data").encode()
    except UnicodeEncodeError:
        raise ProtocolViolation("“data” must be a text that UTF-8 has") from None
