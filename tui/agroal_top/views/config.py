"""The configuration in force, and where each value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from agroal_top.source import ConfigurationFile, LimitLine, Setting
from agroal_top.views.listing import Column, Kind, Listing, worded
from agroal_top.views.text import Part, Tone


def listing(settings: Sequence[Setting]) -> Listing[Setting]:
    return Listing(COLUMNS, settings, lambda setting: setting.key, "parameter")


def limits(lines: Sequence[LimitLine]) -> Listing[tuple[int, LimitLine]]:
    """In the order of the file: of two lines that fit as well, the first counts."""
    return Listing(LIMITS, list(enumerate(lines, start=1)), lambda row: row[0], "line")


def files(known: Sequence[ConfigurationFile]) -> Listing[ConfigurationFile]:
    return Listing(FILES, known, lambda file: file.role, "")


def _number(id: str, title: str, of: Callable[[LimitLine], int]) -> Column[tuple[int, LimitLine]]:
    return Column(id, title, 8, lambda row: of(row[1]), lambda row: Part(str(of(row[1]))), Kind.NUMBER)


def _value(setting: Setting) -> Part:
    return Part(setting.value, Tone.PLAIN if setting.value == setting.default else Tone.STRONG)


def _origin(setting: Setting) -> Part:
    return Part(setting.origin, Tone.WARN if setting.origin == "conf set" else Tone.DIM)


def _apply(setting: Setting) -> Part:
    if setting.pending is not None:
        return Part(f"WAITS: {setting.pending}", Tone.WARN)
    return Part("reload" if setting.reloadable else "restart", Tone.DIM)


def _apply_word(setting: Setting) -> str:
    return _apply(setting).text


COLUMNS: tuple[Column[Setting], ...] = (
    worded("parameter", "Parameter", 32, lambda setting: setting.key),
    Column("value", "Value", 16, lambda setting: setting.value, _value, Kind.TEXT, 0, grows=True),
    worded("default", "Default", 14, lambda setting: setting.default, priority=1),
    Column("origin", "From", 24, lambda setting: setting.origin, _origin, Kind.TEXT, 2),
    Column("apply", "Apply", 10, _apply_word, _apply),
)


LIMITS: tuple[Column[tuple[int, LimitLine]], ...] = (
    Column("line", "No", 4, lambda row: row[0], lambda row: Part(str(row[0])), Kind.NUMBER),
    worded("database", "Database", 16, lambda row: row[1].database),
    worded("user", "User", 14, lambda row: row[1].user),
    _number("max", "Max", lambda line: line.max),
    _number("initial", "Initial", lambda line: line.initial),
    _number("min", "Min", lambda line: line.min),
    worded("aliases", "Also called", 16, lambda row: ", ".join(row[1].aliases), grows=True),
)
FILES: tuple[Column[ConfigurationFile], ...] = (
    worded("file", "File", 15, lambda file: file.role),
    worded("path", "Path", 30, lambda file: file.path or "–", grows=True),
    worded("holds", "Holds", 48, lambda file: file.doc, priority=1),
)


def details(setting: Setting) -> Iterator[list[Part]]:
    yield [Part(setting.key, Tone.STRONG), Part(f" = {setting.value}")]
    yield [Part(setting.doc)]
    yield [Part(f"from {setting.origin}; default {setting.default or '(none)'}", Tone.DIM)]
    yield [_apply(setting)]
