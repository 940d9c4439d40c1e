"""The keys of what has the focus, from the table of all keys, and how filters are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from agroal_top import keymap
from agroal_top.keymap import Where
from agroal_top.views.text import Part, Tone
from agroal_top.widgets.lines import Lines

_FILTERS = (
    ("web", "rows with this text in any column; !web those without"),
    ("user:^web", "a regular expression in one column"),
    ("wait>1s", "a number in one column, with > >= < <= =; units us ms s m h, k M G"),
)


def lines(listeners: Sequence[Where], labels: Mapping[str, str], read_only: bool, replay: bool) -> Iterator[list[Part]]:
    """First the keys of what has the focus, then those that work everywhere."""
    for where in (*listeners, *([Where.REPLAY] if replay else []), Where.MAIN):
        yield [Part(where.value, Tone.STRONG)]
        for key in keymap.of(where, read_only=read_only):
            yield [Part(f"  {labels[key.id]:14} ", Tone.ACCENT), Part(key.doc, Tone.WARN if key.acts else Tone.PLAIN)]
        yield []
    yield [Part("in a filter", Tone.STRONG)]
    for example, meaning in _FILTERS:
        yield [Part(f"  {example:14} ", Tone.ACCENT), Part(meaning)]


class Help(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1", "dismiss", "Close")]

    def __init__(self, listeners: Sequence[Where], labels: Mapping[str, str], *, read_only: bool, replay: bool) -> None:
        super().__init__()
        self._lines = list(lines(listeners, labels, read_only, replay))

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog tall") as box:
            yield Lines(id="help-lines")
        box.border_title = "keys"
        box.border_subtitle = "esc closes"

    def on_mount(self) -> None:
        self.query_one(Lines).show(self._lines)
