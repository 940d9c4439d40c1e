"""A table before it is drawn: columns that know how to show and to compare an item, and which of them have room.

Items are formatted only when they are drawn, so that ten thousand of them cost a sort and not ten thousand rows of
text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from agroal_top.views.text import Part

T = TypeVar("T")
Value = int | float | str | None


class Kind(Enum):
    """What a column's values are: how a filter reads the number that they are compared to."""

    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"
    """Microseconds; a number without a unit is of seconds."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    id: str
    """What a filter calls it."""
    title: str
    width: int
    value: Callable[[T], Value]
    """What is compared; None is less than anything."""
    show: Callable[[T], Part]
    kind: Kind = Kind.TEXT
    priority: int = 0
    """Those with the greatest go first when there is no room; 0 stays."""
    grows: bool = False
    """Takes the room that is left; one of a listing."""
    left: bool = False
    """Begins at the left though it is a number."""

    @property
    def right(self) -> bool:
        return self.kind is not Kind.TEXT and not self.left

    def rank(self, item: T) -> tuple[int, float, str]:
        """Something that can be compared, whatever the value is."""
        match self.value(item):
            case None:
                return 0, 0, ""
            case str() as text:
                return 1, 0, text
            case number:
                return 1, number, ""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    columns: Sequence[Column[T]]
    items: Sequence[T]
    key: Callable[[T], Hashable]
    """What makes an item the same as one of the next snapshot."""
    sort: str
    """The column that it is sorted by at first."""
    reverse: bool = False

    def column(self, id: str) -> Column[T] | None:
        return next((column for column in self.columns if column.id == id), None)

    def sorting(self, chosen: tuple[str, bool] | None) -> tuple[str, bool]:
        """Column and direction in force."""
        if chosen is not None and self.column(chosen[0]) is not None:
            return chosen
        return self.sort, self.reverse

    def arranged(self, chosen: tuple[str, bool] | None, matches: Callable[[T], bool] | None = None) -> list[T]:
        """The items that match, sorted. Equal ones stay in the order in which they came."""
        id, reverse = self.sorting(chosen)
        kept: Iterable[T] = self.items if matches is None else filter(matches, self.items)
        if (column := self.column(id)) is None:
            return list(kept)
        return sorted(kept, key=column.rank, reverse=reverse)


def fitting(columns: Sequence[Column[T]], room: int, gap: int = 1) -> list[tuple[Column[T], int]]:
    """The columns that have room, with their widths. The greatest priority goes first, one takes what is left."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + gap for column in kept) - gap > room:
        last = max(range(len(kept)), key=lambda at: (kept[at].priority, at))
        if kept[last].priority == 0:
            break
        del kept[last]
    slack = max(0, room - sum(column.width + gap for column in kept) + gap)
    return [(column, column.width + (slack if column.grows else 0)) for column in kept]


def worded(
    id: str, title: str, width: int, value: Callable[[T], str], priority: int = 0, grows: bool = False
) -> Column[T]:
    """A column that shows a text as it is."""
    return Column(id, title, width, value, lambda item: Part(value(item)), Kind.TEXT, priority, grows)
