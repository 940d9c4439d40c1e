"""Keeping systemd informed: that we serve, how it goes, that the loop is alive, when we reload and when we stop.

`Type=notify-reload` (systemd.service(5)) needs the pair of RELOADING and READY, the first with the time. A stop that
waits for clients may last longer than TimeoutStopSec=: while it does, each second asks for a little more time, so a
loop that hangs is not waited for. STOPPING is said when nothing can take it back; a graceful shutdown that was asked
for with agroal-cli can be, and systemd knows no way back.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from agroal.daemon.systemd import Systemd
from agroal.errors import AgroalError
from agroal.management.neutral import neutral
from agroal.management.phrases import counted

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

PERIOD: Final = 1.0
"""Seconds between two looks at how it goes."""
OFTEN: Final = 0.01
"""Seconds between two signs of life, at least, whatever the unit wants."""
RESPITE: Final = 10
"""Seconds that each look asks for while clients are waited for."""
ERROR: Final = 400
"""Characters of a failed reload's reason. Systemd ignores a message of more than 4096 bytes."""


class Supervision:
    """A service: it ends when all others have. Silent, and without a timer, when nobody listens."""

    def __init__(self, daemon: Daemon, systemd: Systemd) -> None:
        self._daemon = daemon
        self._notifier = systemd.notifier
        self._watchdog = systemd.watchdog
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._status = ""
        self._failure = ""
        """Of the last reload."""
        self._stopping = False

    async def start(self) -> None:
        self._notifier.mention("STATUS=starting")

    async def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._notifier.deliver()
        self._notifier.close()

    def ready(self) -> None:
        """Clients are served from now on."""
        if self._notifier.listens:
            self._status = self._state()
            self._notifier.announce("READY=1", f"MAINPID={os.getpid()}", f"STATUS={self._status}")
            self._every(PERIOD, self._look)
            if self._watchdog:
                self._every(max(OFTEN, self._watchdog / 2), self._live)

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """While the body reads the files anew and puts them in force. Its AgroalError is what the status says then."""
        self._notifier.announce("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
            self._failure = ""
        except AgroalError as error:
            self._failure = neutral(str(error).partition("\n")[0], ERROR)
            raise
        finally:
            if not self._stopping:
                self._status = self._state()
                self._notifier.announce("READY=1", f"STATUS={self._status}")

    def stopping(self) -> None:
        """We end, sooner or later."""
        if not self._stopping:
            self._stopping = True
            self._notifier.announce("STOPPING=1", _respite())

    def _look(self) -> None:
        if self._daemon.stop.begun:
            self._notifier.mention(_respite())
        if (state := self._state()) != self._status and self._notifier.mention(f"STATUS={state}"):
            self._status = state
        self._every(PERIOD, self._look)

    def _live(self) -> None:
        self._notifier.mention("WATCHDOG=1")
        self._every(max(OFTEN, self._watchdog / 2), self._live)

    def _every(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers[call] = asyncio.get_running_loop().call_later(seconds, call)

    def _state(self) -> str:
        """In one line, for people."""
        daemon, shell = self._daemon, self._daemon.pool
        servers = f"{len(shell.servers)} of {counted(daemon.settings.max_connections, 'server connection')}"
        state = f"{counted(len(daemon.sessions), 'client')}, {servers}, {len(shell.asking)} waiting"
        if daemon.stop.begun:
            return f"stopping: {state}"
        return f"{state}; nothing was reloaded: {self._failure}" if self._failure else state


def _respite() -> str:
    return f"EXTEND_TIMEOUT_USEC={RESPITE * 1_000_000}"
