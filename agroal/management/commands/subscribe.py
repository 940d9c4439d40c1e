"""`subscribe` and `unsubscribe`: what a connection wants to be told without asking again.

Here is only what is agreed upon; connection.py keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agroal.management.controls import Call
from agroal.management.record import Record, Token

SHORTEST, USUAL, LONGEST = 200, 1000, 3_600_000
"""Milliseconds between two pushes."""


class Topic(StrEnum):
    SNAPSHOT = "snapshot"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Subscribed(Record):
    topics: tuple[Token, ...]
    interval_ms: int
    after: int
    """Events with a greater number will come."""


@dataclass(frozen=True, slots=True)
class Unsubscribed(Record):
    pass


async def subscribe(
    call: Call, topics: tuple[str, ...], interval_ms: int = USUAL, after: int | None = None
) -> Subscribed:
    if after is None:
        after = max((event.seq for event in call.controls.events(0)), default=0)
    return Subscribed(topics, interval_ms, after)


async def unsubscribe(call: Call) -> Unsubscribed:
    return Unsubscribed()


def text(subscribed: Subscribed) -> Iterator[str]:
    yield f"{' and '.join(subscribed.topics)} every {subscribed.interval_ms} ms"


def text_end(_: Unsubscribed) -> Iterator[str]:
    yield "nothing more is sent"
