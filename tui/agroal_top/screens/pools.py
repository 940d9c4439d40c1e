"""The pools, and what is known of the one under the cursor."""

from __future__ import annotations

from textual.app import ComposeResult

from agroal_top.model import Model
from agroal_top.screens.page import Open, Page
from agroal_top.views import pools
from agroal_top.views.actions import Target
from agroal_top.views.clients import Scope
from agroal_top.widgets.ink import ink_of
from agroal_top.widgets.lines import Lines
from agroal_top.widgets.live_table import LiveTable

BESIDE = 24
"""Columns of a curve's name and its last value, and of the frame."""


def open_slots(row: pools.Row) -> Open:
    """The slots of a pool."""
    database, user = row.key
    return Open("slots", scope=Scope(f"{database}/{user}", database, user))


def pool_target(row: pools.Row | None) -> Target:
    return Target() if row is None else Target(row.pool.database)


class PoolsPage(Page):
    page = "pools"

    def __init__(self) -> None:
        super().__init__()
        self._model: Model | None = None

    def compose(self) -> ComposeResult:
        yield LiveTable(id="pools-table", empty="no pool yet: no client has logged in")
        yield Lines(id="pool-details", classes="details")

    def on_mount(self) -> None:
        self.titled("#pools-table", "pools")

    def paint(self, model: Model) -> None:
        self._model = model
        self.query_one(LiveTable).show(pools.listing(model))
        self._paint_details()

    def _paint_details(self) -> None:
        row = self.query_one(LiveTable).item
        details = self.query_one("#pool-details", Lines)
        if row is None or self._model is None:
            details.show([])
            return
        points = max(1, self.size.width - BESIDE)
        details.show(list(pools.details(row, self._model, points, ink_of(self).ascii)))

    def on_live_table_moved(self) -> None:
        self._paint_details()

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.post_message(open_slots(message.item))

    def target(self) -> Target:
        return pool_target(self.query_one(LiveTable).item)
