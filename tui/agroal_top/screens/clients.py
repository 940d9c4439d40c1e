"""The clients, all of them or those of one pool."""

from __future__ import annotations

from textual.app import ComposeResult

from agroal_top.model import Model
from agroal_top.screens.details import Details
from agroal_top.screens.page import Page
from agroal_top.views import clients
from agroal_top.views.actions import Target
from agroal_top.widgets.live_table import LiveTable


class ClientsPage(Page):
    page = "clients"

    def __init__(self) -> None:
        super().__init__()
        self.hide_idle = False
        self._model: Model | None = None

    def compose(self) -> ComposeResult:
        yield LiveTable(id="clients-table", empty="no client is connected, or none matches")

    def paint(self, model: Model) -> None:
        self._model = model
        if model.latest is None:
            return
        listing = clients.listing(model.latest, hide_idle=self.hide_idle, scope=self.scope)
        self.query_one(LiveTable).show(listing)
        of = f" of {self.scope.title}" if self.scope else ""
        without = " · without idle ones" if self.hide_idle else ""
        self.titled("#clients-table", f"clients {len(listing.items):,}{of}{without}")

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        if self._model and self._model.latest:
            title = f"client {message.item.id}"
            self.app.push_screen(Details(title, list(clients.details(message.item, self._model.latest))))

    def target(self) -> Target:
        client = self.query_one(LiveTable).item
        return Target() if client is None else Target(client.database or None, client)
