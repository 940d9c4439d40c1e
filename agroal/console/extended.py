"""The extended protocol: its messages (manual, “Message Formats”), and what a client has prepared and bound by them.

A malformed message raises ProtocolViolation. What is kept is bounded in number, and in the length of names.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from agroal.console.errands import Result
from agroal.console.plans import Plan
from agroal.errors import ConsoleError, ProtocolViolation
from agroal.wire.fields import take_cstring

STATEMENT, PORTAL = ord("S"), ord("P")
"""What Describe and Close are about."""
MOST: Final = 1000
"""Prepared statements, and portals, of one client."""
LONGEST_NAME: Final = 256
"""Characters."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bind:
    portal: str
    statement: str
    parameters: int
    """How many came; the console has none."""
    formats: tuple[int, ...]
    """Codes of the results."""


def parse_parse(body: bytes) -> tuple[str, str]:
    """The name and the query. The types of parameters don't matter."""
    name, at = take_cstring(body, 0)
    query, at = take_cstring(body, at)
    _, at = _numbers(body, at, "I")
    _end(body, at)
    return name, query


def parse_bind(body: bytes) -> Bind:
    portal, at = take_cstring(body, 0)
    statement, at = take_cstring(body, at)
    _, at = _numbers(body, at, "H")
    (count,), at = _take("!H", body, at)
    for _ in range(count):
        (length,), at = _take("!i", body, at)
        at += max(length, 0)
    formats, at = _numbers(body, at, "H")
    _end(body, at)
    return Bind(portal, statement, count, formats)


def parse_target(body: bytes) -> tuple[int, str]:
    """Of Describe and Close: STATEMENT or PORTAL, and its name."""
    name, at = take_cstring(body, 1)
    _end(body, at)
    if body[0] not in (STATEMENT, PORTAL):
        raise _malformed()
    return body[0], name


def parse_execute(body: bytes) -> tuple[str, int]:
    """The portal, and how many rows; 0 for all."""
    portal, at = take_cstring(body, 0)
    (rows,), at = _take("!i", body, at)
    _end(body, at)
    return portal, max(rows, 0)


def _numbers(body: bytes, at: int, kind: str) -> tuple[tuple[int, ...], int]:
    """A list of numbers behind their count."""
    (count,), at = _take("!H", body, at)
    return _take(f"!{count}{kind}", body, at)


def _take(layout: str, body: bytes, at: int) -> tuple[tuple[int, ...], int]:
    end = at + struct.calcsize(layout)
    if end > len(body):
        raise _malformed()
    return struct.unpack_from(layout, body, at), end


def _end(body: bytes, at: int) -> None:
    if at != len(body):
        raise _malformed()


def _malformed() -> ProtocolViolation:
    return ProtocolViolation("invalid message format")


@dataclass(frozen=True, slots=True)
class Prepared:
    plan: Plan | None
    """None: an empty query."""


@dataclass(slots=True)
class Portal:
    prepared: Prepared
    formats: tuple[int, ...]
    result: Result | None = None
    """Once it has been executed: what is left to be sent."""


class Shelf(Generic[T]):
    """Things by name. The unnamed is replaced; the others are not."""

    def __init__(self, what: str, unknown: str, duplicate: str) -> None:
        """`unknown` and `duplicate`: the SQLSTATEs for that."""
        self._what = what
        self._unknown = unknown
        self._duplicate = duplicate
        self._things: dict[str, T] = {}

    def put(self, name: str, thing: T) -> None:
        """Raises ConsoleError."""
        if name and name in self._things:
            raise ConsoleError(self._duplicate, f'{self._what} "{name}" already exists')
        if len(name) > LONGEST_NAME or (len(self._things) >= MOST and name not in self._things):
            what = f"at most {MOST} of a kind, with names of at most {LONGEST_NAME} characters"
            raise ConsoleError("54000", f"too much for the console: expected {what}")
        self._things[name] = thing

    def get(self, name: str) -> T:
        """Raises ConsoleError."""
        try:
            return self._things[name]
        except KeyError:
            raise ConsoleError(self._unknown, f'{self._what} "{name[:LONGEST_NAME]}" does not exist') from None

    def drop(self, name: str) -> bool:
        """Whether it was there."""
        return self._things.pop(name, None) is not None

    def clear(self) -> None:
        self._things.clear()
