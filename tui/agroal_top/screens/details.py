"""What there is to say of one object, over the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from agroal_top.views.text import Words
from agroal_top.widgets.ink import ink_of
from agroal_top.widgets.lines import Lines


class Details(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss", "Close")]

    def __init__(self, title: str, lines: Sequence[Words]) -> None:
        super().__init__()
        self._heading, self._lines = title, lines

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as box:
            yield Lines(id="details-lines")
        box.border_subtitle = "esc closes"

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).border_title = Content(ink_of(self).shown(self._heading))
        self.query_one(Lines).show(self._lines)
