"""A list of things to do, of which one is chosen or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList

from agroal_top.views.actions import Action, Tier
from agroal_top.views.text import Part, Tone, fitted
from agroal_top.widgets.ink import ink_of

TITLE, HINT = 38, 30


class Choice(ModalScreen[Action | None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, actions: Sequence[Action]) -> None:
        super().__init__()
        self._heading, self._actions = title, actions

    def compose(self) -> ComposeResult:
        yield OptionList(classes="dialog wide", compact=True, markup=False)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.border_title = Content(self._heading)
        options.border_subtitle = (
            "enter chooses · esc leaves" if not ink_of(self).ascii else "enter chooses, esc leaves"
        )
        options.add_options([ink_of(self).text([_line(action)]) for action in self._actions])
        options.highlighted = 0 if self._actions else None
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._actions[event.option_index])


def _line(action: Action) -> list[Part]:
    tone = Tone.ERROR if action.tier >= Tier.DESTRUCTIVE else Tone.PLAIN
    return [
        Part(f"{action.key} ", Tone.ACCENT),
        Part(fitted(action.title, TITLE) + " ", tone),
        Part(fitted(action.hint, HINT), Tone.DIM),
    ]
