"""One key at a time: `conf get` and `conf set`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from agroal.config.certificates import check_clients, check_server
from agroal.config.keys import Key, Value
from agroal.config.model import Configuration, ServerSettings
from agroal.config.report import Report
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS, Settings
from agroal.errors import ConfigurationError, Problem

ORIGIN = "conf set"


@dataclass(frozen=True, slots=True)
class Setting:
    """A key as it is in force, in texts."""

    key: str
    """Of the main section, or `server.NAME.KEY`."""
    value: str
    """As a file would spell it, masked where it is secret."""
    default: str
    """Empty when there is none."""
    origin: str
    """`file:line`, `conf set` or `default`."""
    reloadable: bool
    doc: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the value of a key is."""

    name: str
    key: Key
    server: ServerSettings | None


def settings(configuration: Configuration, prefix: str = "") -> tuple[Setting, ...]:
    """The key that is `prefix`, and those that begin with it and a dot; all of them, when it is empty."""
    return tuple(
        Setting(
            place.name,
            place.key.show(getattr(place.server or configuration.settings, place.key.name)),
            place.key.default_text,
            configuration.origins.get(place.name, "default"),
            not place.key.restart,
            place.key.explanation,
        )
        for place in _places(configuration)
        if not prefix or place.name == prefix or place.name.startswith(f"{prefix}.")
    )


def assign(configuration: Configuration, name: str, text: str, environ: Mapping[str, str]) -> Configuration:
    """The configuration with one key changed. `text` spells the value as in a file, without the quotes.

    Raises ConfigurationError when there is no such key, when the file could not give it that value, and when it needs a
    restart: then the file is what counts.
    """
    place = _place(configuration, name)
    value = _value(place, text, environ)
    if place.key.restart:
        raise _refusal(name, f"needs a restart: change it in {configuration.files.main}")
    notices = tuple(notice for notice in configuration.notices if notice.key != name)
    if remark := place.key.remark(value):
        notices += (Problem(ORIGIN, 0, name, remark),)
    assigned = replace(configuration, notices=notices, origins={**configuration.origins, name: ORIGIN})
    if place.server is None:
        assigned = replace(assigned, settings=Settings(**{**configuration.settings.given(), name: value}))
    else:
        assigned = replace(assigned, servers=_servers(configuration, place, value))
    if place.key.name.startswith(("tls", "channel_binding")):
        _check_tls(assigned, place)
    return assigned


def _check_tls(assigned: Configuration, place: _Place) -> None:
    """As at a start. Only about the section that was changed: elsewhere a file may have gone since."""
    report = Report(ORIGIN)
    if place.server is None:
        check_clients(assigned.settings, {}, report)
    else:
        server = next(server for server in assigned.servers if server.name == place.server.name)
        check_server(server, {}, report, place.name.removesuffix(place.key.name))
    if report.problems:
        raise ConfigurationError(report.problems)


def _servers(configuration: Configuration, place: _Place, value: Value) -> tuple[ServerSettings, ...]:
    changed: dict[str, Any] = {place.key.name: value}
    servers = tuple(
        replace(server, **changed) if server is place.server else server for server in configuration.servers
    )
    others = [server.name for server in servers if server.primary and server is not place.server]
    if sum(server.primary for server in servers) > 1:
        raise _refusal(place.name, f"[{others[0]}] is the primary already; expected one at most")
    return servers


def _places(configuration: Configuration) -> Iterator[_Place]:
    yield from (_Place(key.name, key, None) for key in KEYS)
    for server in configuration.servers:
        yield from (_Place(f"server.{server.name}.{key.name}", key, server) for key in SERVER_KEYS)


def _place(configuration: Configuration, name: str) -> _Place:
    places = {place.name: place for place in _places(configuration)}
    if name in places:
        return places[name]
    near = get_close_matches(name.lower(), places, n=1)
    raise _refusal(name, f"unknown key; did you mean {near[0]}?" if near else "unknown key")


def _value(place: _Place, text: str, environ: Mapping[str, str]) -> Value:
    if "\n" in text or "\0" in text:
        raise _refusal(place.name, "expected one line of text")
    try:
        return place.key.parse(text, environ)
    except ValueError as error:
        raise _refusal(place.name, str(error)) from None


def _refusal(name: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(ORIGIN, 0, name, message)])
