"""From the sections of the main file to settings and servers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

from agroal.config.certificates import check_clients, check_metrics, check_server
from agroal.config.ini import Entry, Section, parse, unique
from agroal.config.keys import Key
from agroal.config.report import Report
from agroal.config.servers import MOST_SERVERS, SERVER_KEYS, ServerSettings
from agroal.config.settings import KEYS, MOST_CONNECTIONS, Settings

MAIN = ("agroal", "pgagroal")
ALSO_MAIN = ("health_check", "prometheus")
"""Sections that pgagroal lets its main keys stand in."""

_LONGEST_SOCKET_PATH = 107  # sun_path of Linux is 108 bytes with its final zero


@dataclass(slots=True)
class MainFile:
    """What could be made of the main file."""

    settings: Settings | None = None
    max_connections: int = MOST_CONNECTIONS
    """Also when the settings are not to be had: the limits are checked against it."""
    servers: list[ServerSettings] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    """`file:line` by `key` or `server.<name>.key`."""


@dataclass(frozen=True, slots=True)
class _Values:
    values: dict[str, Any]
    """Of every key, given or default, except those with a problem."""
    lines: dict[str, int]
    """Of the keys that are given."""
    complete: bool


def read_main(text: str, report: Report, environ: Mapping[str, str]) -> MainFile:
    """`settings` is None when something was wrong with them; the report says what."""
    sections = parse(text, report)
    result = MainFile()
    mains = [section for section in sections if section.name in MAIN]
    also = [section for section in sections if section.name in ALSO_MAIN]
    if mains:
        for again in mains[1:]:
            report.problem(
                again.line, "", f"a second [{again.name}]; the first main section is in line {mains[0].line}"
            )
        _read_settings(mains[0], chain.from_iterable(s.entries for s in mains + also), report, environ, result)
    else:
        report.problem(0, "", "has no section [agroal]; expected exactly one")
    others = [section for section in sections if section.name not in MAIN + ALSO_MAIN]
    _read_servers(others, report, environ, result)
    return result


def _read_settings(
    main: Section, entries: Iterable[Entry], report: Report, environ: Mapping[str, str], result: MainFile
) -> None:
    given = _read_values(main, entries, KEYS, report, environ)
    result.origins |= {key: f"{report.file}:{line}" for key, line in given.lines.items()}
    result.max_connections = given.values.get("max_connections", MOST_CONNECTIONS)
    if given.complete:
        result.settings = Settings(**given.values)
        check_clients(result.settings, given.lines, report)
        check_metrics(result.settings, given.lines, report)
    if "unix_socket_dir" in given.values and "unix_socket_dir" in given.lines:
        port = given.values.get("port", 65535)  # the longest, when the port is wrong too
        _check_sockets(given.values["unix_socket_dir"], port, given.lines["unix_socket_dir"], report)


def _check_sockets(directory: Path, port: int, line: int, report: Report) -> None:
    if not directory.is_dir():
        report.problem(line, "unix_socket_dir", f"expected an existing directory, not {str(directory)!r}")
    longest = os.fsencode(directory / f".s.agroal.{port}")
    if len(longest) > _LONGEST_SOCKET_PATH:
        room = _LONGEST_SOCKET_PATH - len(longest) + len(os.fsencode(directory))
        report.problem(line, "unix_socket_dir", f"is too long for a socket path; expected at most {room} bytes")


def _read_servers(sections: list[Section], report: Report, environ: Mapping[str, str], result: MainFile) -> None:
    if not sections:
        report.problem(0, "", "has no server; expected a section such as [primary] with host and port")
    if len(sections) > MOST_SERVERS:
        extra = sections[MOST_SERVERS]
        report.problem(extra.line, "", f"[{extra.name}] is one server too many; expected at most {MOST_SERVERS}")
    names: dict[str, int] = {}
    for section in sections:
        first = names.setdefault(section.name, section.line)
        if first != section.line:
            report.problem(section.line, "", f"a second server [{section.name}]; the first is in line {first}")
        given = _read_values(section, section.entries, SERVER_KEYS, report, environ)
        if given.complete:
            server = ServerSettings(name=section.name, **given.values)
            _check_rivals(server, given.lines, result.servers, report)
            check_server(server, given.lines, report)
            result.servers.append(server)
        result.origins |= {f"server.{section.name}.{key}": f"{report.file}:{n}" for key, n in given.lines.items()}


def _check_rivals(
    server: ServerSettings, lines: Mapping[str, int], others: Iterable[ServerSettings], report: Report
) -> None:
    """No two servers are at the same place, and no two are the primary."""
    for other in others:
        if (other.host.lower(), other.port) == (server.host.lower(), server.port):
            report.problem(lines["host"], "host", f"[{other.name}] is at {other.host}:{other.port} already")
        if other.primary and server.primary:
            report.problem(lines["primary"], "primary", f"[{other.name}] is the primary already; expected one at most")


def _read_values(
    section: Section, entries: Iterable[Entry], keys: tuple[Key, ...], report: Report, environ: Mapping[str, str]
) -> _Values:
    known = {key.name: key for key in keys}
    given = _Values({}, {}, True)
    problems = len(report.problems)
    for entry in unique(entries, report):
        key = known.get(entry.key)
        if key is None:
            report.notice(entry.line, entry.key, _unknown(entry.key, keys))
            continue
        given.lines[key.name] = entry.line
        try:
            value = key.parse(entry.value, environ)
        except ValueError as error:
            report.problem(entry.line, key.name, str(error))
            continue
        given.values[key.name] = value
        if remark := key.remark(value):
            report.notice(entry.line, key.name, remark)
    for key in keys:
        if key.name in given.lines:
            continue
        if key.required:
            report.problem(section.line, key.name, f"is missing in [{section.name}]. {key.doc}")
        given.values[key.name] = key.default
    return _Values(given.values, given.lines, len(report.problems) == problems)


def _unknown(name: str, keys: tuple[Key, ...]) -> str:
    others = SERVER_KEYS if keys is KEYS else KEYS
    if any(name == key.name for key in others):
        where = "a server's section" if keys is KEYS else "[agroal]"
        return f"is ignored here: it belongs in {where}"
    near = get_close_matches(name.lower(), [key.name for key in keys], n=1)
    return f"unknown key; did you mean {near[0]}?" if near else "unknown key"
