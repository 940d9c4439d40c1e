"""`conf ls`, `conf get`, `conf set`, `conf reload`, `conf alias`: the configuration that is in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agroal.management.controls import Alias, Call, Change, ConfigurationFile, Reloaded, Setting
from agroal.management.layout import table
from agroal.management.phrases import counted
from agroal.management.record import Line, Record


@dataclass(frozen=True, slots=True)
class Files(Record):
    files: tuple[ConfigurationFile, ...]


@dataclass(frozen=True, slots=True)
class Settings(Record):
    asked: Line
    """The key or the section; empty: everything."""
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Aliases(Record):
    aliases: tuple[Alias, ...]


async def ls(call: Call) -> Files:
    return Files(tuple(call.controls.files()))


async def get(call: Call, key: str = "") -> Settings:
    return Settings(key, tuple(call.controls.settings(key)))


async def set_(call: Call, key: str, value: str) -> Change:
    return await call.controls.set(key, value, dry_run=call.dry_run)


def shown(change: Change) -> dict[str, str]:
    """The value as the log may show it."""
    return {"value": change.new}


async def reload(call: Call) -> Reloaded:
    return await call.controls.reload(dry_run=call.dry_run)


async def alias(call: Call) -> Aliases:
    return Aliases(tuple(call.controls.aliases()))


def text_files(files: Files) -> Iterator[str]:
    return table(("file", "path", "holds"), [(file.role, file.path, file.doc) for file in files.files])


def text_settings(settings: Settings) -> Iterator[str]:
    """One key that was asked for is answered with its value alone, for scripts."""
    match settings.settings:
        case [only] if only.key == settings.asked:
            yield only.value
        case several:
            heads = ("key", "value", "default", "from", "applied by", "waiting for a restart")
            yield from table(heads, [_setting(setting) for setting in several])


def text_change(change: Change, dry_run: bool) -> Iterator[str]:
    if change.old == change.new:
        yield f"{change.key}: {change.new} already, nothing {'would change' if dry_run else 'changes'}"
    else:
        when = "at the next start" if change.restart else "until the next reload or start"
        holds = "would hold" if dry_run else "holds"
        yield f"{change.key}: {_from_to(change)}, {holds} {when}"


def text_reload(reloaded: Reloaded, dry_run: bool) -> Iterator[str]:
    waiting = sum(change.restart for change in reloaded.changes)
    applied = len(reloaded.changes) - waiting
    if reloaded.changes:
        did = "would be applied" if dry_run else "applied"
        wait = "would wait" if dry_run else "waits" if waiting == 1 else "wait"
        rest = f", {waiting} {wait} for a restart" if waiting else ""
        yield f"{counted(applied, 'change')} {did}{rest}"
        yield from _changes(reloaded.changes)
    else:
        yield f"the files {'say' if dry_run else 'were read: they say'} what is in force already"
    yield from (f"notice: {notice}" for notice in reloaded.notices)


def text_aliases(aliases: Aliases) -> Iterator[str]:
    heads = ("database", "aliases", "user", "max", "initial", "min")
    rows = [
        (line.database, ", ".join(line.aliases) or None, line.user, line.max, line.initial, line.min)
        for line in aliases.aliases
    ]
    return table(heads, rows)


def _setting(setting: Setting) -> tuple[str | None, ...]:
    applied = "reload" if setting.reloadable else "restart"
    return setting.key, setting.value, setting.default, setting.origin, applied, setting.pending


def _changes(changes: Sequence[Change]) -> Iterator[str]:
    rows = [(change.key, _from_to(change), "waits for a restart" if change.restart else "") for change in changes]
    return (f"  {line}" for line in table(("key", "change", ""), rows))


def _from_to(change: Change) -> str:
    return f"{change.old or 'nothing'} → {change.new or 'nothing'}"
