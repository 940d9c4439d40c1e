"""agroal-top, put together: the source is read in a thread, the model is fed here, the screens show it."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.color import Color, ColorParseError
from textual.command import Provider
from textual.filter import Monochrome, NoColor

from agroal_top import keymap
from agroal_top.messages import Arrived, Connecting, Greeted, SourceLost
from agroal_top.model import Model
from agroal_top.options import Options
from agroal_top.poller import Poller
from agroal_top.preferences import BadPreferences
from agroal_top.screens.main import MainScreen
from agroal_top.screens.palette import Commands
from agroal_top.source import Hello, Source
from agroal_top.themes import THEMES
from agroal_top.views.record import Done
from agroal_top.widgets.ink import Ink

ACTIONS_KEPT = 200
YOUNG = 100_000
"""New objects after which garbage is looked for, instead of 700: a snapshot of ten thousand clients is as many at once,
and in records there are no cycles to be found. It takes a third off the time of such a tick.
"""
TERMINAL_EVERY = 1.0
"""Seconds between two looks whether the terminal is still there."""
LONGEST_END = 3.0
"""Seconds that leaving may take when it is not."""
GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


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
        if self.no_color:  # Textual would leave greys, and those are colours for a terminal
            self._filters = [each for each in self._filters if not isinstance(each, Monochrome)] + [NoColor()]
        self.set_keymap(dict(options.keymap))
        self.ink = Ink(self.get_css_variables(), options.ascii)
        self.labels = keymap.labels(options.keymap)
        """How the keys are written, by their ids."""
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
        self.main.paint_frame()

    def on_connecting(self, message: Connecting) -> None:
        self.model.connecting(self.clock())
        self.main.paint_frame()

    def on_source_lost(self, message: SourceLost) -> None:
        self.model.lost(message.cause, message.at, message.retry_at)
        self.main.paint_frame()

    def on_arrived(self, message: Arrived) -> None:
        snapshot, events = self.poller.take()
        restarts = self.model.restarts
        self.model.feed_events(events)
        if snapshot is not None:
            self.model.feed(*snapshot)
        if self.model.restarts != restarts:
            self.notify(
                "another agroal answers: it was started anew, totals begin at 0", title="restarted", markup=False
            )
        self.main.paint()

    def _dye(self) -> None:
        self.ink = Ink(self.get_css_variables(), self.options.ascii)
        self.main.paint()


def run(source: Source, options: Options) -> int:
    """Until the user leaves, the terminal is gone, or a signal says so. The exit status. Raises BadPreferences."""
    check(options)
    gc.freeze()
    gc.set_threshold(YOUNG)
    return asyncio.run(_run(AgroalTop(source, options)))


def check(options: Options) -> None:
    """Raises BadPreferences for a key or a colour that there is not."""
    if strangers := keymap.unknown(options.keymap):
        raise BadPreferences(f"no key is called {', '.join(strangers)}: docs/agroal-top.md has the names")
    if options.colour:
        try:
            Color.parse(options.colour)
        except ColorParseError as error:
            raise BadPreferences(f"“{options.colour}” is no colour: red, #b3202c or ansi_red is") from error


async def _run(app: AgroalTop) -> int:
    loop, ended = asyncio.get_running_loop(), threading.Event()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, app.exit, 128 + number)
    threading.Thread(target=_watch_terminal, args=(app, loop, ended), name="terminal", daemon=True).start()
    try:
        return await app.run_async(mouse=app.options.mouse) or 0
    finally:
        ended.set()


def _watch_terminal(app: AgroalTop, loop: asyncio.AbstractEventLoop, ended: threading.Event) -> None:
    """A terminal may go without a signal: to who began a session of his own, or ignores SIGHUP.

    For a thread: Textual may wait for ever that somebody writes to a terminal that is gone. Then nothing is left to do
    but to finish the recording.
    """
    terminal = select.poll()
    terminal.register(sys.__stdin__ or 0, 0)
    while not any(seen & GONE for _, seen in terminal.poll(0)):
        if ended.wait(TERMINAL_EVERY):
            return
    loop.call_soon_threadsafe(app.exit, 128 + signal.SIGHUP)
    if not ended.wait(LONGEST_END):
        app.source.close()
        os._exit(128 + signal.SIGHUP)
