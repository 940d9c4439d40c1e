"""`pause`, `resume` and `reconnect`: PostgreSQL may be restarted or moved, and no client is refused for that.

Each can be asked for twice: what is so already is answered as such. `timeout` waits for the connections that are to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.commands.databases import of_word, spoken
from agroal.management.controls import Call
from agroal.management.phrases import are, counted
from agroal.management.record import Name, Record
from agroal.management.snapshot import Snapshot
from agroal.management.times import duration
from agroal.pool.slot import CLOSING


@dataclass(frozen=True, slots=True)
class Pause(Record):
    database: Name | None
    """What was asked for; None: all of them."""
    databases: tuple[Name, ...]
    """Those for which it makes a difference; `all` stands for all that were not named before."""
    leased: int
    """Connections that clients hold: closed when they come back."""
    others: int
    """Connections that are being opened or closed."""
    held: int
    """Clients that wait until it is over."""
    waited_us: int | None
    """How long it was waited for the connections; None when that was not asked for."""


@dataclass(frozen=True, slots=True)
class Resume(Record):
    database: Name | None
    databases: tuple[Name, ...]
    held: int
    """Clients that go on."""


@dataclass(frozen=True, slots=True)
class Reconnect(Record):
    database: Name | None
    leased: int
    """Connections that clients hold: replaced when they come back."""
    others: int
    """Connections that are being closed, or will be once they are open."""
    waited_us: int | None


async def pause(call: Call, database: str | None = None, timeout: float | None = None) -> Pause:  # noqa: ASYNC109
    name = of_word(database)
    done = await call.controls.pause(name, timeout, dry_run=call.dry_run)
    return Pause(name, done.databases, done.leased, done.others, done.held, done.waited_us)


async def resume(call: Call, database: str | None = None) -> Resume:
    name = of_word(database)
    done = call.controls.resume(name, dry_run=call.dry_run)
    return Resume(name, done.databases, done.held)


async def reconnect(call: Call, database: str | None = None, timeout: float | None = None) -> Reconnect:  # noqa: ASYNC109
    name = of_word(database)
    done = await call.controls.reconnect(name, timeout, dry_run=call.dry_run)
    return Reconnect(name, done.leased, done.others, done.waited_us)


def is_over(result: Pause | Reconnect) -> bool:
    """Nothing is left, or nobody has waited for that."""
    return result.waited_us is None or not (result.leased or result.others)


def left(snapshot: Snapshot) -> str:
    """What is on its way out, in words; empty: nothing."""
    states = [slot.state for slot in snapshot.slots]
    return _left(states.count("gracefully"), sum(state in CLOSING for state in states), "closed")


def text_pause(result: Pause, dry_run: bool) -> Iterator[str]:
    paused = "paused already" if not result.databases else "would be paused" if dry_run else "paused"
    yield f"{spoken(result.database)}: {paused}; {_waiting(result, dry_run)}"
    yield from _remaining(result, "no connection is left: PostgreSQL may be stopped", "closed", dry_run)


def text_resume(result: Resume, dry_run: bool) -> Iterator[str]:
    which = spoken(result.database)
    if not result.databases:
        yield f"{which}: not paused, nothing {'would change' if dry_run else 'changes'}"
        return
    clients = counted(result.held, "client")
    goes = "would go on" if dry_run else "goes on" if result.held == 1 else "go on"
    yield f"{which}: {'would be resumed' if dry_run else 'resumed'}{f'; {clients} {goes}' if result.held else ''}"


def text_reconnect(result: Reconnect, dry_run: bool) -> Iterator[str]:
    which = spoken(result.database)
    yield f"{which}: every connection {are(1, dry_run)} replaced"
    yield from _remaining(result, "none of the old connections is left", "replaced", dry_run)


def _left(leased: int, others: int, how: str) -> str:
    parts = [f"{counted(leased, 'connection')} in use"] if leased else []
    parts += [f"{counted(others, 'connection')} being {how}"] if others else []
    return " and ".join(parts)


def _waiting(result: Pause, dry_run: bool) -> str:
    if not result.held:
        return f"clients {are(2, dry_run)} held until it is resumed"
    return f"{counted(result.held, 'client')} {'waits' if result.held == 1 else 'wait'} until it is resumed"


def _remaining(result: Pause | Reconnect, nothing: str, fate: str, dry_run: bool) -> Iterator[str]:
    if not (result.leased or result.others):
        yield nothing
        return
    rest = _left(result.leased, result.others, "opened or closed")
    later = f"; those in use {are(2, dry_run)} {fate} when they come back" if result.leased else ""
    if result.waited_us is not None:
        yield f"still there after {duration(result.waited_us)}: {rest}{later}"
    else:
        yield f"{rest}{later}"
