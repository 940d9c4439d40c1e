"""What may be typed after `/`: words that an item must match, all of them.

- `web` anywhere in the row, capitals or not; `!web` nowhere
- `user:^w` a regular expression in one column; `!user:^w` is its opposite
- `wait>1s`, `active>=10`, `in<1M` a number in one column; durations are in seconds unless they say us, ms, m or h

A column is called by its name or the beginning of it. What can't be understood is an error that says so, never a
filter that hides everything.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from agroal_top.views.listing import Column, Kind, Value

T = TypeVar("T")
Match = Callable[[T], bool]


class BadFilter(Exception):
    """Says which word was not understood, and why."""


_COMPARISON = re.compile(r"([^\W\d][\w-]*)(>=|<=|>|<|=)(\S+)")
_FIELD = re.compile(r"([^\W\d][\w-]*):(.+)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_DURATIONS = {"us": 1, "ms": 1e3, "": 1e6, "s": 1e6, "m": 60e6, "h": 3600e6, "d": 86400e6}
_SIZES = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}


def parse(text: str, columns: Sequence[Column[T]]) -> Match[T] | None:
    """What an item has to satisfy; None for a filter of no words. Raises BadFilter."""
    matches = [_word(word, columns) for word in text.split()]
    if not matches:
        return None
    return lambda item: all(match(item) for match in matches)


def _word(word: str, columns: Sequence[Column[T]]) -> Match[T]:
    if word.startswith("!"):
        if len(word) == 1:
            raise BadFilter("“!” needs a word after it")
        match = _word(word[1:], columns)
        return lambda item: not match(item)
    if found := _COMPARISON.fullmatch(word):
        return _comparison(_column(found[1], columns), found[2], found[3])
    if found := _FIELD.fullmatch(word):
        return _field(_column(found[1], columns), found[2])
    return _anywhere(word.casefold(), columns)


def _column(name: str, columns: Sequence[Column[T]]) -> Column[T]:
    name = name.casefold()
    for matches in (str.__eq__, str.startswith):
        for column in columns:
            if matches(column.id, name):
                return column
    raise BadFilter(f"no column is called “{name}”: there are {', '.join(column.id for column in columns)}")


def _anywhere(wanted: str, columns: Sequence[Column[T]]) -> Match[T]:
    return lambda item: any(wanted in column.show(item).text.casefold() for column in columns)


def _field(column: Column[T], expression: str) -> Match[T]:
    try:
        pattern = re.compile(expression, re.IGNORECASE)
    except re.error as error:
        raise BadFilter(f"“{expression}” is no regular expression: {error}") from None
    return lambda item: pattern.search(_text(column, item)) is not None


def _text(column: Column[T], item: T) -> str:
    value = column.value(item)
    return value if isinstance(value, str) else column.show(item).text


def _comparison(column: Column[T], sign: str, bound: str) -> Match[T]:
    if column.kind is Kind.TEXT:
        if sign != "=":
            raise BadFilter(f"“{column.id}” is a text: {column.id}:{bound} looks for a part of it")
        return lambda item: str(column.value(item)) == bound
    compare, limit = _OPERATORS[sign], _number(bound, column.kind)

    def match(item: T) -> bool:
        value: Value = column.value(item)
        return isinstance(value, int | float) and compare(value, limit)

    return match


def _number(text: str, kind: Kind) -> float:
    units = _DURATIONS if kind is Kind.DURATION else _SIZES
    found = _NUMBER.fullmatch(text)
    if found is None or found[2].casefold() not in units:
        known = ", ".join(unit for unit in units if unit)
        raise BadFilter(f"“{text}” is no number with one of the units {known}")
    return float(found[1]) * units[found[2].casefold()]
