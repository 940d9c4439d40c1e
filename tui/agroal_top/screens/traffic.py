"""Four curves at a time; `h` turns to the next four, `[` and `]` change how far back they go."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Grid

from agroal_top import format
from agroal_top.model import Model
from agroal_top.screens.overview import traffic_into
from agroal_top.screens.page import Page
from agroal_top.views import traffic
from agroal_top.widgets.chart import Chart


class TrafficPage(Page):
    page = "traffic"

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    def compose(self) -> ComposeResult:
        with Grid(id="traffic-grid"):
            for number in range(traffic.A_PAGE):
                yield Chart(id=f"traffic-{number}")

    def turn(self) -> None:
        """To the next four."""
        self._number += 1

    def paint(self, model: Model) -> None:
        window = format.duration(model.window * 1e6)
        for number, curve in enumerate(traffic.shown_together(self._number)):
            traffic_into(self.query_one(f"#traffic-{number}", Chart), curve, model)
        self.titled("#traffic-grid", f"last {window} · [ ] change it · h more curves")

    def focus_first(self) -> None:
        self.screen.set_focus(None)
