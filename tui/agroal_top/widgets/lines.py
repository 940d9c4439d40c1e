"""Lines of text with tones, cut at the edge; none of it is markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

from agroal_top.views.text import Words
from agroal_top.widgets.ink import ink_of


class Lines(Widget):
    """Shows what `show` was given last."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Words] = ()

    def show(self, lines: Sequence[Words]) -> None:
        if lines != self._lines:
            grown = len(lines) != len(self._lines)
            self._lines = lines
            self.refresh(layout=grown)

    def render(self) -> Text:
        return ink_of(self).text(self._lines)
