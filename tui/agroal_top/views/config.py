"""The configuration in force, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agroal_top.source import Setting
from agroal_top.views.listing import Column, Kind, Listing, worded
from agroal_top.views.text import Part, Tone


def listing(settings: Sequence[Setting]) -> Listing[Setting]:
    return Listing(COLUMNS, settings, lambda setting: setting.key, "parameter")


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


def details(setting: Setting) -> Iterator[list[Part]]:
    yield [Part(setting.key, Tone.STRONG), Part(f" = {setting.value}")]
    yield [Part(setting.doc)]
    yield [Part(f"from {setting.origin}; default {setting.default or '(none)'}", Tone.DIM)]
    yield [_apply(setting)]
