"""Conversations as scripts: `<<` is what we must say, `>>` what the peer says.

    Script() >> startup("user", "ann") << authentication(3) >> message("p", b"secret\\0")

`run` holds such a conversation with the bare generator: in whole pieces, at every cut of what the peer says, and one
byte at a time. `play` is the peer in the same script at a real socket, client or server.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import functools
import socket
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from agroal.wire.codes import MAX_MESSAGE_BEFORE_LOGIN
from agroal.wire.talk import Conversation, T, Talk

WE, PEER = "<<", ">>"


@dataclass(frozen=True, slots=True)
class Script:
    """Who says what, in turn."""

    steps: tuple[tuple[str, bytes], ...] = ()

    def __lshift__(self, data: bytes) -> Script:
        """We must say exactly this."""
        return self._then(WE, data)

    def __rshift__(self, data: bytes) -> Script:
        """The peer says this."""
        return self._then(PEER, data)

    def __add__(self, other: Script) -> Script:
        """First this, then the other."""
        return functools.reduce(lambda script, step: script._then(*step), other.steps, self)

    def _then(self, who: str, data: bytes) -> Script:
        if not data:
            return self
        if self.steps and self.steps[-1][0] == who:
            return Script((*self.steps[:-1], (who, self.steps[-1][1] + data)))
        return Script((*self.steps, (who, data)))

    def lines(self) -> list[str]:
        """For people: a line for each message."""
        return [f"{who} {line}" for who, data in self.steps for line in _units(data)]


class OffScript(AssertionError):
    """The conversation was another one than the script's: says how they differ."""

    def __init__(self, problem: str, script: Script, happened: Script) -> None:
        lines = difflib.ndiff(script.lines(), happened.lines())
        super().__init__("\n".join([f"{problem} (- the script, + what happened)", *map(str.rstrip, lines)]))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a talk returned, or raised."""

    result: object = None
    error: Exception | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and self._facts == other._facts

    @property
    def _facts(self) -> tuple[object, ...]:
        """An error is equal to no other: its type and its attributes are."""
        return self.result, type(self.error), vars(self.error) if self.error else None


def run(talk: Callable[[], Talk[T]], script: Script, limit: int = MAX_MESSAGE_BEFORE_LOGIN) -> T:
    """Hold the conversation whole, at every cut, and one byte at a time; it must end in the same way each time.

    Returns what the talk returns, raises what it raises.
    """
    outcome = hold(talk(), script, (), limit)
    ends = range(1, sum(len(data) for who, data in script.steps if who == PEER))
    for cuts in (*((end,) for end in ends), ends):
        cut = hold(talk(), script, cuts, limit)
        assert cut == outcome, f"cut at {cuts} it ends with {cut}, uncut with {outcome}"
    if outcome.error:
        raise outcome.error
    return outcome.result  # type: ignore[return-value]


def hold(talk: Talk[T], script: Script, cuts: Container[int] = (), limit: int = MAX_MESSAGE_BEFORE_LOGIN) -> Outcome:
    """Hold the conversation once. `cuts` are offsets in all that the peer says. Raises OffScript."""
    conversation = Conversation(talk, limit=limit)
    happened, at = Script(), 0
    failure: Exception | None = None
    try:
        conversation.start()
        for data in (data for who, data in script.steps if who == PEER):
            happened = happened << conversation.to_send() >> data
            for piece in _pieces(data, at, cuts):
                conversation.receive(piece)
            at += len(data)
    except Exception as error:
        failure = error
    happened <<= conversation.to_send()
    if happened != script:
        raise OffScript("the conversation left its script", script, happened) from failure
    if failure:
        return Outcome(None, failure)
    if not conversation.done:
        raise OffScript("the conversation goes on after the end of its script", script, happened)
    if unread := conversation.take_unread():
        raise OffScript(f"the conversation ended before {', '.join(_units(unread))}", script, happened)
    return Outcome(conversation.result)


def _pieces(data: bytes, start: int, cuts: Container[int]) -> Iterator[bytes]:
    """The data, which begins at the offset `start`, in as many pieces as the cuts make of it."""
    begin = 0
    for end in range(1, len(data)):
        if start + end in cuts:
            yield data[begin:end]
            begin = end
    yield data[begin:]


async def play(script: Script, sock: socket.socket) -> None:
    """Be the peer at the other end of our connection. Raises OffScript when something else is said there."""
    loop = asyncio.get_running_loop()
    happened = Script()
    for who, data in script.steps:
        if who == PEER:
            await loop.sock_sendall(sock, data)
            happened >>= data
            continue
        heard = await read(sock, len(data))
        happened <<= heard
        if heard != data:
            raise OffScript("the other side left its script" if heard else "the other side hung up", script, happened)


async def read(sock: socket.socket, length: int) -> bytes:
    """So many bytes; fewer when the stream ends or breaks before."""
    loop = asyncio.get_running_loop()
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while len(data) < length and (piece := await loop.sock_recv(sock, length - len(data))):
            data += piece
    return data


def _units(data: bytes) -> list[str]:
    """What the bytes seem to be: typed messages, startup packets, or just bytes."""
    units: list[str] = []
    while data:
        typed = chr(data[0]).isalnum()
        header = 5 if typed else 4
        end = int.from_bytes(data[header - 4 : header], "big") + typed
        if len(data) < header or not header <= end <= len(data):
            units.append(repr(data))
            break
        units.append(f"{chr(data[0]) if typed else 'packet'} {data[header:end]!r}")
        data = data[end:]
    return units
