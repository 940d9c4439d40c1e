"""The line at the bottom where a filter is typed; it works while it is typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from agroal_top.views.text import Part, Tone
from agroal_top.widgets.lines import Lines


class FilterBar(Horizontal):
    class Typed(Message):
        """The text so far; `final` when it was ended with Enter."""

        def __init__(self, text: str, final: bool) -> None:
            super().__init__()
            self.text, self.final = text, final

    def compose(self) -> ComposeResult:
        yield Input(placeholder="text  !not  user:^web  wait>1s", compact=True, select_on_focus=False)
        yield Lines(id="complaint")

    def on_mount(self) -> None:
        self.display = False

    def open(self, text: str) -> None:
        self.display = True
        entry = self.query_one(Input)
        entry.value = text
        entry.focus()

    def close(self) -> None:
        """Gone, with what was typed."""
        self.display = False
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self.complain("")

    def settle(self) -> None:
        """Stays as a reminder while there is a filter."""
        self.display = bool(self.query_one(Input).value)

    def complain(self, why: str) -> None:
        self.query_one("#complaint", Lines).show([[Part(why, Tone.ERROR)]])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value, final=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Typed(event.value, final=True))
