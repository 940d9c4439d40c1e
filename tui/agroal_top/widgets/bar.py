"""One line of text with tones, drawn at every tick and so without a detour; its entries can be clicked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from agroal_top.views.text import Part, entry_at
from agroal_top.widgets.ink import ink_of

Entry = tuple[str, list[Part]]
"""A name, and what is written for it."""


class Bar(Widget):
    class Picked(Message):
        """The entry of a bar was clicked."""

        def __init__(self, bar: Bar, entry: str) -> None:
            super().__init__()
            self.bar, self.entry = bar, entry

        @property
        def control(self) -> Bar:
            return self.bar

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: Sequence[Entry] = ()

    def show(self, words: Sequence[Part]) -> None:
        """A line of which nothing can be clicked."""
        self.offer([("", list(words))])

    def offer(self, entries: Sequence[Entry]) -> None:
        """One entry beside the other. One without a name can't be clicked."""
        if entries != self._entries:
            self._entries = entries
            self.refresh()

    def render_line(self, y: int) -> Strip:
        ink, base = ink_of(self), self.rich_style
        parts = [part for _, parts in self._entries for part in parts] if y == 0 else []
        segments = [Segment(ink.shown(part.text), base + ink.style(part.tone)) for part in parts]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        if entry := entry_at(self._entries, event.x):
            self.post_message(self.Picked(self, entry))
