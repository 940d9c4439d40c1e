from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.console.values import Type, data_row, formats_of, row_description
from agroal.errors import ConsoleError
from tests.unit.console.sitting import cells

TEXT, BINARY = 0, 1


def cell(value: object, type_: Type, code: int = TEXT) -> bytes | None:
    row = data_row([value], [type_], [code])  # type: ignore[list-item]
    assert row[:1] == b"D"
    [found] = cells(row[5:])
    return found


@pytest.mark.parametrize(
    ("value", "type_", "text", "binary"),
    [
        ("a", Type.TEXT, b"a", b"a"),
        ("ä", Type.TEXT, "ä".encode(), "ä".encode()),
        (7, Type.INT4, b"7", struct.pack("!i", 7)),
        (-7, Type.INT8, b"-7", struct.pack("!q", -7)),
        (True, Type.BOOL, b"t", b"\1"),
        (False, Type.BOOL, b"f", b"\0"),
        (0, Type.NUMERIC, b"0", struct.pack("!HhHH", 0, 0, 0, 0)),
        (12_345_678, Type.NUMERIC, b"12345678", struct.pack("!HhHH2H", 2, 1, 0, 0, 1234, 5678)),
        (50_000, Type.NUMERIC, b"50000", struct.pack("!HhHHH", 1, 1, 0, 0, 5)),
        (10_000, Type.NUMERIC, b"10000", struct.pack("!HhHHH", 1, 1, 0, 0, 1)),
        (None, Type.TEXT, None, None),
        (None, Type.INT4, None, None),
    ],
)
def test_a_value_in_both_formats(value: object, type_: Type, text: bytes | None, binary: bytes | None) -> None:
    assert cell(value, type_) == text
    assert cell(value, type_, BINARY) == binary


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_whole_numbers_of_any_size_are_numeric(number: int) -> None:
    data = cell(number, Type.NUMERIC, BINARY) or b""
    count, weight, sign, scale = struct.unpack_from("!HhHH", data)
    digits = struct.unpack_from(f"!{count}H", data, 8)
    value = sum(digit * 10_000 ** (weight - at) for at, digit in enumerate(digits))
    assert (-value if sign else value, scale, len(data)) == (number, 0, 8 + 2 * count)


@pytest.mark.parametrize("code", [TEXT, BINARY])
def test_a_number_that_has_outgrown_its_type_stays_at_its_end(code: int) -> None:
    assert cell(1 << 40, Type.INT4, code) == cell((1 << 31) - 1, Type.INT4, code)
    assert cell(1 << 70, Type.INT8, code) == cell((1 << 63) - 1, Type.INT8, code)


def test_a_text_that_came_from_a_stranger_does_no_harm() -> None:
    assert cell("\x1b[31mred\n", Type.TEXT) == "␛[31mred·".encode()
    assert cell("\udcff", Type.TEXT, BINARY) == "·".encode()


def test_columns_are_described_with_their_types_and_formats() -> None:
    described = row_description([("a", Type.TEXT), ("bc", Type.INT4)], [TEXT, BINARY])
    first = b"a\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, TEXT)
    second = b"bc\0" + struct.pack("!IHIhih", 0, 0, 23, 4, -1, BINARY)
    assert described == b"T" + struct.pack("!IH", 6 + len(first) + len(second), 2) + first + second


@pytest.mark.parametrize(
    ("codes", "formats"), [((), (0, 0, 0)), ((1,), (1, 1, 1)), ((0,), (0, 0, 0)), ((0, 1, 0), (0, 1, 0))]
)
def test_formats_are_none_one_or_one_for_each(codes: tuple[int, ...], formats: tuple[int, ...]) -> None:
    assert formats_of(codes, 3) == formats


@pytest.mark.parametrize(("codes", "sqlstate"), [((2,), "22023"), ((0, 0), "08P01"), ((0, 0, 0, 0), "08P01")])
def test_other_formats_are_refused(codes: tuple[int, ...], sqlstate: str) -> None:
    with pytest.raises(ConsoleError) as refused:
        formats_of(codes, 3)
    assert refused.value.sqlstate == sqlstate
