"""What a verb is: what the daemon does for it, what it takes, how its result is shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from agroal.config.units import LONGEST, spell_duration
from agroal.errors import ManagementError
from agroal.management.controls import Role
from agroal.management.neutral import LINE
from agroal.management.record import Record
from agroal.management.snapshot import Snapshot
from agroal.management.wire import Code

Value = str | float | tuple[str, ...]
"""An argument as a command takes it."""

GREATEST: Final = 2**53
"""Beyond it not every reader of JSON keeps whole numbers whole."""

_INTEGER = re.compile(r"[0-9]{1,16}", re.ASCII)


class Kind(Enum):
    """How an argument is checked, and how agroal-cli takes it."""

    WORD = auto()
    """a text; on the command line the next word after the verb"""
    WORDS = auto()
    """an array of texts; not for the command line"""
    NUMBER = auto()
    """a whole number; on the command line the next word after the verb"""
    SECONDS = auto()
    """a number ≥ 0; on the command line `-T DURATION`"""


POSITIONAL: Final = {Kind.WORD, Kind.NUMBER}


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    kind: Kind
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()
    """The texts there are to choose from; empty: any."""
    least: int = 0
    greatest: int = GREATEST
    """Bounds of a NUMBER, both included."""

    def checked(self, value: object) -> Value:
        """`value` as the command takes it. Raises ManagementError `bad-argument`."""
        match self.kind, value:
            case Kind.WORD, str() if self._takes(value):
                return value
            case Kind.WORDS, [str(), *_] if all(isinstance(word, str) and self._takes(word) for word in value):
                return tuple(dict.fromkeys(map(str, value)))
            case Kind.NUMBER, int() if not isinstance(value, bool) and self.least <= value <= self.greatest:
                return value
            case Kind.SECONDS, int() | float() if not isinstance(value, bool) and 0 <= value <= LONGEST:
                return float(value)
        raise ManagementError(Code.BAD_ARGUMENT, f"“{self.name}” must be {self.expected}")

    def read(self, word: str) -> Value:
        """The value of a word of a command line. Raises ManagementError `bad-argument`."""
        return self.checked(int(word) if self.kind is Kind.NUMBER and _INTEGER.fullmatch(word) else word)

    @property
    def expected(self) -> str:
        """What a value looks like, in words."""
        match self.kind:
            case Kind.WORD:
                return _one_of(self.choices) if self.choices else f"a text of at most {LINE} characters"
            case Kind.WORDS:
                return f"an array of at least one of {_one_of(self.choices)}"
            case Kind.NUMBER:
                return f"a whole number between {self.least} and {self.greatest}"
            case Kind.SECONDS:
                return f"a number of seconds between 0 and {LONGEST:.0f}"

    def _takes(self, word: str) -> bool:
        return word in self.choices if self.choices else len(word) <= LINE


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing agroal can be asked for."""

    name: str
    """The words of pgagroal 2; on the wire the only spelling."""
    doc: str
    execute: Callable[..., Awaitable[Record]]
    """Called with the Call and the checked arguments by name."""
    result: type[Record]
    text: Callable[..., Iterator[str]]
    """The lines that show a result to people. Called with the result; for a verb that changes something also with
    whether it was a dry run."""
    role: Role
    read_only: bool
    """Changes nothing; what does is logged, and can be tried in a dry run."""
    aliases: tuple[str, ...] = ()
    """The words of pgagroal 0.6 to 1.5, and the short forms of a verb's default; agroal-cli takes them too."""
    arguments: tuple[Argument, ...] = ()
    lasting: bool = False
    """Concerns the connection that it came on; agroal-cli, which hangs up after one answer, does not take it."""
    is_fine: Callable[[Any], bool] = lambda _: True
    """Whether agroal-cli exits with status 0 when this is the result."""
    left: Callable[[Snapshot], str] | None = None
    """Of a verb that waits, for its `timeout` at most, until all is done: what is missing yet, in words, or nothing."""
    shown: Callable[[Any], Mapping[str, Value]] = lambda _: {}
    """What stands in the log for an argument that may be a secret; from the result, where secrets are masked."""

    def checked(self, args: Mapping[str, object]) -> dict[str, Value]:
        """The arguments of a request, each of its kind. Raises ManagementError `bad-argument`."""
        known = {argument.name: argument for argument in self.arguments}
        for name in args:
            if name not in known:
                raise ManagementError(Code.BAD_ARGUMENT, f"“{self.name}” has no argument {name[:64]!a}")
        for argument in self.arguments:
            if argument.required and argument.name not in args:
                raise ManagementError(Code.BAD_ARGUMENT, f"“{self.name}” needs {argument.name}: {argument.doc}")
        return {name: known[name].checked(value) for name, value in args.items()}

    def lines(self, result: Record, *, dry_run: bool = False) -> Iterator[str]:
        """What people get to read."""
        return self.text(result) if self.read_only else self.text(result, dry_run)

    def command(self, args: Mapping[str, Value]) -> str:
        """What to type after `agroal-cli` for the same."""
        words = [self.name]
        for argument in self.arguments:
            match args.get(argument.name):
                case None:
                    pass
                case float(seconds):
                    words += ["-T", spell_duration(seconds)]
                case value:
                    words.append(shlex.quote(str(value)))
        return " ".join(words)


def _one_of(choices: tuple[str, ...]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last
