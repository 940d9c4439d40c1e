"""A curve, or several over one another, under a title that says what the last value is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from agroal_top.views.plot import curve, points_across, top_of
from agroal_top.views.text import Tone, fitted
from agroal_top.widgets.ink import ink_of

AXIS = 7
"""Columns of the scale at the left."""


class Chart(Widget, can_focus=False):
    """`points` of the newest at the right; None is a gap."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._points: Sequence[float | None] = ()
        self._scale = ("", "")
        self._tone = Tone.ACCENT

    @property
    def room(self) -> int:
        """How many points it can show."""
        return points_across(max(1, self.size.width - AXIS), ink_of(self).ascii)

    def show(self, title: str, points: Sequence[float | None], top: str, tone: Tone = Tone.ACCENT) -> None:
        """`top` is what stands at the upper end of the scale, see `plot.top_of`."""
        self._title, self._points, self._scale, self._tone = title, points, (top, "0"), tone
        self.border_title = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        ink, columns, rows = ink_of(self), self.size.width, self.size.height - 1
        base = self.rich_style
        if y == 0:
            return Strip([Segment(ink.shown(fitted(f" {self._title}", columns)), base + ink.style(Tone.STRONG))])
        if rows < 1 or columns <= AXIS:
            return Strip.blank(columns, base)
        label = self._scale[0] if y == 1 else self._scale[1] if y == rows else ""
        lines = curve(self._points, columns - AXIS, rows, top_of(self._points), ink.ascii)
        return Strip(
            [
                Segment(fitted(label, AXIS - 1, right=True) + " ", base + ink.style(Tone.DIM)),
                Segment(lines[y - 1], base + ink.style(self._tone)),
            ]
        )
