"""Who waits, for what, and how long waiting took."""

from __future__ import annotations

from textual.app import ComposeResult

from agroal_top import format
from agroal_top.model import Model
from agroal_top.screens.page import Open, Page
from agroal_top.views import waits
from agroal_top.views.actions import Target
from agroal_top.widgets.lines import Lines
from agroal_top.widgets.live_table import LiveTable


class WaitsPage(Page):
    page = "waits"

    def __init__(self) -> None:
        super().__init__()
        self._model: Model | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="histogram-title")
        yield Lines(id="histogram")
        yield LiveTable(id="queue", empty="nobody waits")

    def paint(self, model: Model) -> None:
        self._model = model
        if (latest := model.latest) is None:
            return
        window = format.duration(model.window * 1e6)
        title = waits.summary(model.percentiles(), window)
        self.query_one("#histogram-title", Lines).show([title])
        box = self.query_one("#histogram", Lines)
        box.show(waits.histogram(latest.bounds_us, model.waits(), box.size.width, max(1, box.size.height)))
        self.query_one("#queue", LiveTable).show(waits.listing(latest))
        self.titled("#queue", f"queue {len(latest.waiters)}")

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.post_message(Open("clients", key=message.item.client))

    def target(self) -> Target:
        waiter, latest = self.query_one(LiveTable).item, self._model.latest if self._model else None
        if waiter is None or latest is None:
            return Target()
        client = next((client for client in latest.clients if client.id == waiter.client), None)
        return Target(waiter.database, client)
