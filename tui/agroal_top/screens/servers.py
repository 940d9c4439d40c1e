"""The servers, and which is whose standby."""

from __future__ import annotations

from textual.app import ComposeResult

from agroal_top.model import Model
from agroal_top.screens.details import Details
from agroal_top.screens.page import Page
from agroal_top.views import servers
from agroal_top.widgets.lines import Lines
from agroal_top.widgets.live_table import LiveTable


class ServersPage(Page):
    page = "servers"

    def __init__(self) -> None:
        super().__init__()
        self._model: Model | None = None

    def compose(self) -> ComposeResult:
        yield LiveTable(id="servers-table")
        yield Lines(id="topology", classes="details")

    def on_mount(self) -> None:
        self.titled("#servers-table", "servers")

    def paint(self, model: Model) -> None:
        self._model = model
        if model.latest is not None:
            self.query_one(LiveTable).show(servers.listing(model.latest))
            self.query_one("#topology", Lines).show(list(servers.topology(model.latest)))

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        if self._model and self._model.latest:
            title = f"server {message.item.name}"
            self.app.push_screen(Details(title, list(servers.details(message.item, self._model.latest))))
