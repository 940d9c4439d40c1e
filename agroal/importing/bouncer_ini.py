"""The grammar of pgbouncer.ini.

    ; a comment, or with #, at the start of a line only
    %include FILE
    [section]
    key = value, to the end of the line, without quotes
    "a ""quoted"" name" = host=… password='it''s'

A connection string is a row of `key=value` with blanks between; a value in single quotes may have blanks, and two
quotes in it stand for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agroal.config.report import Report, read_text
from agroal.errors import ConfigurationError, Problem
from agroal.importing.findings import Place

MOST_INCLUDES = 10
"""Files within files."""

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]\s*")
_ENTRY = re.compile(r'(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<key>[\w.*-]+))\s*=(?P<value>.*)')
_PAIR = re.compile(r"\s*(?P<key>[^=\s]+)\s*=\s*(?:'(?P<quoted>(?:[^']|'')*)'|(?P<plain>[^'\s]\S*))(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """`key = value`."""

    key: str
    value: str = field(repr=False)
    place: Place


@dataclass(slots=True)
class Source:
    """The sections of the file and of those that it includes. In PgBouncer the last entry of a key counts."""

    path: Path
    sections: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def section(self, name: str) -> dict[str, Entry]:
        return self.sections.get(name, {})


def read(path: Path) -> Source:
    """Raises ConfigurationError with everything that can't be read."""
    source = Source(path)
    problems: list[Problem] = []
    _read(path, source, problems, "", 0)
    if problems:
        raise ConfigurationError(problems)
    return source


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of a connection string. Raises ValueError where it is none, without the text: it may be a secret."""
    position = 0
    text = text.strip()
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise ValueError("expected key=value pairs with blanks between, values with blanks in single quotes")
        position = match.end()
        plain = match["plain"]
        value = match["quoted"].replace("''", "'") if plain is None else plain
        if not value:
            raise ValueError(f"expected a value after {match['key']}=")
        yield match["key"], value


def _read(path: Path, source: Source, problems: list[Problem], section: str, depth: int) -> str:
    """The name of the section that goes on behind the end of the file."""
    report = Report(str(path))
    text = read_text(path, "", report)
    for number, line in enumerate((text or "").split("\n"), start=1):
        line = line.strip()
        if not line or line[0] in ";#":
            continue
        if line.startswith("%include"):
            if depth == MOST_INCLUDES:
                report.problem(number, "%include", f"is more than {MOST_INCLUDES} files deep")
            else:
                section = _read(_included(path, line), source, problems, section, depth + 1)
        elif match := _SECTION.fullmatch(line):
            section = match["name"].strip()
            source.sections.setdefault(section, {})
        elif match := _ENTRY.fullmatch(line):
            key = match["key"] if match["quoted"] is None else match["quoted"].replace('""', '"')
            if not section:
                report.problem(number, key, "stands before the first section")
            entries = source.sections.setdefault(section, {})
            entries.pop(key, None)
            entries[key] = Entry(key, match["value"].strip(), Place(str(path), number))
        else:
            report.problem(number, "", "is not understood; expected `key = value`, `[section]`, %include or a comment")
    problems += report.problems
    return section


def _included(path: Path, line: str) -> Path:
    """PgBouncer looks from where it was started, which nobody knows now: mostly that is where the file is."""
    named = Path(line.removeprefix("%include").strip())
    return named if named.is_absolute() else path.parent / named
