"""The log of the daemon, what happened, and what was done from here."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType

from agroal_top import keymap
from agroal_top.keymap import Where
from agroal_top.model import Model
from agroal_top.screens.page import Page
from agroal_top.source import LEVELS, Lost, Refused
from agroal_top.views import log
from agroal_top.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from agroal_top.app import AgroalTop

LINES = 500


class Tab(Enum):
    LOG = "log"
    EVENTS = "events"
    MINE = "done from here"


class LogPage(Page):
    page = "log"
    LISTENS = Where.LOG
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.bindings(LISTENS))

    def __init__(self) -> None:
        super().__init__()
        self._tab = Tab.LOG
        self._level = "info"
        self._follows = True
        self._lines: list[log.Row] = []
        self._why = ""
        self._asking = False

    def compose(self) -> ComposeResult:
        yield LiveTable(id="log-table")

    def paint(self, model: Model) -> None:
        top = cast("AgroalTop", self.app)
        match self._tab:
            case Tab.LOG:
                self._ask()
                self._show(self._lines)
            case Tab.EVENTS:
                self._show(log.of_events(model.events))
            case Tab.MINE:
                self._show(log.of_deeds(top.done))

    def _show(self, rows: list[log.Row]) -> None:
        table = self.query_one(LiveTable)
        table.show(log.listing(rows))
        if self._follows:
            table.action_last()
        level = f" · {self._level} and graver" if self._tab is Tab.LOG else ""
        follow = " · follows" if self._follows else " · stands"
        why = f" · {self._why}" if self._why and self._tab is Tab.LOG else ""
        self.titled("#log-table", f"{self._tab.value}{level}{follow}{why}")

    def _ask(self) -> None:
        """One question at a time; its answer is there for the next picture."""
        if not self._asking:
            self._asking = True
            self.run_worker(self._fetch(), group="log")

    async def _fetch(self) -> None:
        source = cast("AgroalTop", self.app).source
        try:
            lines = await asyncio.to_thread(source.log_tail, self._level, LINES)
        except (Lost, Refused) as error:
            self._why = str(error)
        else:
            self._why = ""
            rows = log.of_log(lines)
            if rows != self._lines and self._tab is Tab.LOG:
                self._lines = rows
                self._show(rows)
        finally:
            self._asking = False

    def action_tab(self) -> None:
        tabs = list(Tab)
        self._tab = tabs[(tabs.index(self._tab) + 1) % len(tabs)]
        self.paint(cast("AgroalTop", self.app).model)

    def action_level(self) -> None:
        self._level = LEVELS[(LEVELS.index(self._level) + 1) % len(LEVELS)]
        self.paint(cast("AgroalTop", self.app).model)

    def action_follow(self) -> None:
        self._follows = not self._follows
        self.paint(cast("AgroalTop", self.app).model)
