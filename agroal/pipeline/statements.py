"""Prepared statements in the transaction pipeline: the names that clients give them, and those they have on servers.

A client prepares `s1` on one server and binds it, in its next transaction, on another. So each statement has a name of
ours, the same on all servers, and a server that does not have it yet is asked to prepare it just before it is bound.
Clients that prepare the same text share it. What a text means depends on settings, too: a literal is read with the
client's DateStyle, a name with its search_path. So the settings that a client had are part of what a statement is.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from agroal.pipeline.evidence import NOTHING, Evidence
from agroal.wire.codes import Frontend
from agroal.wire.expectations import PARSED, SYNCED
from agroal.wire.fields import message
from agroal.wire.halting import BIND

EMPTY: Final = b"\0\0\0"
"""The text and the types of a statement that does nothing."""
_header = struct.Struct("!BI").pack


class Statement:
    """A statement that clients have prepared by name."""

    __slots__ = ("__weakref__", "evidence", "name", "parse")

    def __init__(self, name: bytes, parse: bytes, evidence: Evidence = NOTHING) -> None:
        self.name = name
        """On servers."""
        self.parse = parse
        """The body of its Parse message behind the name: the text and the types of its parameters. Empty: only its
        client's own server knows it.
        """
        self.evidence = evidence

    def __repr__(self) -> str:
        return f"<Statement {self.name!r} {self.parse[:40]!r}>"


class Statements:
    """All statements that some client or some server has. `prefix` begins the names: nobody should guess it."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self.void = prefix + b"void"
        """A name that means nothing: what is prepared or closed under it is there for the server's answer only."""
        self._known: WeakValueDictionary[tuple[bytes, object], Statement] = WeakValueDictionary()
        self._number = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, parse: bytes, dialect: object, evidence: Evidence) -> Statement:
        """The statement that a Parse message with this end means under these settings."""
        known = self._known.get((parse, dialect))
        if known is None:
            self._number += 1
            known = self._known[parse, dialect] = Statement(b"%b%d" % (self.prefix, self._number), parse, evidence)
        return known

    def outdate(self, statement: Statement) -> None:
        """A server has it in a shape that its tables no longer have: whoever prepares the same text from now on gets
        another statement, which no server has yet.
        """
        for key, known in list(self._known.items()):
            if known is statement:
                del self._known[key]


@dataclass(slots=True, eq=False)
class Luggage:
    """What a server has on it of the clients that it had before: all that another client must not be surprised by."""

    prepared: OrderedDict[Statement, None]
    """The one used last is the last."""
    doubtful: set[Statement]
    """Those of them that it may have lost, or have in an outdated shape."""
    unnamed: bytes | None = None
    """The Parse message of its unnamed statement."""

    @classmethod
    def none(cls) -> Luggage:
        return cls(OrderedDict(), set())

    @property
    def is_any(self) -> bool:
        """There is something, or may be."""
        return bool(self.prepared or self.doubtful or self.unnamed)

    def doubt(self) -> None:
        """It may have forgotten all."""
        self.doubtful.update(self.prepared)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """An answer that is waited for, to a Parse or a Close which is not the client's own, or not under its name."""

    kind: int
    """PARSED or CLOSED."""
    is_for_client: bool
    statement: Statement | None = None
    """What the server has, or has no more, when it comes."""
    name: bytes | None = None
    """What the client calls it."""
    meant: Statement | None = None
    """What that is for the client."""
    duplicate: bytes | None = None
    """What it calls another, so that this one will fail."""


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """In the place of a ReadyForQuery: the client's batch is sent once more instead of handing this on."""

    batch: bytes


def is_in_question(statement: Statement, expected: Iterable[object]) -> bool:
    """Whether it is to be prepared by an earlier batch that is under way, and may fail before."""
    earlier = question = False
    for mark in expected:
        if mark == SYNCED:
            earlier = question
        elif isinstance(mark, Answer) and mark.statement is statement:
            question = mark.kind == PARSED and not mark.is_for_client
            earlier = False
    return earlier


def parse_message(name: bytes, rest: bytes) -> bytes:
    return message(Frontend.PARSE, name + b"\0" + rest)


def close_message(name: bytes) -> bytes:
    return message(Frontend.CLOSE, b"S" + name + b"\0")


def describe_message(name: bytes) -> bytes:
    return message(Frontend.DESCRIBE, b"S" + name + b"\0")


def bind_beginning(length: int, portal: bytes, old: bytes, new: bytes) -> bytes:
    """A Bind up to the end of its statement's name, which is exchanged. `length` is the old message's."""
    return _header(BIND, length - len(old) + len(new)) + portal + b"\0" + new + b"\0"
