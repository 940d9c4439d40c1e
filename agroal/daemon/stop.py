"""How the daemon ends: gracefully, when the last client has gone; at once; or, taken back, not at all."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agroal.errors import ManagementError
from agroal.management.event import EventKind
from agroal.management.phrases import counted

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

log = logging.getLogger("agroal.daemon")


class Stop:
    """Whether, and by when, the daemon is to stop. `asked_for` is a future that says: now."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._timer: asyncio.TimerHandle | None = None
        self.asked_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.begun = False
        """No new clients are taken."""

    @property
    def status(self) -> str:
        """In one word, for people and programs."""
        if self.asked_for.done():
            return "stopping"
        return "graceful" if self.begun else "running"

    def gracefully(self, seconds: float) -> None:
        """Wait for the clients; 0 is without end. Asked again, the new time counts."""
        if self.asked_for.done():
            return
        self.begun = True
        self._disarm()
        if seconds:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.immediately)
        waits = f"a graceful shutdown waits for {counted(len(self._daemon.sessions), 'client')}"
        self._daemon.report(EventKind.STOPPING, f"{waits}, for {seconds:g} s" if seconds else waits)
        self.reconsider()

    def immediately(self) -> None:
        """Don't wait for anybody."""
        self.begun = True
        self._daemon.supervision.stopping()
        self._disarm()
        if not self.asked_for.done():
            self._daemon.report(EventKind.STOPPING, "agroal stops now")
            self.asked_for.set_result(None)

    def check_cancel(self) -> None:
        """Raises ManagementError when there is no shutdown to take back."""
        if self.asked_for.done():
            raise ManagementError("refused", "agroal is stopping: it is too late to take that back")
        if not self.begun:
            raise ManagementError("refused", "no shutdown is under way")

    def cancel(self) -> None:
        """Take a graceful shutdown back. Raises ManagementError when there is none to take back."""
        self.check_cancel()
        self.begun = False
        self._disarm()
        self._daemon.report(EventKind.STOP_CANCELLED, "the shutdown is taken back")

    def reconsider(self) -> None:
        """A client has gone: perhaps it was the last one. Nobody waits for those at the console."""
        if self.begun and len(self._daemon.sessions) <= len(self._daemon.consoles):
            self.immediately()

    def signalled(self) -> None:
        """SIGTERM or SIGINT: the first asks to stop gracefully, the second does not ask."""
        if self.begun:
            log.info("a second signal: stopping at once")
            self.immediately()
        else:
            self._daemon.supervision.stopping()  # it is systemd that has sent it, where there is one
            self.gracefully(self._daemon.settings.flush_timeout)

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
