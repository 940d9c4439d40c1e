"""Playing a script: to PostgreSQL itself, or through a pool.

What is heard is compared byte by byte, except for two things that must differ: the cancel key at the beginning, and the
process number in a notification.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import groupby

from tests.integration.differential.line import Line, Listening
from tests.integration.differential.words import Hear, Script
from tests.integration.raw import Message
from tests.unit.wire.messages import TERMINATE

THE_END = ("", b"the connection ends")
_LONG = 500
"""Bytes of a message that are shown whole."""
_CUT, _PIECE = 2_000, 1_021
"""Bytes that are sent one at a time, and bytes of a piece of what follows them."""


class Cut(Enum):
    """How a script is sent."""

    WHOLE = "as much as there is to say"
    MESSAGES = "message by message"
    BYTES = "byte by byte, and the rest of what is very long in pieces"


def play(
    script: Script,
    where: Listening,
    who: tuple[str, ...],
    *,
    cut: Cut = Cut.WHOLE,
    between: Callable[[], object] = lambda: None,
) -> list[str]:
    """What is heard from behind the greeting to the end, one line for each message.

    `who`: the start-up parameters. `between` is called whenever the client has waited for something.
    """
    with Line(where, *who) as line:
        heard = _hear(line, Hear("Z"), 0)
        start = heard
        between()
        for _, steps in groupby(script, key=type):
            run = list(steps)
            for piece in _pieces([step for step in run if isinstance(step, bytes)], cut):
                line.say(piece)
            for wait in (step for step in run if isinstance(step, Hear)):
                heard = _hear(line, wait, heard)
                between()
        if line.has_ended:
            line.heard.append(THE_END)
        else:
            line.say(TERMINATE)
            _hear(line, Hear(), heard)
        return [show(message) for message in line.heard[start:]]


def greeting(where: Listening, who: tuple[str, ...]) -> list[str]:
    """What is heard first, without the key, in alphabetical order."""
    with Line(where, *who) as line:
        _hear(line, Hear("Z"), 0)
        return sorted(show(message) for message in line.heard if message[0] != "K")


def show(message: Message) -> str:
    """A message as a line: different messages give different lines."""
    kind, body = message
    if kind == "A":
        return f"A {body[4:]!r}"
    if len(body) <= _LONG:
        return f"{kind} {body!r}"
    return f"{kind} {body[:100]!r} … {len(body)} bytes, CRC {zlib.crc32(body):08x}"


def _hear(line: Line, what: Hear, start: int) -> int:
    """Hear it, behind the first `start` messages. Behind how many it has been heard."""
    at, missing = start, what.times
    while missing and not line.has_ended:
        line.hear_until(at + 1)
        for kind, _ in line.heard[at : at + 1]:
            missing -= kind == what.kind
            at += 1
    return at


def _pieces(said: list[bytes], cut: Cut) -> Iterator[bytes]:
    whole = b"".join(said)
    match cut:
        case Cut.WHOLE:
            yield whole
        case Cut.MESSAGES:
            yield from said
        case Cut.BYTES:
            yield from (whole[at : at + 1] for at in range(min(len(whole), _CUT)))
            yield from (whole[at : at + _PIECE] for at in range(_CUT, len(whole), _PIECE))
