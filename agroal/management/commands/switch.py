"""`enable` and `disable`: whether new clients may enter a database. Those that are connected go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agroal.management.commands.databases import of_word, spoken
from agroal.management.controls import Call
from agroal.management.phrases import are, counted
from agroal.management.record import Name, Record


@dataclass(frozen=True, slots=True)
class Switch(Record):
    database: Name | None
    """What was asked for; None: all of them."""
    enabled: bool
    databases: tuple[Name, ...]
    """Those for which it makes a difference; `all` stands for all that were not named before."""
    clients: int
    """Connected to them: they go on."""


async def enable(call: Call, database: str | None = None) -> Switch:
    return _switch(call, database, True)


async def disable(call: Call, database: str | None = None) -> Switch:
    return _switch(call, database, False)


def text(switch: Switch, dry_run: bool) -> Iterator[str]:
    which = spoken(switch.database)
    state = "enabled" if switch.enabled else "disabled"
    if not switch.databases:
        yield f"{which}: {state} already, nothing {'would change' if dry_run else 'changes'}"
    elif switch.enabled:
        yield f"{which}: new clients {are(2, dry_run)} let in again"
    else:
        on = f"; {counted(switch.clients, 'client')} connected now {'would' if dry_run else 'may'} go on"
        yield f"{which}: new clients {are(2, dry_run)} refused{on if switch.clients else ''}"


def _switch(call: Call, word: str | None, enabled: bool) -> Switch:
    database = of_word(word)
    changed = call.controls.switch(database, enabled, dry_run=call.dry_run)
    return Switch(database, enabled, changed.databases, changed.clients)
