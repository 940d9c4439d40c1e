"""What all pages have in common: they paint themselves from the model when they are told to."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from agroal_top.keymap import Where
from agroal_top.model import Model
from agroal_top.views.actions import Target
from agroal_top.views.clients import Scope
from agroal_top.views.filters import BadFilter, parse
from agroal_top.views.listing import Value
from agroal_top.widgets.ink import ink_of
from agroal_top.widgets.live_table import LiveTable


class Open(Message):
    """Another page, to show what belongs to an object of this one."""

    def __init__(self, page: str, *, scope: Scope | None = None, key: object = None) -> None:
        super().__init__()
        self.page, self.scope, self.key = page, scope, key
        """`key`: where the cursor is to be."""


class Page(Vertical):
    """`paint` is called for the page that is seen, after every snapshot and every key that changes the view."""

    page: ClassVar[str]
    """Its name in keymap.PAGES."""
    LISTENS: ClassVar[Where | None] = None
    """Whose keys it hears while it is seen."""

    def __init__(self) -> None:
        super().__init__(id=self.page)
        self.scope: Scope | None = None
        self.filter = ""
        self._titles: dict[str, str] = {}

    def paint(self, model: Model) -> None:
        raise NotImplementedError

    @property
    def table(self) -> LiveTable | None:
        """The table that keys work on: the one with the focus, else the first."""
        tables = [table for table in self.query(LiveTable) if table.display]
        return next((table for table in tables if table.has_focus), tables[0] if tables else None)

    def set_filter(self, text: str) -> None:
        """Raises BadFilter; then the filter is as before."""
        if (table := self.table) is None:
            if text:
                raise BadFilter("there is no table on this page")
            return
        table.match = parse(text, table.columns)
        self.filter = text
        table.rearrange()

    def focus_first(self) -> None:
        if (table := self.table) is not None:
            table.focus()

    def point_at(self, key: object) -> None:
        """The cursor to the object with this key."""
        if (table := self.table) is not None:
            table.move_to_key(key)

    def target(self) -> Target:
        """What actions are about."""
        return Target()

    def copied(self) -> str:
        """What `y` copies: the cells of the row under the cursor."""
        table = self.table
        if table is None or table.item is None:
            return ""
        item: Any = table.item
        return "\t".join(column.show(item).text for column in table.columns)

    def sheet(self) -> list[list[Value]]:
        """The table for a spreadsheet, as it is filtered and sorted, under the names of its columns."""
        table = self.table
        if table is None or not table.columns:
            return []
        rows = [[column.value(item) for column in table.columns] for item in table.items]
        heads: list[Value] = [column.id for column in table.columns]
        return [heads, *rows]

    def titled(self, selector: str, title: str) -> None:
        """The title of a panel."""
        shown = ink_of(self).shown(title)
        if self._titles.get(selector) != shown:
            self._titles[selector] = shown
            self.query_one(selector).border_title = Content(shown)  # not a str: those are read as markup
