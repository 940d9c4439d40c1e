"""A table that is given anew every second and keeps its cursor on the object, whatever row that is in now.

Only the rows on the screen are formatted, so ten thousand of them move as easily as ten.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from agroal_top import keymap
from agroal_top.keymap import Where
from agroal_top.views.listing import Column, Kind, Listing, fitting
from agroal_top.views.text import Tone, fitted
from agroal_top.widgets.ink import CURSOR, ink_of


class LiveTable(ScrollView, can_focus=True):
    """Shows a Listing. `cursor_key` is the key of the item under the cursor."""

    LISTENS: ClassVar[Where] = Where.TABLE
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.bindings(LISTENS))

    class Chosen(Message):
        """Enter, or a click on the row that has the cursor."""

        def __init__(self, table: LiveTable, item: Any) -> None:
            super().__init__()
            self.table, self.item = table, item

        @property
        def control(self) -> LiveTable:
            return self.table

    class Moved(Message):
        """The cursor is on another object."""

        def __init__(self, table: LiveTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> LiveTable:
            return self.table

    class MenuAsked(Message):
        """The right button."""

    def __init__(self, *, id: str | None = None, empty: str = "nothing to show") -> None:
        super().__init__(id=id)
        self._listing: Listing[Any] | None = None
        self._items: list[Any] = []
        self._columns: list[tuple[Column[Any], int]] = []
        self._cursor = 0
        self._empty = empty
        self.cursor_key: Hashable = None
        self.order: tuple[str, bool] | None = None
        """Column and direction that were chosen here; None for those of the listing."""
        self.match: Callable[[Any], bool] | None = None

    @property
    def item(self) -> Any:
        """What the cursor is on; None when there is nothing."""
        return self._items[self._cursor] if self._items else None

    @property
    def items(self) -> list[Any]:
        """Those that are shown, in their order."""
        return self._items

    @property
    def columns(self) -> list[Column[Any]]:
        return [] if self._listing is None else list(self._listing.columns)

    def show(self, listing: Listing[Any]) -> None:
        """Takes the place of what was shown; the cursor follows its object, or stays where it was when that is gone."""
        self._listing = listing
        self.rearrange()

    def rearrange(self) -> None:
        """After another order or another filter."""
        if (listing := self._listing) is None:
            return
        self._items = listing.arranged(self.order, self.match)
        keys = [listing.key(item) for item in self._items]
        if self.cursor_key in keys:
            self._cursor = keys.index(self.cursor_key)
        else:
            self._cursor = max(0, min(self._cursor, len(keys) - 1))
            self.cursor_key = keys[self._cursor] if keys else None
        self._lay_out()

    def move_to_key(self, key: Hashable) -> None:
        """To that object, now or as soon as it is there."""
        self.cursor_key = key
        self.rearrange()
        self._follow()

    def sort_by(self, steps: int) -> None:
        """The next column, or the one before."""
        if self._listing is None:
            return
        ids = [column.id for column, _ in self._columns]
        id, _ = self._listing.sorting(self.order)
        at = (ids.index(id) + steps) % len(ids) if id in ids else 0
        self._sort(ids[at])

    def reverse(self) -> None:
        if self._listing is not None:
            id, reverse = self._listing.sorting(self.order)
            self.order = id, not reverse
            self.rearrange()

    def _sort(self, id: str) -> None:
        column = self._listing.column(id) if self._listing else None
        self.order = id, column is not None and column.kind is not Kind.TEXT  # numbers: the greatest first
        self.rearrange()

    def _lay_out(self) -> None:
        if self._listing is not None:
            self._columns = fitting(self._listing.columns, max(1, self.scrollable_content_region.width - 1))
        self.virtual_size = Size(self.size.width, len(self._items) + 1)
        self.refresh()

    def on_resize(self) -> None:
        self._lay_out()
        self._follow()

    def render_line(self, y: int) -> Strip:
        """The heading stays at the top; below it what has been scrolled to."""
        columns = self.size.width
        if y == 0:
            return self._heading().adjust_cell_length(columns, self.rich_style)
        at = y - 1 + self.scroll_offset.y
        if at >= len(self._items):
            text = f" {self._empty}" if at == 0 else ""
            return Strip([Segment(fitted(text, columns), self.rich_style + ink_of(self).style(Tone.DIM))])
        return self._row(at).adjust_cell_length(columns, self.rich_style)

    def _heading(self) -> Strip:
        ink, base = ink_of(self), self.rich_style
        sort, reverse = self._listing.sorting(self.order) if self._listing else ("", False)
        segments = [Segment(" ", base)]
        for column, width in self._columns:
            title = column.title + ((" ▼" if reverse else " ▲") if column.id == sort else "")
            style = base + ink.style(Tone.ACCENT if column.id == sort else Tone.STRONG)
            segments.append(Segment(ink.shown(fitted(title, width, right=column.right)), style))
            segments.append(Segment(" ", base))
        return Strip(segments)

    def _row(self, at: int) -> Strip:
        ink, item, under = ink_of(self), self._items[at], at == self._cursor
        base = self.rich_style + (CURSOR if under and self.has_focus else ink.style(Tone.PLAIN))
        segments = [Segment(ink.shown("▌") if under else " ", base)]
        for column, width in self._columns:
            part = column.show(item)
            segments.append(
                Segment(fitted(ink.shown(part.text), width, right=column.right), base + ink.style(part.tone))
            )
            segments.append(Segment(" ", base))
        return Strip(segments)

    def _go(self, at: int) -> None:
        at = max(0, min(at, len(self._items) - 1))
        if self._listing is None or not self._items or at == self._cursor:
            return
        self._cursor, self.cursor_key = at, self._listing.key(self._items[at])
        self._follow()
        self.refresh()
        self.post_message(self.Moved(self))

    def _follow(self) -> None:
        """Keeps the cursor below the heading and above the lower edge."""
        page, top = max(1, self.size.height - 1), self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, immediate=True)

    def action_move(self, rows: int) -> None:
        self._go(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        self._go(self._cursor + pages * max(1, self.size.height - 2))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._items) - 1)

    def action_choose(self) -> None:
        if self.item is not None:
            self.post_message(self.Chosen(self, self.item))

    def on_click(self, event: events.Click) -> None:
        self.focus()
        if event.y == 0:
            self._click_heading(event.x)
            return
        at = event.y - 1 + self.scroll_offset.y
        if at >= len(self._items):
            return
        again = at == self._cursor and event.chain > 1
        self._go(at)
        if event.button == 3:
            self.post_message(self.MenuAsked())
        elif again:
            self.action_choose()

    def _click_heading(self, x: int) -> None:
        start = 1
        for column, width in self._columns:
            if start <= x <= start + width:
                chosen = self._listing.sorting(self.order)[0] if self._listing else ""
                self.reverse() if chosen == column.id else self._sort(column.id)
                return
            start += width + 1
