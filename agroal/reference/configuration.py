"""The keys of the main file, as Settings and ServerSettings declare them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from agroal.config import units
from agroal.config.keys import Key, Kind, Support, Value, keys_of
from agroal.config.sections import ALSO_MAIN, MAIN
from agroal.config.servers import MOST_SERVERS, SERVER_KEYS
from agroal.config.settings import KEYS, Settings
from agroal.reference import formats
from agroal.reference.page import Block, Blocks, Code, Heading, Table, Text, deeper, literal, literals, sentence

HEAD = ("key", "does", "value", "default", "applied by a reload")

EXAMPLE = """\
[agroal]
host = *
port = 2345
unix_socket_dir = /tmp
max_connections = 50
idle_timeout = 10m
server_reset_query = "DISCARD ALL"   # a comment

[primary]
host = localhost
port = 5432
"""

SYNTAX: Blocks = (
    Text(
        f"The main file, `agroal.conf`, has one section `[{MAIN[0]}]` (or `[{MAIN[1]}]`), and a section for each "
        f"server, at most {MOST_SERVERS}, whose name is yours to choose. Keys of the main section may also stand in "
        f"{' and '.join(f'`[{name}]`' for name in ALSO_MAIN)}, as in pgagroal. `agroal --check` prints every key with "
        "its value and the line that it comes from."
    ),
    Code(EXAMPLE),
    Text(
        "A line is `key = value`. A comment begins with `#` or `;` at the start of a line or after white space. A "
        "value in which such a comment would begin stands in quotes, single or double; the other kind may stand "
        "inside. There are no escapes and no continued lines."
    ),
    Table(
        ("value", "is spelled"),
        (
            ("on or off", f"{literals(tuple(units.BOOLEANS))}, in any case."),
            ("a word", "One of those that are named, in any case."),
            ("a duration", "`500ms`, `30s`, `5m`, `1h`, `1d` or `1w`. A bare number counts seconds."),
            ("a size", "`65536`, `256K`, `10M` or `1G`, in powers of 1024. A bare number counts bytes."),
            ("a path", "`$NAME` and `${NAME}` in it are variables of the environment."),
        ),
    ),
    Text(
        "An unknown key is a notice that names the nearest known one. A value that can't be is an error with file, "
        "line and what was expected. All errors are told at once, and agroal does not start."
    ),
)


def page() -> Blocks:
    """All files, for docs/configuration.md."""
    return (
        Text("The files, and every key in them. The same is in the manual pages of section 5."),
        Heading("agroal.conf"),
        *deeper(main_file()),
        Heading("agroal_hba.conf"),
        *formats.HBA,
        Heading("agroal_ident.conf"),
        *formats.IDENT,
        Heading("agroal_databases.conf"),
        *formats.DATABASES,
        Heading("agroal_users.conf"),
        *formats.USERS,
    )


def manual() -> Blocks:
    """The main file, for its manual page."""
    return (Heading("Description"), *main_file())


def main_file() -> Blocks:
    blocks: list[Block] = list(SYNTAX)
    heeded = {key.name: key for key in KEYS if key.support is not Support.NEVER}
    for title, names in groups(Settings).items():
        if keys := [heeded[name] for name in names if name in heeded]:
            blocks += [Heading(title), _table(keys)]
    blocks += [Heading("A server's section"), _table(SERVER_KEYS)]
    return (*blocks, *_without_meaning())


def groups(settings: type[Any]) -> Mapping[str, list[str]]:
    """The keys of a class by the comments that stand above them as headings, after an empty line."""
    known = {key.name for key in keys_of(settings)}
    found: dict[str, list[str]] = {}
    names: list[str] = []
    above = ""
    for line in inspect.getsource(settings).splitlines():
        if not above and (heading := re.fullmatch(r"    # (\S.*)", line)):
            names = found.setdefault(heading[1], [])
        elif (declared := re.match(r"    (\w+): ", line)) and declared[1] in known:
            names.append(declared[1])
        above = line.strip()
    return found


def _without_meaning() -> Blocks:
    keys = [key for key in (*KEYS, *SERVER_KEYS) if key.support is Support.NEVER]
    rows = tuple((literal(key.name), sentence(key.doc), _value(key)) for key in keys)
    return (
        Heading("Keys of pgagroal without a meaning here"),
        Text("They are accepted with a notice, so that a file of pgagroal loads as it is, and change nothing."),
        Table(("key", "why", "value"), rows),
    )


def _table(keys: Iterable[Key]) -> Table:
    return Table(
        HEAD,
        tuple(
            (literal(key.name), _does(key), _value(key), _default(key), "no" if key.restart else "yes") for key in keys
        ),
    )


def _does(key: Key) -> str:
    said = [sentence(key.explanation)]
    for reason in dict.fromkeys(key.unheeded.values()):
        values = [value for value, why in key.unheeded.items() if why == reason]
        said.append(f"Accepted, but never heeded: {_spelled(key, values)}, because {reason}.")
    return " ".join(said)


def _value(key: Key) -> str:
    """What a value looks like, with the spellings that are not the usual ones."""
    usual = {*units.BOOLEANS, *map(key.spell, key.words.values())}
    also = tuple(word for word, value in key.words.items() if word not in usual)
    bare = "; a bare number counts milliseconds" if key.kind is Kind.DURATION and key.unit == "ms" else ""
    return key.expected + bare + (f" (also spelled {literals(also)})" if also else "")


def _default(key: Key) -> str:
    if key.required:
        return "must be given"
    if key.derived:
        return key.derived if " " in key.derived else literal(key.derived)
    return literal(key.show(key.default))


def _spelled(key: Key, values: Iterable[Value]) -> str:
    return literals(tuple(sorted(map(key.spell, values))))
