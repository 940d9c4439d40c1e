from __future__ import annotations

from agroal_top.views.listing import Column, Kind, Listing, fitting, worded
from agroal_top.views.text import Part

Item = tuple[str, int | None]


def number(id: str, width: int, priority: int = 0, *, grows: bool = False) -> Column[Item]:
    return Column(id, id, width, lambda item: item[1], lambda item: Part(str(item[1])), Kind.NUMBER, priority, grows)


NAME: Column[Item] = worded("name", "Name", 10, lambda item: item[0], grows=True)
ITEMS: tuple[Item, ...] = (("b", 2), ("a", None), ("c", 2), ("d", 10))


def test_numbers_are_sorted_as_numbers_and_nothing_is_least() -> None:
    listing = Listing((NAME, number("n", 4)), ITEMS, lambda item: item[0], "n")
    assert [name for name, _ in listing.arranged(None)] == ["a", "b", "c", "d"]
    assert [name for name, _ in listing.arranged(("n", True))] == ["d", "b", "c", "a"]


def test_a_choice_of_a_column_that_is_gone_counts_for_nothing() -> None:
    listing = Listing((NAME,), ITEMS, lambda item: item[0], "name", reverse=True)
    assert listing.sorting(("n", False)) == ("name", True)


def test_what_does_not_match_is_left_out() -> None:
    listing = Listing((NAME,), ITEMS, lambda item: item[0], "name")
    assert listing.arranged(None, lambda item: item[1] == 2) == [("b", 2), ("c", 2)]


def test_the_least_important_columns_go_first_and_one_takes_what_is_left() -> None:
    columns = (NAME, number("one", 5, 1), number("two", 5, 2), number("three", 5, 2))
    assert [(column.id, width) for column, width in fitting(columns, 40)] == [
        ("name", 22), ("one", 5), ("two", 5), ("three", 5),
    ]  # fmt: skip
    assert [column.id for column, _ in fitting(columns, 27)] == ["name", "one", "two"]
    assert [column.id for column, _ in fitting(columns, 16)] == ["name", "one"]
    assert [(column.id, width) for column, width in fitting(columns, 3)] == [("name", 10)]
