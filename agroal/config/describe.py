"""The effective configuration as text, for `agroal --check`.

The text is a main file again: every key with its value, and in comments where the value comes from and what the other
files say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from agroal.config import ini, tables
from agroal.config.hba import KEYWORDS
from agroal.config.keys import Key, Support
from agroal.config.model import Configuration, HbaLine, IdentLine, LimitLine, Name
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS

NO_FILE = "no file"
_VALUE_COLUMN = 60


def describe(configuration: Configuration) -> str:
    """Secrets are masked. Ends with the notices."""
    lines = [*_section("agroal", KEYS, configuration.settings, "", configuration)]
    for server in configuration.servers:
        lines += ["", *_section(server.name, SERVER_KEYS, server, f"server.{server.name}.", configuration)]
    files = configuration.files
    lines += _comments(f"Who may come in: {files.hba}", map(_hba, configuration.hba))
    lines += _comments(f"Who certificates are: {files.ident or NO_FILE}", map(_ident, configuration.ident))
    lines += _comments(f"Limits: {files.limits or NO_FILE}", map(_limit, configuration.limits))
    encrypted = ("users", "frontend_users", "admins", "superuser")
    lines += _comments("Encrypted files", (f"{name}: {getattr(files, name) or NO_FILE}" for name in encrypted))
    if configuration.notices:
        lines += _comments("Notices", map(str, configuration.notices))
    return "\n".join(lines) + "\n"


def _section(name: str, keys: Iterable[Key], values: Any, prefix: str, configuration: Configuration) -> Iterator[str]:
    yield f"[{name}]"
    for key in keys:
        value = getattr(values, key.name)
        shown = "" if value is None else ini.quote(key.show(value))
        origin = configuration.origins.get(prefix + key.name, "default")
        remark = "" if key.support is Support.HONOURED else f", {key.support.value}"
        yield f"{f'{key.name} = {shown}':<{_VALUE_COLUMN}} # {origin}{remark}"


def _comments(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"# {title}"
    yield from (f"#   {line}" for line in lines)


def hba_columns(line: HbaLine) -> list[str]:
    """The columns as the file could have them."""
    names = [",".join(map(_name, column)) for column in (line.databases, line.users)]
    address = [] if line.address is None else [str(line.address)]
    clientcert = [f"clientcert={line.clientcert}"] if line.clientcert else []
    map_ = [f"map={tables.quote(line.map)}"] if line.map else []
    return [line.type, *names, *address, line.method, *clientcert, *map_]


def ident_columns(line: IdentLine) -> list[str]:
    """The columns as the file could have them."""
    return [tables.quote(line.map), _matched(line.system), _matched(line.user)]


def _matched(what: str | Name | re.Pattern[str]) -> str:
    match what:
        case re.Pattern():
            return tables.quote(f"/{what.pattern}")
        case Name():
            return _name(what)
        case _:
            return tables.quote(what)


def _ident(line: IdentLine) -> str:
    return f"line {line.line}: " + "  ".join(ident_columns(line))


def _hba(line: HbaLine) -> str:
    return f"line {line.line}: " + "  ".join(hba_columns(line))


def _name(name: Name) -> str:
    return name.text if name.keyword else tables.quote(name.text, always=name.text in KEYWORDS)


def _limit(limit: LimitLine) -> str:
    aliases = ",".join(map(tables.quote, limit.aliases))
    database = tables.quote(limit.database) + (f"={aliases}" if aliases else "")
    user = tables.quote(limit.user)
    pipeline = f"  pipeline={limit.pipeline}" if limit.pipeline else ""
    return f"line {limit.line}: {database}  {user}  {limit.max_size}  {limit.initial_size}  {limit.min_size}{pipeline}"
