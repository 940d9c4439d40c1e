"""What systemd passes to a service in its environment: sockets, whom to tell how it is, and how often."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Final, Self

from agroal.daemon.inherited import Inherited
from agroal.daemon.notifier import Notifier

log = logging.getLogger("agroal.systemd")

VARIABLES: Final = (
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
)
LONGEST: Final = 20
"""Digits of a number that systemd writes: 64 bits."""


@dataclass(frozen=True, slots=True)
class Systemd:
    """As it is without systemd, unless said otherwise."""

    inherited: Inherited = field(default_factory=Inherited)
    notifier: Notifier = field(default_factory=Notifier)
    watchdog: float = 0.0
    """Seconds without a sign of life after which we are killed; 0 is never."""

    @classmethod
    def of(cls, environment: MutableMapping[str, str], pid: int, *, background: bool) -> Self:
        """Take it out of the environment, so that no child takes it for its own. Raises ConfigurationError.

        In the `background` nobody is told anything: there the end of the process in front says that we serve.
        """
        told = {name: environment.pop(name) for name in VARIABLES if name in environment}
        inherited = Inherited.of(told, pid)
        if background:
            return cls(inherited)
        mine = told.get("WATCHDOG_PID", str(pid)) == str(pid)
        return cls(
            inherited, Notifier(told.get("NOTIFY_SOCKET", "")), _seconds(told.get("WATCHDOG_USEC", "")) if mine else 0.0
        )


def _seconds(microseconds: str) -> float:
    if microseconds.isascii() and microseconds.isdecimal() and len(microseconds) <= LONGEST:
        return int(microseconds) / 1e6
    if microseconds:
        log.warning("no sign of life is given: WATCHDOG_USEC must be a number, not %a", microseconds[:64])
    return 0.0
