"""agroal-top, put together: the source is read in a thread, the model is fed here, the screens show it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.command import Provider

from agroal_top.messages import Arrived, Connecting, Greeted, SourceLost
from agroal_top.model import Model
from agroal_top.options import Options
from agroal_top.poller import Poller
from agroal_top.screens.main import MainScreen
from agroal_top.screens.palette import Commands
from agroal_top.source import Hello, Source
from agroal_top.themes import THEMES
from agroal_top.views.record import Done
from agroal_top.widgets.ink import Ink

ACTIONS_KEPT = 200


class AgroalTop(App[int]):
    """`clock` gives the seconds that the model is fed with."""

    CSS_PATH = "app.tcss"
    TITLE = "agroal-top"
    BINDINGS: ClassVar[list[BindingType]] = []
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Commands}
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(self, source: Source, options: Options, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-medium"), (48, "-tall")]
        self.source, self.options, self.clock = source, options, clock
        self.model = Model(options.interval)
        self.poller = Poller(source, self, options.interval, clock)
        self.hello: Hello | None = None
        self.done: deque[Done] = deque(maxlen=ACTIONS_KEPT)
        """What was done from here, newest last."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = options.theme if options.theme in self.available_themes else "agroal-dark"
        self.ink = Ink(self.get_css_variables(), options.ascii)
        self.main = MainScreen(options.page)

    @property
    def read_only(self) -> bool:
        """Known once the daemon has said who we are; until then nothing can be changed."""
        return self.hello is None or self.source.read_only

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _: self._dye())
        self.set_class(self.options.ascii, "-ascii")
        self.push_screen(self.main)
        self.run_worker(self.poller.run, name="poller", thread=True, exit_on_error=False)

    def on_unmount(self) -> None:
        self.poller.stop()

    def on_greeted(self, message: Greeted) -> None:
        self.hello = message.hello
        self.main.refresh_bindings()

    def on_connecting(self, message: Connecting) -> None:
        self.model.connecting(self.clock())
        self.main.paint_frame()

    def on_source_lost(self, message: SourceLost) -> None:
        self.model.lost(message.cause, message.at, message.retry_at)
        self.main.refresh_bindings()
        self.main.paint_frame()

    def on_arrived(self, message: Arrived) -> None:
        snapshot, events = self.poller.take()
        restarts = self.model.restarts
        self.model.feed_events(events)
        if snapshot is not None:
            was = self.model.state
            self.model.feed(*snapshot)
            if was != "live":
                self.main.refresh_bindings()
        if self.model.restarts != restarts:
            self.notify(
                "another agroal answers: it was started anew, totals begin at 0", title="restarted", markup=False
            )
        self.main.paint()

    def _dye(self) -> None:
        self.ink = Ink(self.get_css_variables(), self.options.ascii)
        self.main.paint()


def run(source: Source, options: Options) -> int:
    """Until the user leaves. The exit status: 0."""
    result = AgroalTop(source, options).run(mouse=options.mouse)
    return result or 0
