"""A list of things to do, of which one is chosen or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList

from agroal_top.views.actions import Action, Tier
from agroal_top.views.text import Part, Tone, fitted
from agroal_top.widgets.ink import ink_of

TITLE, HINT = 50, 32


class Item(NamedTuple):
    key: str
    title: str
    hint: str
    grave: bool = False


class Choice(ModalScreen[int | None]):
    """The number of the item that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, items: Sequence[Item]) -> None:
        super().__init__()
        self._heading, self._items = title, items

    def compose(self) -> ComposeResult:
        yield OptionList(classes="dialog wide", compact=True, markup=False)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.border_title = Content(self._heading)
        options.border_subtitle = (
            "enter chooses · esc leaves" if not ink_of(self).ascii else "enter chooses, esc leaves"
        )
        options.add_options([ink_of(self).text([_line(item)]) for item in self._items])
        options.highlighted = 0 if self._items else None
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)


def item_of(action: Action) -> Item:
    return Item(action.key, action.title, action.hint, action.tier >= Tier.DESTRUCTIVE)


def _line(item: Item) -> list[Part]:
    return [
        Part(f"{item.key:1} ", Tone.ACCENT),
        Part(fitted(item.title, TITLE) + " ", Tone.ERROR if item.grave else Tone.PLAIN),
        Part(fitted(item.hint, HINT), Tone.DIM),
    ]
