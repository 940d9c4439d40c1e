"""From the tone of a text to a style of the terminal, by the theme in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.widget import Widget

from agroal_top.views.text import Part, Tone, ascii_only

_VARIABLES = {
    Tone.OK: "success",
    Tone.WARN: "warning",
    Tone.ERROR: "error",
    Tone.ACCENT: "accent",
}
CURSOR = Style(reverse=True)


class Ink:
    """The styles of one theme; `ascii` replaces every glyph that is not of the first 128 characters."""

    def __init__(self, variables: Mapping[str, str], ascii: bool) -> None:
        self.ascii = ascii
        self._styles = {
            Tone.PLAIN: Style(),
            Tone.DIM: Style(dim=True),
            Tone.STRONG: Style(bold=True),
            **{tone: Style(color=Color.parse(variables[name]).rich_color) for tone, name in _VARIABLES.items()},
        }
        # Without colours boldness is what is left of it.
        self._styles[Tone.ERROR] += Style(bold=True)

    def style(self, tone: Tone) -> Style:
        return self._styles[tone]

    def shown(self, text: str) -> str:
        return ascii_only(text) if self.ascii else text

    def text(self, lines: Iterable[Iterable[Part]]) -> Text:
        """Lines for a widget that takes text; nothing in them is read as markup."""
        drawn = Text(no_wrap=True, overflow="crop", end="")
        for number, line in enumerate(lines):
            if number:
                drawn.append("\n")
            for part in line:
                drawn.append(self.shown(part.text), self._styles[part.tone])
        return drawn


def ink_of(widget: Widget) -> Ink:
    """The ink of the app that the widget is in."""
    ink = getattr(widget.app, "ink", None)
    if not isinstance(ink, Ink):
        ink = Ink(widget.app.get_css_variables(), ascii=False)
    return ink
