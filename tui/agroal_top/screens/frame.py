"""Lines above, a page, the footer: which page is seen, how one got there, and when what is painted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from textual import on
from textual.actions import parse
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from agroal_top import keymap
from agroal_top.keymap import Where
from agroal_top.model import Model
from agroal_top.recording import Recorded
from agroal_top.screens.clients import ClientsPage
from agroal_top.screens.config import ConfigPage
from agroal_top.screens.log import LogPage
from agroal_top.screens.overview import OverviewPage
from agroal_top.screens.page import Open, Page
from agroal_top.screens.pools import PoolsPage
from agroal_top.screens.security import SecurityPage
from agroal_top.screens.servers import ServersPage
from agroal_top.screens.slots import SlotsPage
from agroal_top.screens.traffic import TrafficPage
from agroal_top.screens.waits import WaitsPage
from agroal_top.views import footer, status
from agroal_top.views.clients import Scope
from agroal_top.views.footer import Offer
from agroal_top.views.text import Part
from agroal_top.widgets.bar import Bar
from agroal_top.widgets.filter_bar import FilterBar
from agroal_top.widgets.lines import Lines

if TYPE_CHECKING:
    from agroal_top.app import AgroalTop

PAGES: tuple[type[Page], ...] = (
    OverviewPage, PoolsPage, SlotsPage, ClientsPage, ServersPage,
    WaitsPage, TrafficPage, SecurityPage, LogPage, ConfigPage,
)  # fmt: skip
TICK = 0.5
"""Seconds between two looks at the clock: for the countdown, and to notice that nothing comes any more."""
LEAST = (60, 15)


class Place(NamedTuple):
    """Where esc leads back to."""

    page: str
    scope: Scope | None


class Frame(Screen[None]):
    """The main screen as far as it shows something; what keys do is in its heirs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.current = page
        self.paused = False
        self._trail: list[Place] = []
        self._ready = False

    @property
    def top(self) -> AgroalTop:
        return cast("AgroalTop", self.app)

    @property
    def model(self) -> Model:
        return self.top.model

    @property
    def is_there(self) -> bool:
        """Its widgets are: neither too early nor while the app ends."""
        return self._ready and self.app.is_running

    @property
    def page(self) -> Page:
        """The one that is seen."""
        return self.query_one(f"#{self.current}", Page)

    def compose(self) -> ComposeResult:
        yield Bar(id="status")
        yield Bar(id="navigation")
        yield Bar(id="banner")
        with ContentSwitcher(initial=self.current, id="pages"):
            for page in PAGES:
                yield page()
        yield FilterBar()
        yield Bar(id="footer")
        yield Lines(id="too-small")

    def on_mount(self) -> None:
        self._ready = True
        if colour := self.top.options.colour:
            self.query_one("#status").styles.background = colour
        self.set_interval(TICK, self._tick)
        self.paint()
        self.page.focus_first()

    def on_resize(self) -> None:
        small = self.size.width < LEAST[0] or self.size.height < LEAST[1]
        self.set_class(small, "-too-small")
        if small:
            said = f" {self.size.width}×{self.size.height} is too small: agroal-top needs {LEAST[0]}×{LEAST[1]}"
            self.query_one("#too-small", Lines).show(status.notice(said))
        self.call_after_refresh(self.paint)

    def _tick(self) -> None:
        self.model.tick(self.top.clock())
        self.paint_frame()

    def paint(self) -> None:
        """Everything that is seen, unless the picture is to stand still."""
        if not self.is_there:
            return
        self.paint_frame()
        if not self.paused:
            self.page.paint(self.model)

    def paint_now(self) -> None:
        """After a key that changes the view: paused or not."""
        self.paint_frame()
        self.page.paint(self.model)

    def paint_frame(self) -> None:
        """What stands above the page."""
        if not self.is_there:
            return
        view, columns = self.view(), self.size.width
        self.query_one("#status", Bar).show(status.status_line(self.model, view, columns))
        self.query_one("#navigation", Bar).offer(status.navigation(self.model, self.current, columns))
        self.query_one("#footer", Bar).offer([*footer.entries(self._offers(), self.top.labels, columns)])
        said = self.banner()
        banner = self.query_one("#banner", Bar)
        banner.display = bool(said)
        banner.show(said)
        self.set_class(self.model.state in ("stale", "lost"), "-frozen")

    def _offers(self) -> Iterator[Offer]:
        for key in keymap.of(Where.MAIN):
            _, name, arguments = parse(key.action)
            works = self.check_action(name, arguments)
            if key.footer and works is not False:
                yield Offer(key, bool(works))

    def banner(self) -> list[Part]:
        """Empty when all is well."""
        return status.banner(self.model, self.view())

    def view(self) -> status.View:
        top = self.top
        return status.View(
            source=top.source.name,
            read_only=top.read_only,
            interval=top.poller.interval,
            paused=self.paused,
            now=top.clock(),
            recorded=top.source.size if isinstance(top.source, Recorded) and top.source.path else None,
        )

    def show_page(self, name: str, scope: Scope | None = None, *, key: object = None) -> None:
        """Another page in place of this one."""
        if self.maximized:
            self.minimize()
        self.current = name
        page = self.page
        page.scope = scope
        self.query_one(ContentSwitcher).current = name
        self.query_one(FilterBar).close()
        page.focus_first()
        self.paint_now()
        if key is not None:
            page.point_at(key)
            self.paint_now()
        self.call_after_refresh(self.paint_now)  # charts know their size only then

    def on_open(self, message: Open) -> None:
        self._trail.append(Place(self.current, self.page.scope))
        self.show_page(message.page, message.scope, key=message.key)

    @on(Bar.Picked, "#navigation")
    def _go_to_picked(self, message: Bar.Picked) -> None:
        self.go(message.entry)

    @on(Bar.Picked, "#footer")
    async def _do_picked(self, message: Bar.Picked) -> None:
        await self.run_action(message.entry)

    def go(self, name: str) -> None:
        """To a page, as by its number: the way back is forgotten."""
        self._trail.clear()
        self.show_page(name)

    def go_back(self) -> bool:
        """False when there is nothing to go back to."""
        if self._trail:
            place = self._trail.pop()
            self.show_page(place.page, place.scope)
            return True
        return False

    def names(self) -> Iterator[str]:
        """Of the pages, in their order."""
        return (name for name, _, _ in keymap.PAGES)
