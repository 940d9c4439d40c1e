from __future__ import annotations

import pytest

from agroal.management.layout import block, table, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("shop", 4), ("größe", 5), ("gro\u0308ße", 5), ("数据", 4), ("👩", 2), ("·␛", 2), ("ｗ", 2)],
)
def test_width_is_what_a_terminal_shows(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_stand_on_the_right() -> None:
    assert list(table(("user", "max", "limit"), [("web", 5, "all"), ("数据库", 100, None)])) == [
        "user    max  limit",
        "web       5  all",
        "数据库  100  -",
    ]


def test_a_column_of_numbers_with_a_gap_is_still_one_of_numbers() -> None:
    assert list(table(("n",), [(10,), (None,), (7,)])) == [" n", "10", " -", " 7"]


def test_a_column_of_nothing_stands_on_the_left() -> None:
    assert list(table(("note", "n"), [(None, 1)])) == ["note  n", "-     1"]


def test_a_table_without_rows_is_its_heads() -> None:
    assert list(table(("user", "max"), [])) == ["user  max"]


def test_a_block_aligns_its_labels() -> None:
    assert list(block([("agroal", "0.1.0"), ("connections", "1 active"), ("error", "")])) == [
        "agroal       0.1.0",
        "connections  1 active",
        "error",
    ]
