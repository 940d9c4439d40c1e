"""Carries out a plan: which verbs it takes, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeVar, cast

from agroal.console.averages import Averages
from agroal.console.commands import Command, Errand, Errands
from agroal.console.identity import Identity
from agroal.console.plans import Assign, Do, Look, Say, columns_of
from agroal.console.table import AnyShow, Row, View
from agroal.errors import ConsoleError, ManagementError
from agroal.management.commands.conf import Aliases, Settings
from agroal.management.record import Record
from agroal.management.snapshot import Snapshot
from agroal.management.verbs import named
from agroal.management.wire import Code
from agroal.wire.fields import Message
from agroal.wire.talk import Ask

T = TypeVar("T")
Doing = Generator[bytes | Ask | Errand, Message | Record | None, T]
"""Something that takes errands, or the client's messages, on its way to a T."""

SQLSTATES: Final = {
    Code.BAD_ARGUMENT: "22023",
    Code.FORBIDDEN: "42501",
    Code.REFUSED: "55000",
    Code.CONFIGURATION: "F0000",
    Code.INTERNAL: "XX000",
}
"""What the errors of verbs are on the console; 58000, system error, are the others."""


class Cancelled(Exception):
    """Thrown in instead of an errand's result: the client has cancelled it."""


@dataclass(slots=True)
class Result:
    """What came of a plan."""

    tag: str
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    notices: tuple[str, ...] = ()
    """What the verbs say of it, for people."""

    def put_back(self, row: Row) -> None:
        """It was looked at only."""
        self.rows = chain((row,), self.rows)


class Clerk:
    """Carries out the plans of one client."""

    def __init__(self, identity: Identity, averages: Averages, resident: Callable[[], int]) -> None:
        """`resident` is how many bytes of the process are in memory."""
        self._identity = identity
        self._averages = averages
        self._resident = resident

    def carry_out(self, plan: Look | Do | Assign | Say) -> Doing[Result]:
        """Raises ConsoleError."""
        match plan:
            case Look(show):
                view = yield from self._view(show)
                return Result("SHOW", show.rows(view))
            case Do(command, argument):
                return (yield from _obey(command, argument))
            case Assign(key, value):
                notices = yield from _run((Errand("conf set", {"key": key, "value": value}),))
                return Result("SET", notices=notices)
            case Say(tag, _, values):
                has_row = columns_of(plan, self._identity.face) is not None
                return Result(tag, iter([values(self._identity)] if has_row else ()))

    def _view(self, show: AnyShow) -> Doing[View]:
        settings, limits = Settings("", ()), Aliases(())
        if show.configured:
            settings = cast(Settings, (yield from _perform(Errand("conf get", {}))))
            limits = cast(Aliases, (yield from _perform(Errand("conf alias", {}))))
        snapshot = cast(Snapshot, (yield from _perform(Errand("snapshot", {}))))
        rates = self._averages.rates(snapshot)
        face, resident = self._identity.face, self._resident()
        return View(face, snapshot, rates, settings.settings, limits.aliases, resident)


def _obey(command: Command, argument: str) -> Doing[Result]:
    try:
        notices = yield from _run(command.errands(argument))
    except Cancelled:
        if command.undo:
            yield from _run(command.undo(argument))
        raise ConsoleError("57014", "canceling statement due to user request") from None
    return Result(command.name, notices=notices)


def _run(errands: Errands) -> Doing[tuple[str, ...]]:
    """One after the other. Returns what they say of themselves; one that has waited, what came of that."""
    said: tuple[str, ...] = ()
    for errand in errands:
        result = yield from _perform(errand)
        lines = tuple(named(errand.verb).lines(result))
        said += lines[-1:] if errand.waits else lines
    return said


def _perform(errand: Errand) -> Doing[Record]:
    try:
        return cast(Record, (yield errand))
    except ManagementError as error:
        raise ConsoleError(SQLSTATES.get(Code(error.code), "58000"), str(error)) from error
