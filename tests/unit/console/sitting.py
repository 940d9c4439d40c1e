"""A client at a console that exists only as a talk: what it says, what it hears, and what is done for it."""

from __future__ import annotations

import re
import struct
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from agroal.console.averages import Averages, Rates
from agroal.console.commands import Errand
from agroal.console.errands import Cancelled, Clerk, Doing
from agroal.console.face import Face
from agroal.console.identity import Identity
from agroal.console.plans import Plan, plan
from agroal.console.table import AnyShow, View
from agroal.console.talk import Console
from agroal.console.tokens import statements
from agroal.errors import ManagementError
from agroal.management.controls import Call, Role
from agroal.management.dispatch import Dispatcher
from agroal.management.record import Record
from agroal.wire.buffer import Inbox
from agroal.wire.talk import Ask
from tests.unit.management import sample
from tests.unit.management.fake import FakeControls
from tests.unit.wire.messages import message

T = TypeVar("T")

IDENTITY = Identity(Face.AGROAL, user="ops", number=7, version="0.1.0", is_admin=True, application_name="psql")
RESIDENT = 40_960_000

Heard = tuple[str, bytes]
"""The type and the body of a message."""


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of what does not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


@dataclass
class Sitting:
    """`hear` says something, and returns what is answered to it."""

    face: Face = Face.AGROAL
    role: Role = Role.ADMIN
    controls: FakeControls = field(default_factory=FakeControls)
    errands: list[Errand] = field(default_factory=list)
    impatient: bool = False
    """The client cancels whatever waits."""
    over: bool = False
    longest: int = 0
    """Bytes that were sent together."""

    def __post_init__(self) -> None:
        identity = replace(IDENTITY, face=self.face, is_admin=self.role is Role.ADMIN)
        console = Console(identity, Clerk(identity, Averages(), lambda: RESIDENT))
        self._inbox = Inbox()
        self._out = b""
        self._talk: Doing[None] = console.converse()
        self._go_on(next(self._talk))
        self.welcome = self._said()

    def hear(self, *said: bytes) -> list[Heard]:
        """What is answered, to each piece as it comes."""
        for piece in said:
            self._inbox.feed(piece)
            while not self.over and (found := self._inbox.take_message(1 << 20)):
                try:
                    self._go_on(self._talk.send(found))
                except StopIteration:
                    self.over = True
        return self._said()

    def query(self, sql: str) -> list[Heard]:
        return self.hear(query(sql))

    def _go_on(self, wanted: bytes | Ask | Errand) -> None:
        while wanted is not Ask.MESSAGE:
            match wanted:
                case bytes():
                    self._out += wanted
                    self.longest = max(self.longest, len(wanted))
                    wanted = next(self._talk)
                case Errand():
                    self.errands.append(wanted)
                    wanted = self._done(wanted)

    def _done(self, errand: Errand) -> bytes | Ask | Errand:
        if errand.waits and self.impatient:
            return self._talk.throw(Cancelled())
        try:
            return self._talk.send(perform(errand, self.controls, self.role))
        except ManagementError as error:
            return self._talk.throw(error)

    def _said(self) -> list[Heard]:
        said, self._out = self._out, b""
        return cut(said)


def perform(errand: Errand, controls: FakeControls, role: Role = Role.ADMIN) -> Record:
    """By the verbs themselves, on a daemon that is none."""
    return at_once(Dispatcher().perform(errand.verb, errand.args, Call(controls, role, "ops")))


def cut(said: bytes) -> list[Heard]:
    """The messages that it consists of."""
    found = []
    while said:
        end = 1 + int.from_bytes(said[1:5], "big")
        found.append((chr(said[0]), said[5:end]))
        said = said[end:]
    return found


def query(sql: str) -> bytes:
    return message("Q", sql.encode() + b"\0")


def fields(heard: Iterable[Heard], kind: str = "E") -> dict[str, str]:
    """Those of the only message of this kind."""
    [body] = [body for each, body in heard if each == kind]
    return {chr(field[0]): field[1:].decode() for field in body.split(b"\0") if field}


def names(heard: Iterable[Heard]) -> list[str]:
    """Those of the columns in the only RowDescription."""
    [body] = [body for kind, body in heard if kind == "T"]
    found, at = [], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        end = body.index(b"\0", at)
        found.append(body[at:end].decode())
        at = end + 19
    return found


def rows(heard: Iterable[Heard]) -> list[tuple[str | None, ...]]:
    """The DataRows, as texts."""
    return [
        tuple(cell if cell is None else cell.decode() for cell in cells(body)) for kind, body in heard if kind == "D"
    ]


def cells(body: bytes) -> list[bytes | None]:
    found: list[bytes | None] = []
    at = 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        (length,) = struct.unpack_from("!i", body, at)
        found.append(None if length < 0 else body[at + 4 : at + 4 + length])
        at += 4 + max(length, 0)
    return found


def kinds(heard: Iterable[Heard]) -> str:
    """Their types in order; of a run of DataRows one."""
    return re.sub("D+", "D", "".join(kind for kind, _ in heard))


def planned(sql: str, face: Face = Face.AGROAL) -> Plan:
    [statement] = statements(sql)
    return plan(statement, replace(IDENTITY, face=face))


def view(face: Face = Face.PGBOUNCER, **changes: object) -> View:
    """Of the sample's daemon."""
    picture = sample.snapshot(**changes)
    settings = (sample.BLOCKING_TIMEOUT, sample.MAX_CONNECTIONS, sample.SERVER_PORT)
    return View(face, picture, Rates(1, {}), settings, sample.ALIASES, RESIDENT)


def table(show: AnyShow, on: View) -> list[dict[str, object]]:
    """Its rows by the names of its columns."""
    columns = [column.name for column in show.seen(on.face)]
    return [dict(zip(columns, row, strict=True)) for row in show.rows(on)]
