"""Logging in a client whose password only the server can judge: its answers are carried to the server as they are.

The connection belongs to this client alone, and is closed when the client leaves.
"""

from __future__ import annotations

from agroal.auth.login import Greeting, greeting, read_from_server
from agroal.auth.scram import PLUS
from agroal.errors import ProtocolViolation, ServerUnavailable
from agroal.net.chosen import Channel
from agroal.net.converse import converse
from agroal.net.server import SERVER_MESSAGE_LIMIT
from agroal.wire.backend import authentication, parse_authentication, parse_mechanisms
from agroal.wire.codes import Authentication, Backend, Frontend
from agroal.wire.fields import cstring, message
from agroal.wire.startup import build_startup
from agroal.wire.talk import Talk, read_only

_ANSWERED = (
    Authentication.CLEARTEXT_PASSWORD,
    Authentication.MD5_PASSWORD,
    Authentication.SASL,
    Authentication.SASL_CONTINUE,
)
MAX_QUESTIONS = 8
"""No method that is carried asks more often."""


async def log_in_through(client: Channel, server: Channel, user: str, database: str) -> Greeting:
    """Carry the authentication between the two.

    Raises ServerRefused, ServerUnavailable, ProtocolViolation, PeerGone.
    """
    talk = _begin(user, database)
    for _ in range(MAX_QUESTIONS):
        code, data = await converse(server, talk, SERVER_MESSAGE_LIMIT)
        if code == Authentication.OK:
            greeted = await converse(server, greeting(), SERVER_MESSAGE_LIMIT)
            if server.unread:
                raise ServerUnavailable(f"{server.label} said more than a login needs")
            return greeted
        if code == Authentication.SASL_FINAL:
            await converse(client, _tell(Authentication.SASL_FINAL, data))
            talk = _read_question()
        elif code in _ANSWERED:
            question = _without_binding(data) if code == Authentication.SASL else data
            answer = await converse(client, _ask(Authentication(code), question))
            talk = _answer(answer)
        else:
            raise ServerUnavailable(
                f"the server asks for an authentication that agroal can't pass through (code {code})"
            )
    raise ProtocolViolation("the server does not come to the end of the authentication")


def _without_binding(data: bytes) -> bytes:
    """The mechanisms that a client can use: to bind its answer to our connection with the server is beyond it."""
    offered = [name for name in parse_mechanisms(data) if name != PLUS]
    if not offered:
        raise ServerUnavailable(
            f"the server offers nothing but {PLUS}, which can't be passed through",
            hint="Add the user with its password to the vault: agroal-admin user add.",
        )
    return b"".join(map(cstring, offered)) + b"\0"


def _begin(user: str, database: str) -> Talk[tuple[int, bytes]]:
    yield build_startup(user, database, {})
    return (yield from _read_question())


def _answer(data: bytes) -> Talk[tuple[int, bytes]]:
    yield message(Frontend.PASSWORD, data)
    return (yield from _read_question())


def _read_question() -> Talk[tuple[int, bytes]]:
    kind, body = yield from read_from_server()
    if kind != Backend.AUTHENTICATION:
        raise ServerUnavailable(f'the server sent a message of type "{chr(kind)}" in the middle of the login')
    return parse_authentication(body)


def _tell(code: Authentication, data: bytes) -> Talk[None]:
    yield authentication(code, data)


def _ask(code: Authentication, data: bytes) -> Talk[bytes]:
    yield from _tell(code, data)
    return (yield from read_only(Frontend.PASSWORD, "password response"))
