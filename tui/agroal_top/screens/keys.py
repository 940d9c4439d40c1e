"""What the keys of the main screen do to the view."""

from __future__ import annotations

from typing import TypeVar

from agroal_top.keymap import Where
from agroal_top.model import WINDOWS
from agroal_top.replay import ReplaySource
from agroal_top.screens.clients import ClientsPage
from agroal_top.screens.frame import Frame
from agroal_top.screens.help import Help
from agroal_top.screens.page import Page
from agroal_top.screens.slots import SlotsPage
from agroal_top.screens.traffic import TrafficPage
from agroal_top.views.filters import BadFilter
from agroal_top.views.slots import Grouping, Heat
from agroal_top.widgets.filter_bar import FilterBar
from agroal_top.widgets.live_table import LiveTable
from agroal_top.widgets.slot_grid import SlotGrid

T = TypeVar("T")
INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_WITH_WINDOW = ("traffic", "waits")


class Keys(Frame):
    """The main screen with the keys that change only what is seen."""

    def action_go(self, name: str) -> None:
        self.go(name)

    def action_turn(self, steps: int) -> None:
        if self.current in _WITH_WINDOW:
            at = WINDOWS.index(self.model.window) if self.model.window in WINDOWS else 0
            self.model.window = WINDOWS[max(0, min(at + steps, len(WINDOWS) - 1))]
            self.paint_now()
            return
        names = list(self.names())
        self.go(names[(names.index(self.current) + steps) % len(names)])

    def action_back(self) -> None:
        bar = self.query_one(FilterBar)
        if self.screen.maximized:
            self.screen.minimize()
        elif bar.display or self.page.filter:
            self.page.set_filter("")
            bar.close()
            self.page.focus_first()
            self.paint_now()
        elif self.page.scope is not None and not self.go_back():
            self.page.scope = None
            self.paint_now()
        else:
            self.go_back()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open(self.page.filter)

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        bar = self.query_one(FilterBar)
        try:
            self.page.set_filter(message.text)
        except BadFilter as error:
            self.page.set_filter("")
            bar.complain(str(error))
        else:
            bar.complain("")
        self.paint_now()
        if message.final:
            bar.settle()
            self.page.focus_first()

    def action_pause(self) -> None:
        self.paused = not self.paused
        self.paint()

    def action_interval(self, steps: int) -> None:
        poller = self.top.poller
        nearest = min(range(len(INTERVALS)), key=lambda at: abs(INTERVALS[at] - poller.interval))
        poller.interval = INTERVALS[max(0, min(nearest + steps, len(INTERVALS) - 1))]
        self.model.interval = poller.interval
        self.paint_frame()

    def action_sort(self, steps: int) -> None:
        if table := self.page.table:
            table.sort_by(steps)

    def action_reverse(self) -> None:
        if self.model.state == "lost":
            self.top.poller.retry()
        elif table := self.page.table:
            table.reverse()

    def action_idle(self) -> None:
        if isinstance(page := self.page, ClientsPage):
            page.hide_idle = not page.hide_idle
            self.paint_now()

    def action_grouping(self) -> None:
        if isinstance(page := self.page, SlotsPage):
            page.grouping = following(list(Grouping), page.grouping)
            self.paint_now()

    def action_heat(self) -> None:
        match self.page:
            case SlotsPage() as page:
                page.heat = following(list(Heat), page.heat)
            case TrafficPage() as page:
                page.turn()
        self.paint_now()

    def action_maximize(self) -> None:
        if self.maximized:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)

    def action_copy(self) -> None:
        if text := self.page.copied():
            self.app.copy_to_clipboard(text)
            self.app.notify(text, title="copied", markup=False, timeout=2)

    def action_repaint(self) -> None:
        self.refresh(layout=True)
        self.paint_now()

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_help(self) -> None:
        replay = isinstance(self.top.source, ReplaySource)
        self.app.push_screen(Help(self.listeners(), self.top.labels, read_only=self.top.read_only, replay=replay))

    def listeners(self) -> list[Where]:
        """Who hears a key before the screen does: the widget with the focus, and the page."""
        nodes = [node for node in (self.focused, self.page) if isinstance(node, LiveTable | SlotGrid | Page)]
        return [node.LISTENS for node in nodes if node.LISTENS is not None]

    def action_quit(self) -> None:
        self.app.exit(0)


def following(choices: list[T], chosen: T) -> T:
    """The next one; after the last the first."""
    return choices[(choices.index(chosen) + 1) % len(choices)]
