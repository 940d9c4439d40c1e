"""The configuration, asked for when the page is opened and after a reload."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult

from agroal_top.model import Model
from agroal_top.screens.details import Details
from agroal_top.screens.page import Page
from agroal_top.source import Lost, Refused, Setting
from agroal_top.views import config
from agroal_top.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from agroal_top.app import AgroalTop


class ConfigPage(Page):
    page = "config"

    def __init__(self) -> None:
        super().__init__()
        self._settings: list[Setting] = []
        self._known: object = None
        """What tells one configuration from the next: instance, and when it was reloaded."""
        self._asking = False

    def compose(self) -> ComposeResult:
        yield LiveTable(id="config-table")

    def on_mount(self) -> None:
        self.titled("#config-table", "configuration in force")

    def paint(self, model: Model) -> None:
        if (latest := model.latest) is None:
            return
        state = latest.instance_id, latest.configuration
        if state != self._known and not self._asking:
            self._asking = True
            self.run_worker(self._fetch(state), group="config")

    async def _fetch(self, state: object) -> None:
        source = cast("AgroalTop", self.app).source
        try:
            self._settings = await asyncio.to_thread(source.settings)
        except (Lost, Refused) as error:
            self.titled("#config-table", str(error))
        else:
            self._known = state
            self.titled("#config-table", "configuration in force")
            self.query_one(LiveTable).show(config.listing(self._settings))
        finally:
            self._asking = False

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        setting = message.item
        self.app.push_screen(Details(setting.key, list(config.details(setting))))
