"""The question before something is done. Who presses Enter without thought has answered no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from agroal_top.views.actions import Action, Tier, command_line
from agroal_top.views.text import Part, Tone
from agroal_top.widgets.ink import ink_of
from agroal_top.widgets.lines import Lines

PATIENCE = 60.0
"""Seconds after which the answer is no."""


class Confirm(ModalScreen[bool]):
    """True when it is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "dismiss(False)", "Cancel"),
        Binding("y", "yes", "Yes"),
        Binding("left,right", "other", "Other button", show=False),
    ]

    def __init__(self, action: Action, effects: Sequence[str]) -> None:
        super().__init__()
        self._action, self._effects = action, effects

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Lines(id="effects")
            if self._action.word:
                yield Lines(id="demand")
                yield Input(id="word", compact=True)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(
                    self._action.button, id="ok", variant="error", compact=True, disabled=bool(self._action.word)
                )

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = Content(ink_of(self).shown(self._action.title))
        grave = Tone.ERROR if self._action.tier >= Tier.DESTRUCTIVE else Tone.PLAIN
        lines = [[Part(line, grave if "KILL" in line else Tone.PLAIN)] for line in self._effects]
        self.query_one("#effects", Lines).show([*lines, [Part(command_line(self._action), Tone.DIM)]])
        if self._action.word:
            demand = [Part("Type "), Part(self._action.word, Tone.STRONG), Part(" to confirm:")]
            self.query_one("#demand", Lines).show([demand])
            self.query_one(Input).focus()
        else:
            self.query_one("#cancel").focus()
        self.set_timer(PATIENCE, self._give_up)

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#ok", Button).disabled = event.value != self._action.word

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The right word leads to the button, which wants an Enter of its own."""
        if event.value == self._action.word:
            self.query_one("#ok").focus()
        else:
            self.dismiss(False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "ok")

    def _give_up(self) -> None:
        self.dismiss(False)

    def action_yes(self) -> None:
        if self._action.tier <= Tier.REVERSIBLE:
            self.dismiss(True)

    def action_other(self) -> None:
        cancel, ok = self.query_one("#cancel"), self.query_one("#ok", Button)
        if not ok.disabled:
            (cancel if ok.has_focus else ok).focus()
