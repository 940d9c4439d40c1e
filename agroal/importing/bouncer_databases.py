"""The sections [databases] and [users]: connection strings and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from agroal.importing.bouncer_ini import Entry, Source, pairs
from agroal.importing.bouncer_keys import DATABASES, SECRET, USERS, Key, by_name
from agroal.importing.bouncer_settings import PIPELINES, Main
from agroal.importing.findings import Findings, Place

ANY = "*"
"""PgBouncer's name for every database that has no line."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where a PostgreSQL is: what one daemon serves."""

    host: str
    port: int

    @property
    def directory(self) -> str:
        """A name for the directory of its files."""
        return re.sub(r"[^A-Za-z0-9.]+", "_", f"{self.host}_{self.port}").strip("_.")

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Pool:
    """What a line says of pools. None: what stands above it counts."""

    size: int | None
    reserve: int | None
    pipeline: str | None
    cap: int | None
    """max_db_connections, or max_user_connections."""


@dataclass(frozen=True, slots=True)
class Database:
    """A line of [databases]."""

    name: str
    """As clients call it."""
    real: str
    """As PostgreSQL calls it; empty for every database."""
    at: Host
    pool: Pool
    least: int
    user: str
    password: str = field(repr=False)
    auth_user: str
    place: Place


@dataclass(frozen=True, slots=True)
class User:
    """A line of [users]."""

    name: str
    pool: Pool
    place: Place


def read_databases(source: Source, main: Main) -> list[Database]:
    """Those that agroal can serve; the others are told."""
    found = []
    for entry in source.section("databases").values():
        what = f"database {entry.key!r}"
        values = _values(entry, DATABASES, what, main.findings)
        if values is None:
            continue
        host = _host(values.get("host", ""), what, entry.place, main)
        if not host:
            continue
        if entry.key == "all" or values.get("dbname") == "all":
            says = "“all” is every database in agroal's files: this one can't be named. It was left out."
            main.findings.human(entry.place, what, says)
            continue
        if entry.key == ANY and "dbname" in values:
            says = "every name for one database is not possible. It was left out: give it its aliases."
            main.findings.human(entry.place, what, says)
            continue
        found.append(_database(entry, values, host, what, main))
    return found


def read_users(source: Source, main: Main) -> dict[str, User]:
    found = {}
    for entry in source.section("users").values():
        what = f"user {entry.key!r}"
        values = _values(entry, USERS, what, main.findings)
        if values is not None:
            pool = _pool(values, "max_user_connections", what, entry.place, main.findings)
            found[entry.key] = User(entry.key, pool, entry.place)
    return found


def by_host(databases: Iterable[Database]) -> dict[Host, list[Database]]:
    """In the order of the file."""
    found: dict[Host, list[Database]] = {}
    for database in databases:
        found.setdefault(database.at, []).append(database)
    return found


def _values(entry: Entry, keys: tuple[Key, ...], what: str, findings: Findings) -> dict[str, str] | None:
    """What the line says, each told as the table has it."""
    known = by_name(keys)
    try:
        values = dict(pairs(entry.value))
    except ValueError as error:
        findings.human(entry.place, what, f"{error}. It was left out.")
        return None
    for name, value in values.items():
        shown = f"{what}: {name}" if name in SECRET else f"{what}: {name}={value}"
        if key := known.get(name):
            findings.add(key.outcome, entry.place, shown, became=key.becomes, says=key.says)
        else:
            findings.human(entry.place, f"{what}: {name}", "PgBouncer 1.25 has no such key. It was left out.")
    return {name: value for name, value in values.items() if name in known}


def _host(text: str, what: str, place: Place, main: Main) -> str:
    """The first of those that are named; without one, PgBouncer looks in the directory of its own sockets."""
    first, *others = [host.strip() for host in text.split(",")]
    if first.startswith("@"):
        main.findings.human(place, what, "abstract Unix sockets are not supported. It was left out.")
        return ""
    if others:
        says = f"agroal does not spread connections over hosts: {first} is used, {', '.join(others)} are not."
        main.findings.human(place, f"{what}: host={text}", says)
    return first or main.text("unix_socket_dir") or "/tmp"


def _database(entry: Entry, values: dict[str, str], host: str, what: str, main: Main) -> Database:
    findings, place = main.findings, entry.place
    port = _number(values, "port", what, place, findings)
    if port is not None and not 0 < port < 65536:
        findings.human(place, f"{what}: port={port}", "expected a port. 5432 is used.")
        port = None
    reserve = values.get("reserve_pool_size") or values.get("reserve_pool")
    pool = _pool({**values, "reserve_pool_size": reserve or ""}, "max_db_connections", what, place, findings)
    least = _number(values, "min_pool_size", what, place, findings)
    return Database(
        entry.key,
        "" if entry.key == ANY else values.get("dbname", entry.key),
        Host(host, port or 5432),
        pool,
        main.number("min_pool_size") if least is None else least,
        values.get("user", ""),
        values.get("password", ""),
        values.get("auth_user", ""),
        place,
    )


def _pool(values: dict[str, str], cap: str, what: str, place: Place, findings: Findings) -> Pool:
    mode = values.get("pool_mode", "").lower()
    if mode and mode not in PIPELINES:
        findings.human(place, f"{what}: pool_mode={mode}", f"expected one of {', '.join(PIPELINES)}. It was left out.")
    numbers = (_number(values, key, what, place, findings) for key in ("pool_size", "reserve_pool_size", cap))
    size, reserve, most = numbers
    return Pool(size, reserve, PIPELINES.get(mode), most or None)


def _number(values: dict[str, str], key: str, what: str, place: Place, findings: Findings) -> int | None:
    text = values.get(key, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    findings.human(place, f"{what}: {key}={text}", "expected a number from 0 on. It was left out.")
    return None
