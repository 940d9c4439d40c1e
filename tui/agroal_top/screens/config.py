"""The configuration, asked for when the page is opened and after a reload."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType

from agroal.management.client import ManagementError
from agroal_top import keymap
from agroal_top.keymap import Where
from agroal_top.model import Model
from agroal_top.screens.details import Details
from agroal_top.screens.page import Page
from agroal_top.source import ConfigurationFile, LimitLine, Lost, Refused, Setting, Source
from agroal_top.views import config
from agroal_top.views.actions import Target
from agroal_top.views.listing import Listing
from agroal_top.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from agroal_top.app import AgroalTop


class Tab(Enum):
    SETTINGS = "configuration in force"
    LIMITS = "lines of the databases file"
    FILES = "files"


def _settings(source: Source) -> Listing[Any]:
    return config.listing(source.settings())


def _limits(source: Source) -> Listing[Any]:
    lines = source.command("conf alias", {}).get("aliases")
    return config.limits([LimitLine.from_json(line) for line in lines] if isinstance(lines, list) else [])


def _files(source: Source) -> Listing[Any]:
    files = source.command("conf ls", {}).get("files")
    return config.files([ConfigurationFile.from_json(file) for file in files] if isinstance(files, list) else [])


_ASKED: dict[Tab, Callable[[Source], Listing[Any]]] = {
    Tab.SETTINGS: _settings,
    Tab.LIMITS: _limits,
    Tab.FILES: _files,
}


class ConfigPage(Page):
    page = "config"
    LISTENS = Where.CONFIG
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.bindings(LISTENS))

    def __init__(self) -> None:
        super().__init__()
        self._tab = Tab.SETTINGS
        self._known: object = None
        """What tells one listing from the next: the tab, the instance, and when that was reloaded."""
        self._asking = False

    def compose(self) -> ComposeResult:
        yield LiveTable(id="config-table")

    def on_mount(self) -> None:
        self.titled("#config-table", self._tab.value)

    def paint(self, model: Model) -> None:
        if (latest := model.latest) is None:
            return
        state = self._tab, latest.instance_id, latest.configuration
        if state != self._known and not self._asking:
            self._asking = True
            self.run_worker(self._fetch(state), group="config")

    async def _fetch(self, state: object) -> None:
        """One question at a time; when another tab was chosen meanwhile, the next picture asks again."""
        tab = self._tab
        try:
            listing = await asyncio.to_thread(_ASKED[tab], cast("AgroalTop", self.app).source)
        except (Lost, Refused, ManagementError) as error:
            self.titled("#config-table", f"{tab.value} · {error}")
        else:
            self._known = state
            self.titled("#config-table", f"{tab.value} {len(listing.items)} · t: {self._following.value}")
            self.query_one(LiveTable).show(listing)
        finally:
            self._asking = False
        if tab is not self._tab:
            self.paint(cast("AgroalTop", self.app).model)

    @property
    def _following(self) -> Tab:
        tabs = list(Tab)
        return tabs[(tabs.index(self._tab) + 1) % len(tabs)]

    def action_tab(self) -> None:
        self._tab = self._following
        self.set_filter("")  # its columns are of the table before
        self.paint(cast("AgroalTop", self.app).model)

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        if isinstance(setting := message.item, Setting):
            self.app.push_screen(Details(setting.key, list(config.details(setting))))

    def target(self) -> Target:
        item = self.query_one(LiveTable).item
        return Target(setting=item) if isinstance(item, Setting) else Target()
