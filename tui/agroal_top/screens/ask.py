"""A question that is answered with a line of text, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from agroal_top.views.text import Part, Tone
from agroal_top.widgets.ink import ink_of
from agroal_top.widgets.lines import Lines


class Ask(ModalScreen[str | None]):
    """The text that was typed; None when nobody wants to say."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, hint: str, text: str = "", wrong: Callable[[str], str] = lambda _: "") -> None:
        """`wrong` says what is the matter with a text; it is asked again until that is nothing."""
        super().__init__()
        self._heading, self._hint, self._text, self._wrong = title, hint, text, wrong

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Lines(id="hint")
            yield Input(self._text, compact=True)
            yield Lines(id="wrong")

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = Content(ink_of(self).shown(self._heading))
        self.query_one("#hint", Lines).show([[Part(self._hint, Tone.DIM)]])
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if wrong := self._wrong(event.value):
            self.query_one("#wrong", Lines).show([[Part(wrong, Tone.ERROR)]])
        else:
            self.dismiss(event.value)
