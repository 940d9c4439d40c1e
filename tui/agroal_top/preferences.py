"""top.toml: what somebody wants agroal-top to be like, and the agroals that he looks at.

    interval = 2.0
    theme = "agroal-cb"

    [keymap]
    "main.quit" = "f10"

    [profile.shop]
    directory = "/etc/agroal"
    colour = "red"
    read_only = true

The command line counts first, then the profile that it names, then the top of the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agroal_top.tables import SCREENS

SHORTEST, LONGEST = 0.2, 3600.0
"""Seconds between two snapshots."""


class BadPreferences(Exception):
    """Says which key of which file can't be followed, and what was expected."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """None is what nobody said."""

    config: Path | None = None
    directory: Path | None = None
    socket: Path | None = None
    uri: str | None = None
    colour: str | None = None
    read_only: bool | None = None
    interval: float | None = None
    screen: str | None = None
    theme: str | None = None
    ascii: bool | None = None
    mouse: bool | None = None
    action_log: Path | None = None
    keymap: Mapping[str, str] = field(default_factory=dict)


def usual_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Of the user, as the XDG base directories have it."""
    return Path(environment.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "agroal" / "top.toml"


def usual_action_log(environment: Mapping[str, str] = os.environ) -> Path:
    return Path(environment.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "agroal" / "actions.log"


def read(path: Path, profile: str | None = None) -> Preferences:
    """Those of the file, with those of the profile before them. A file that is not there says nothing.

    Raises BadPreferences.
    """
    try:
        known = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = {}
    except (OSError, ValueError) as error:
        raise BadPreferences(f"{path} can't be read: {error}") from error
    profiles = _table(known.pop("profile", {}), path, "profile")
    keymap = _table(known.pop("keymap", {}), path, "keymap")
    wanted = _values(known, path, _EVERYWHERE)
    if profile is not None:
        if profile not in profiles:
            names = ", ".join(profiles) or "none"
            raise BadPreferences(f"{path} has no profile “{profile}”: it has {names}")
        own = _table(profiles[profile], path, f"profile.{profile}")
        keymap |= _table(own.pop("keymap", {}), path, f"profile.{profile}.keymap")
        wanted |= _values(own, path, {**_EVERYWHERE, **_PLACES}, f"profile.{profile}.")
        if len(own.keys() & _PLACES.keys()) > 1:
            raise BadPreferences(f"{path}: profile.{profile}: one of {', '.join(_PLACES)} is enough")
    return Preferences(**wanted, keymap=_values(keymap, path, dict.fromkeys(keymap, _string), "keymap."))


def _values(
    given: Mapping[str, object], path: Path, known: Mapping[str, Callable[[Any], Any]], where: str = ""
) -> dict[str, Any]:
    values = {}
    for name, value in given.items():
        if name not in known:
            raise BadPreferences(f"{path}: {where}{name} is not known: there are {', '.join(known)}")
        try:
            values[name] = known[name](value)
        except ValueError as error:
            raise BadPreferences(f"{path}: {where}{name}: {error}") from None
    return values


def _table(value: object, path: Path, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadPreferences(f"{path}: {name} is to be a table: [{name}]")
    return dict(value)


def _string(value: object) -> str:
    match value:
        case str():
            return value
    raise ValueError("a text was expected")


def _path(value: object) -> Path:
    return Path(_string(value)).expanduser()


def _flag(value: object) -> bool:
    match value:
        case bool():
            return value
    raise ValueError("true or false was expected")


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not SHORTEST <= value <= LONGEST:
        raise ValueError(f"seconds between {SHORTEST:g} and {LONGEST:g} were expected")
    return float(value)


def _screen(value: object) -> str:
    if value not in SCREENS:
        raise ValueError(f"one of {', '.join(SCREENS)} was expected")
    return str(value)


_PLACES: Mapping[str, Callable[[object], object]] = {
    "config": _path,
    "directory": _path,
    "socket": _path,
    "uri": _string,
}
_EVERYWHERE: Mapping[str, Callable[[object], object]] = {
    "colour": _string,
    "read_only": _flag,
    "interval": _seconds,
    "screen": _screen,
    "theme": _string,
    "ascii": _flag,
    "mouse": _flag,
    "action_log": _path,
}
