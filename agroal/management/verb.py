"""What a verb is: what the daemon does for it, what it takes, how its result is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from agroal.config.units import LONGEST
from agroal.errors import ManagementError
from agroal.management.controls import Role
from agroal.management.record import Record
from agroal.management.wire import Code


class Kind(Enum):
    """How an argument is checked, and how agroal-cli takes it."""

    WORD = auto()
    """a text; on the command line the next word after the verb"""
    SECONDS = auto()
    """a number ≥ 0; on the command line `-T DURATION`"""


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    kind: Kind
    doc: str
    required: bool = False

    def checked(self, value: object) -> str | float:
        """`value` as the command takes it. Raises ManagementError `bad-argument`."""
        match self.kind, value:
            case Kind.WORD, str():
                return value
            case Kind.SECONDS, int() | float() if not isinstance(value, bool) and 0 <= value <= LONGEST:
                return float(value)
        expected = "a text" if self.kind is Kind.WORD else f"a number of seconds between 0 and {LONGEST:.0f}"
        raise ManagementError(Code.BAD_ARGUMENT, f"“{self.name}” must be {expected}")


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing agroal can be asked for."""

    name: str
    """The words of pgagroal 2; on the wire the only spelling."""
    doc: str
    execute: Callable[..., Awaitable[Record]]
    """Called with the Call and the checked arguments by name."""
    result: type[Record]
    text: Callable[[Any], Iterator[str]]
    """The lines that show a result to people."""
    role: Role
    read_only: bool
    """Changes nothing; what does is logged."""
    aliases: tuple[str, ...] = ()
    """The words of pgagroal 0.6, and the short forms of a verb's default; agroal-cli takes them too."""
    arguments: tuple[Argument, ...] = ()

    def checked(self, args: Mapping[str, object]) -> dict[str, str | float]:
        """The arguments of a request, each of its kind. Raises ManagementError `bad-argument`."""
        known = {argument.name: argument for argument in self.arguments}
        for name in args:
            if name not in known:
                raise ManagementError(Code.BAD_ARGUMENT, f"“{self.name}” has no argument {name[:64]!a}")
        for argument in self.arguments:
            if argument.required and argument.name not in args:
                raise ManagementError(Code.BAD_ARGUMENT, f"“{self.name}” needs {argument.name}: {argument.doc}")
        return {name: known[name].checked(value) for name, value in args.items()}
