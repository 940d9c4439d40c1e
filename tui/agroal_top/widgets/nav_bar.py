"""The line of pages; a click goes there."""

from __future__ import annotations

from textual import events
from textual.message import Message

from agroal_top.views.status import page_at
from agroal_top.views.text import Part
from agroal_top.widgets.lines import Lines


class NavBar(Lines):
    class Picked(Message):
        """A page, by its name."""

        def __init__(self, page: str) -> None:
            super().__init__()
            self.page = page

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: list[tuple[str, list[Part]]] = []

    def show_pages(self, entries: list[tuple[str, list[Part]]]) -> None:
        self._entries = entries
        self.show([[part for _, parts in entries for part in parts]])

    def on_click(self, event: events.Click) -> None:
        if page := page_at(self._entries, event.x):
            self.post_message(self.Picked(page))
