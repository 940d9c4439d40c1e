"""Conversations: sequential exchanges written as generators, with no socket and no clock in them.

A *talk* yields what it wants next: bytes to send, or an `Ask` for what it must read. It is sent the unit that it asked
for, returns its outcome, and raises when the peer broke the rules. So it reads like the chapter of the manual that it
implements, and can be tested with nothing but bytes:

    def greet() -> Talk[str]:
        packet = yield from read_packet()
        yield b"N"
        …

`Conversation` runs a talk: bytes in by `receive`, bytes out by `to_send`, until `done`.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum, auto
from typing import Final, Generic, TypeVar, cast

from agroal.errors import ProtocolViolation
from agroal.wire.buffer import Inbox
from agroal.wire.codes import MAX_MESSAGE_BEFORE_LOGIN
from agroal.wire.fields import Message

T = TypeVar("T")


class Ask(Enum):
    """What a talk waits for."""

    PACKET = auto()
    """A startup packet: no type byte. It arrives as (0, body)."""
    MESSAGE = auto()
    """A typed message, as (type, body)."""
    ANSWER = auto()
    """All that a server says up to ReadyForQuery, or to a message that has no place in an answer. As (0, bytes)."""
    SILENCE = auto()
    """Nothing may have been sent ahead: what arrived in the clear must not count as encrypted (CVE-2021-23214)."""
    SECURE = auto()
    """TLS begins here. Nothing may have been sent ahead; the talk goes on when the handshake is over."""
    HELLO = auto()
    """Whether the peer begins with a TLS handshake of its own accord: 1 once that is over, 0 if it does not."""


# Plain names: an enum's members are slow to look up through the class (Python 3.11), and these are for every unit.
PACKET: Final = Ask.PACKET
MESSAGE: Final = Ask.MESSAGE
ANSWER: Final = Ask.ANSWER
SILENCE: Final = Ask.SILENCE
SECURE: Final = Ask.SECURE
HELLO: Final = Ask.HELLO

Talk = Generator[bytes | Ask, Message, T]


def begins_encrypted() -> Talk[bool]:
    """Whether the peer spoke TLS from its first byte on. To be asked first, and where TLS is on offer."""
    answer, _ = yield HELLO
    return bool(answer)


def read_packet() -> Talk[bytes]:
    """The next startup packet's body."""
    _, body = yield PACKET
    return body


def read_message() -> Talk[Message]:
    """The next message: its type and body."""
    return (yield MESSAGE)


def read_answer() -> Talk[bytes]:
    """The messages of the server's next answer, as they came (wire/answer.py)."""
    _, said = yield ANSWER
    return said


def read_only(kind: int, purpose: str) -> Talk[bytes]:
    """The body of the next message, which must be of this kind. Raises ProtocolViolation."""
    found, body = yield MESSAGE
    if found != kind:
        raise ProtocolViolation(f'expected {purpose}, got message type "{chr(found)}"')
    return body


class Conversation(Generic[T]):
    """Runs one talk over bytes that come in any cut."""

    __slots__ = ("_ask", "_inbox", "_limit", "_out", "_result", "_talk", "done")

    def __init__(self, talk: Talk[T], unread: bytes = b"", limit: int = MAX_MESSAGE_BEFORE_LOGIN) -> None:
        self._talk = talk
        self._limit = limit
        self._inbox = Inbox(unread)
        self._out = b""
        self._ask: Ask | None = None
        self._result: T | None = None
        self.done = False

    def start(self) -> None:
        """Run to the first unit that hasn't come yet. Raises what the talk raises."""
        self._advance(None)
        self._serve()

    def receive(self, data: bytes | memoryview) -> None:
        """Take in what was read, and go as far as it carries. Raises what the talk raises."""
        self._inbox.feed(data)
        self._serve()

    def to_send(self) -> bytes:
        """What the talk has said since the last call, also when it has raised."""
        out, self._out = self._out, b""
        return out

    @property
    def result(self) -> T:
        """The talk's outcome, once `done`."""
        return cast(T, self._result)

    def take_unread(self) -> bytes:
        """What came behind the last unit that the talk took."""
        return self._inbox.take_rest()

    @property
    def securing(self) -> Ask | None:
        """SECURE or HELLO, while the talk waits for that: `secured` is the answer."""
        ask = self._ask
        return ask if (ask is HELLO or ask is SECURE) and not self.done else None

    def secured(self, by_handshake: bool = True) -> None:
        """The handshake is over, or (HELLO) there was none. Raises what the talk raises."""
        self._advance((int(by_handshake), b""))
        self._serve()

    def close(self) -> None:
        """Abandon the talk."""
        self._talk.close()

    def _serve(self) -> None:
        while not self.done:
            unit = self._next_unit()
            if unit is None:
                return
            self._advance(unit)

    def _next_unit(self) -> Message | None:
        ask, inbox = self._ask, self._inbox
        if ask is MESSAGE:
            return inbox.take_message(self._limit)
        if ask is ANSWER:
            return inbox.take_answer(self._limit)
        if ask is PACKET:
            body = inbox.take_packet()
            return None if body is None else (0, body)
        if ask is HELLO:
            return None
        if len(inbox):
            raise ProtocolViolation("received unencrypted data after an encryption request")
        return (0, b"") if ask is SILENCE else None

    def _advance(self, unit: Message | None) -> None:
        try:
            wanted = next(self._talk) if unit is None else self._talk.send(unit)
            while not isinstance(wanted, Ask):
                self._out += wanted
                wanted = next(self._talk)
        except StopIteration as stop:
            self.done = True
            self._result = stop.value
        else:
            self._ask = wanted
