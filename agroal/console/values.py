"""The types of the console's columns, and their values as messages carry them (manual, “Formats and Format Codes”)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import Enum
from typing import Final

from agroal.errors import ConsoleError
from agroal.management.neutral import neutral
from agroal.wire.codes import Backend
from agroal.wire.fields import message

Value = str | int | bool | None

TEXT_FORMAT: Final = 0
BINARY_FORMAT: Final = 1
_GREATEST_INT4: Final = 2**31 - 1
_GREATEST_INT8: Final = 2**63 - 1
_NULL: Final = struct.pack("!i", -1)
_NUMERIC_BASE: Final = 10_000


class Type(Enum):
    """The value is the type's row in pg_type: its OID and its length."""

    BOOL = (16, 1)
    INT8 = (20, 8)
    INT4 = (23, 4)
    TEXT = (25, -1)
    NUMERIC = (1700, -1)

    @property
    def oid(self) -> int:
        return self.value[0]

    @property
    def length(self) -> int:
        """Bytes; -1 when they differ."""
        return self.value[1]


def row_description(columns: Sequence[tuple[str, Type]], formats: Sequence[int]) -> bytes:
    """The RowDescription of columns that belong to no table."""
    described = b"".join(
        name.encode() + b"\0" + struct.pack("!IHIhih", 0, 0, type_.oid, type_.length, -1, code)
        for (name, type_), code in zip(columns, formats, strict=True)
    )
    return message(Backend.ROW_DESCRIPTION, struct.pack("!H", len(columns)) + described)


def data_row(values: Sequence[Value], types: Sequence[Type], formats: Sequence[int]) -> bytes:
    """One DataRow."""
    cells = map(_cell, values, types, formats)
    return message(Backend.DATA_ROW, struct.pack("!H", len(values)) + b"".join(cells))


def formats_of(codes: Sequence[int], columns: int) -> tuple[int, ...]:
    """The format of each column from the codes of a Bind: none, one for all, or one for each. Raises ConsoleError."""
    if any(code not in (TEXT_FORMAT, BINARY_FORMAT) for code in codes):
        raise ConsoleError("22023", "unsupported format code: expected 0 for text or 1 for binary")
    match codes:
        case []:
            return (TEXT_FORMAT,) * columns
        case [code]:
            return (code,) * columns
    if len(codes) != columns:
        raise ConsoleError("08P01", f"bind message has {len(codes)} result formats but query has {columns} columns")
    return tuple(codes)


def _cell(value: Value, type_: Type, code: int) -> bytes:
    if value is None:
        return _NULL
    data = _binary(value, type_) if code == BINARY_FORMAT else _spelled(value, type_)
    return struct.pack("!I", len(data)) + data


def _spelled(value: str | int | bool, type_: Type) -> bytes:
    match type_:
        case Type.BOOL:
            return b"t" if value else b"f"
        case Type.TEXT:
            # What is printed may have come from a stranger; and half a character is none in UTF-8.
            return neutral(str(value)).encode("utf-8", "replace")
    return b"%d" % _within(int(value), type_)


def _binary(value: str | int | bool, type_: Type) -> bytes:
    match type_:
        case Type.BOOL:
            return struct.pack("!?", value)
        case Type.TEXT:
            return _spelled(value, type_)
        case Type.NUMERIC:
            return _numeric(int(value))
    return struct.pack("!i" if type_ is Type.INT4 else "!q", _within(int(value), type_))


def _within(value: int, type_: Type) -> int:
    """A number that has outgrown its type stays at its end: that is nearer to the truth than to begin anew."""
    greatest = {Type.INT4: _GREATEST_INT4, Type.INT8: _GREATEST_INT8}.get(type_, value)
    return max(min(value, greatest), -greatest) if type_ is not Type.NUMERIC else value


def _numeric(value: int) -> bytes:
    """A whole number as numeric_send writes it: digits to the base of 10000, the greatest first."""
    digits: list[int] = []
    rest = abs(value)
    while rest:
        rest, digit = divmod(rest, _NUMERIC_BASE)
        digits.insert(0, digit)
    weight = max(len(digits) - 1, 0)
    while digits and digits[-1] == 0:
        digits.pop()
    sign = 0x4000 if value < 0 else 0
    return struct.pack(f"!HhHH{len(digits)}H", len(digits), weight, sign, 0, *digits)
