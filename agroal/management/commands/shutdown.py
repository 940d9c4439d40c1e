"""`shutdown gracefully`, `shutdown immediate`, `shutdown cancel`.

Answered when the daemon has accepted it, not when it is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.controls import Call, ShutdownMode
from agroal.management.phrases import are, counted
from agroal.management.record import Record, Token
from agroal.management.times import duration, microseconds


@dataclass(frozen=True, slots=True)
class Shutdown(Record):
    mode: Token
    timeout_us: int | None
    """How long the clients are waited for; None when there is no end to it, or no waiting."""
    clients: int
    """Connected when it was asked."""


async def gracefully(call: Call, timeout: float | None = None) -> Shutdown:  # noqa: ASYNC109
    return _shutdown(call, ShutdownMode.GRACEFULLY, timeout)


async def immediate(call: Call) -> Shutdown:
    return _shutdown(call, ShutdownMode.IMMEDIATE, None)


async def cancel(call: Call) -> Shutdown:
    return _shutdown(call, ShutdownMode.CANCEL, None)


def text(shutdown: Shutdown, dry_run: bool) -> Iterator[str]:
    clients = counted(shutdown.clients, "client")
    latest = "" if shutdown.timeout_us is None else f", in {duration(shutdown.timeout_us)} at the latest"
    match shutdown.mode:
        case ShutdownMode.GRACEFULLY:
            verbs = "would take no new clients and stop" if dry_run else "takes no new clients and stops"
            yield f"agroal {verbs} when the last of {clients} has gone{latest}"
        case ShutdownMode.CANCEL:
            verbs = "would take" if dry_run else "takes"
            yield f"the shutdown {are(1, dry_run)} taken back: agroal {verbs} new clients again"
        case _:
            yield f"agroal {'would stop' if dry_run else 'stops'} now: {clients} cut off"


def _shutdown(call: Call, mode: ShutdownMode, timeout: float | None) -> Shutdown:
    clients = len(call.controls.snapshot().clients)
    seconds = call.controls.shutdown(mode, timeout, dry_run=call.dry_run)
    return Shutdown(mode, None if seconds is None else microseconds(seconds), clients)
