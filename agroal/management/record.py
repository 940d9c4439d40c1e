"""Frozen dataclasses of plain values that know their JSON form, both ways.

The daemon writes them, agroal-cli and agroal-top read them, possibly of another release. So: a member that the reader
does not know is passed over, one that is absent takes the field's default, and a release only ever adds fields, with
defaults. A member of the wrong type is an error. Every text is neutralised as it is read, see neutral.py; how long it
may be is part of its type (`Name`, `Token`, `Line`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin, get_type_hints

from agroal.errors import ManagementError
from agroal.management import neutral
from agroal.management.neutral import neutral as neutralise

Name = Annotated[str, neutral.NAME]
Token = Annotated[str, neutral.TOKEN]
Line = Annotated[str, neutral.LINE]

Read = Callable[[object], Any]


class Record:
    """What a frozen dataclass inherits to be read from JSON and written to it.

    A field is an int, a bool, one of the texts above, any of these or None, a record, or a tuple of one of these.
    Records that come by the thousand say `tabular = True` and travel as a table, `{"fields": […], "rows": [[…]]}`: a
    third of the bytes. Those have plain values only.
    """

    __slots__ = ()
    tabular: ClassVar[bool] = False

    def to_json(self) -> dict[str, Any]:
        return _members(type(self), self)

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Raises ManagementError `malformed`, naming the member."""
        return cls(**_values(cls, document))


def _members(cls: type, record: Record) -> dict[str, Any]:
    return {name: _written(getattr(record, name), hint) for name, hint in _hints(cls).items()}


def _values(cls: type, document: object) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        raise ManagementError("malformed", f"{cls.__name__} is not an object")
    values = {}
    for name, read in _plan(cls).items():
        if name in document:
            try:
                values[name] = read(document[name])
            except TypeError as error:
                raise ManagementError("malformed", f"“{name}” of {cls.__name__} is {error}") from None
    if absent := _required(cls) - values.keys():
        raise ManagementError("malformed", f"{cls.__name__} lacks {', '.join(sorted(absent))}")
    return values


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


@cache
def _plan(cls: type) -> dict[str, Read]:
    return {name: _reader(hint) for name, hint in _hints(cls).items()}


@cache
def _required(cls: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(cls) if field.default is MISSING)


def _reader(hint: Any) -> Read:
    """How a value of this type is read; the reader raises TypeError with words that end the sentence “… is”."""
    if hint is int:
        return _integer
    if hint is bool:
        return _flag
    if get_origin(hint) is Annotated:
        return _text(hint.__metadata__[0])
    if get_origin(hint) is tuple:
        return _several(get_args(hint)[0])
    if NoneType in get_args(hint):
        read = _reader(get_args(hint)[0])
        return lambda value: None if value is None else read(value)
    return hint.from_json  # type: ignore[no-any-return]


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not an integer")
    return value


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise TypeError("neither true nor false")
    return value


def _text(limit: int) -> Read:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise TypeError("not a text")
        return neutralise(value, limit)

    return read


def _several(hint: Any) -> Read:
    read_one, opened = _reader(hint), _unfolded if _is_tabular(hint) else _listed

    def read(value: object) -> tuple[Any, ...]:
        return tuple(map(read_one, opened(value)))

    return read


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not an array")
    return value


def _unfolded(value: object) -> Iterable[dict[str, Any]]:
    match value:
        case {"fields": [*names], "rows": [*rows]} if all(isinstance(name, str) for name in names):
            if all(isinstance(row, list) and len(row) == len(names) for row in rows):
                return (dict(zip(names, row, strict=True)) for row in rows)
    raise TypeError("not a table")


def _written(value: Any, hint: Any) -> Any:
    match value:
        case Record():
            return value.to_json()
        case tuple():
            of = get_args(hint)[0]
            return _folded(of, value) if _is_tabular(of) else [_written(one, of) for one in value]
    return value


def _is_tabular(hint: Any) -> bool:
    return getattr(hint, "tabular", False)


def _folded(cls: type, records: Iterable[Record]) -> dict[str, Any]:
    names = tuple(_hints(cls))
    return {"fields": list(names), "rows": [list(row) for row in map(attrgetter(*names), records)]}
