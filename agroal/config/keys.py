"""How a key of the configuration is declared: once, as a field of a dataclass.

    port: int = integer(5432, low=1, high=65535, restart=True, doc="Port of the server.")

The field gives the name and the type; the function gives the kind, and with it how the value is read, spelled and
described. Everything else that speaks about keys (reading, `agroal --check`, manual pages) goes through `keys_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Required, TypedDict, TypeVar, Unpack, cast

from agroal.config import units

Value = bool | int | float | str | Path | None
T = TypeVar("T")
P = TypeVar("P", Path, Path | None)
E = TypeVar("E", bound=StrEnum)

MASK = "********"
_IDLE_WORDS = {"off", "never", "disabled"}


class Kind(StrEnum):
    BOOL = "bool"
    INT = "int"
    DURATION = "duration"
    SIZE = "size"
    ENUM = "enum"
    PATH = "path"
    TEXT = "text"


class Support(Enum):
    """How far a key that we know is heeded. The value is what its reader is told."""

    HONOURED = "has its effect"
    LATER = "has no effect yet"
    NEVER = "has no meaning here"


class Facts(TypedDict, total=False):
    """What can be said of a key of any kind."""

    doc: Required[str]
    required: bool
    restart: bool
    support: Support
    secret: bool
    unheeded: Mapping[Value, str]
    derived: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    name: str = ""
    kind: Kind
    default: Value
    doc: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    """Bounds of a number, both included."""
    unit: str = "s"
    """What a bare number counts, for a duration."""
    words: Mapping[str, Value] = field(default_factory=dict)
    """The spellings of a bool or an enum. They are read in any case."""
    restart: bool = False
    """A new value is taken at the next start, not by a reload."""
    support: Support = Support.HONOURED
    secret: bool = False
    unheeded: Mapping[Value, str] = field(default_factory=dict)
    """Values that are treated as the default, and why."""
    derived: str = ""
    """Where the default comes from, when it depends on other keys."""

    @property
    def expected(self) -> str:
        """What a value looks like, in words."""
        match self.kind:
            case Kind.BOOL | Kind.ENUM:
                *others, last = [self.spell(v) for v in dict.fromkeys(self.words.values())]
                return f"{', '.join(others)} or {last}" if others else last
            case Kind.INT | Kind.DURATION | Kind.SIZE:
                noun = "whole number" if self.kind is Kind.INT else self.kind
                return f"a {noun} from {self.spell(self.low)} to {self.spell(self.high)}"
            case Kind.PATH:
                return "a path"
            case Kind.TEXT:
                return "text"

    @property
    def explanation(self) -> str:
        """What the key does, and whether it does it."""
        match self.support:
            case Support.HONOURED:
                return self.doc
            case Support.LATER:
                return f"{self.doc} It {self.support.value}."
            case Support.NEVER:
                return f"It {self.support.value}: {self.doc}"

    @property
    def default_text(self) -> str:
        """The default as a file would spell it; empty when there is none."""
        return self.derived or ("" if self.required else self.spell(self.default))

    def parse(self, text: str, environ: Mapping[str, str]) -> Value:
        """The value that `text` spells. Raises ValueError that says what was expected, without the text of a secret."""
        if not text and self.required:
            raise ValueError(f"expected {self.expected}, not nothing")
        try:
            value = self._read(text, environ)
        except ValueError as error:
            raise ValueError(f"{error}{self._instead(text)}") from None
        if isinstance(value, (int, float)) and not self._within(value):
            raise ValueError(f"expected {self.expected}{self._instead(text)}")
        return value

    def remark(self, value: Value) -> str:
        """What the one who set this value should know; empty when it simply holds."""
        if self.support is Support.NEVER:
            return f"accepted, but {Support.NEVER.value}: {self.doc}"
        if self.support is Support.LATER and value and value not in _IDLE_WORDS:
            return f"accepted, but {Support.LATER.value}"
        if value in self.unheeded:
            reason = self.unheeded[value]
            return f"accepted, but {self.spell(value)} is never heeded, {self.spell(self.default)} holds: {reason}"
        return ""

    def spell(self, value: Value) -> str:
        """The value as a file would spell it, not masked and not quoted."""
        match self.kind, value:
            case _, None:
                return ""
            case Kind.BOOL, bool():
                return units.spell_boolean(value)
            case Kind.DURATION, int() | float():
                return units.spell_duration(value)
            case Kind.SIZE, int():
                return units.spell_size(value)
            case _:
                return str(value)

    def show(self, value: Value) -> str:
        """The value as a file would spell it, and a mask in the place of a secret."""
        return MASK if self.secret and value else self.spell(value)

    def _read(self, text: str, environ: Mapping[str, str]) -> Value:
        match self.kind:
            case Kind.BOOL | Kind.ENUM:
                folded = {word.lower(): value for word, value in self.words.items()}
                if text.lower() not in folded:
                    raise ValueError(f"expected {self.expected}")
                return folded[text.lower()]
            case Kind.INT:
                return units.integer(text)
            case Kind.DURATION:
                return units.duration(text, self.unit)
            case Kind.SIZE:
                return units.size(text)
            case Kind.PATH:
                return units.path(text, environ) if text else self.default
            case Kind.TEXT:
                return text

    def _within(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _instead(self, text: str) -> str:
        return "" if self.secret or self.kind is Kind.PATH else f", not {text!r}"


def keys_of(settings: type[Any]) -> tuple[Key, ...]:
    """The keys that a dataclass declares, in its order."""
    return tuple(replace(f.metadata["key"], name=f.name) for f in fields(settings) if "key" in f.metadata)


def _declare(default: T, key: Key) -> T:
    if key.required:
        return cast(T, field(metadata={"key": key}))
    return field(default=default, metadata={"key": key})


def boolean(default: bool, *, spellings: Mapping[str, bool] | None = None, **facts: Unpack[Facts]) -> bool:
    """Spelled on, yes, true, 1, off, no, false, 0 or by one of the further `spellings`."""
    words: dict[str, Value] = {**units.BOOLEANS, **(spellings or {})}
    return _declare(default, Key(kind=Kind.BOOL, default=default, words=words, **facts))


def integer(default: int = 0, *, low: int, high: int, **facts: Unpack[Facts]) -> int:
    return _declare(default, Key(kind=Kind.INT, default=default, low=low, high=high, **facts))


def duration(
    default: float, *, low: float = 0.0, high: float = units.LONGEST, unit: str = "s", **facts: Unpack[Facts]
) -> float:
    """Seconds; `unit` is what a bare number in a file counts."""
    return _declare(default, Key(kind=Kind.DURATION, default=default, low=low, high=high, unit=unit, **facts))


def size(default: int, *, low: int = 0, high: int, **facts: Unpack[Facts]) -> int:
    """Bytes."""
    return _declare(default, Key(kind=Kind.SIZE, default=default, low=low, high=high, **facts))


def choice(default: E, *, spellings: Mapping[str, E] | None = None, **facts: Unpack[Facts]) -> E:
    """A member of the default's enum, spelled by its value or by one of the further `spellings`."""
    words: dict[str, Value] = {**{member.value: member for member in type(default)}, **(spellings or {})}
    return _declare(default, Key(kind=Kind.ENUM, default=default, words=words, **facts))


def path(default: P, **facts: Unpack[Facts]) -> P:
    """A path; environment variables in it are replaced. Left empty, it is the default."""
    return _declare(default, Key(kind=Kind.PATH, default=default, **facts))


def text(default: str = "", **facts: Unpack[Facts]) -> str:
    return _declare(default, Key(kind=Kind.TEXT, default=default, **facts))
