"""The grammar of the main file.

    # a comment, or with ; instead of #
    [section]
    key = value        # a comment after a value has white space before it
    key = "a # value"  # in quotes, single or double, everything counts; the other kind may stand inside

A value without quotes goes to the end of the line or to its comment. There are no escapes and no continued lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agroal.config.report import Report

_SECTION = re.compile(r"\[(?P<name>[^\[\]]*)\]\s*(?:[#;].*)?")
_ENTRY = re.compile(r"(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)\s*=(?P<value>.*)")
_COMMENT = re.compile(r"(?:^|\s)[#;]")
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<value>.*?)(?P=quote)(?P<rest>.*)""")


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    line: int
    entries: list[Entry] = field(default_factory=list)


def parse(text: str, report: Report) -> list[Section]:
    """The sections in their order, as far as they can be read; what can't be read is in the report."""
    sections: list[Section] = []
    current: Section | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("["):
            name = _section_name(stripped, number, report)
            current = Section(name, number)
            if name:
                sections.append(current)
            continue
        entry = _entry(stripped, number, report)
        if current is None:
            report.problem(number, "", "stands before the first section; expected [agroal] first")
            current = Section("", number)  # once is enough
        if entry is not None:
            current.entries.append(entry)
    return sections


def unique(entries: Iterable[Entry], report: Report) -> Iterator[Entry]:
    """The entries without those whose key was there before; each of these is a problem."""
    first: dict[str, int] = {}
    for entry in entries:
        if entry.key in first:
            report.problem(entry.line, entry.key, f"is given twice; the first is in line {first[entry.key]}")
        else:
            first[entry.key] = entry.line
            yield entry


def quote(value: str) -> str:
    """The value so that `parse` gives it back, in quotes where it needs them."""
    if value and value == value.strip() and value[0] not in "\"'" and not _COMMENT.search(value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _section_name(line: str, number: int, report: Report) -> str:
    """Empty when there is no usable one; what follows then belongs to no section."""
    match = _SECTION.fullmatch(line)
    name = match["name"].strip() if match else ""
    if name and name.isprintable():
        return name
    report.problem(number, "", "is not a section; expected a name in brackets, such as [agroal]")
    return ""


def _entry(line: str, number: int, report: Report) -> Entry | None:
    match = _ENTRY.fullmatch(line)
    if not match:
        report.problem(number, "", "is not understood; expected `key = value`, `[section]` or a comment")
        return None
    key, value = match["key"], match["value"].strip()
    if not value.startswith(("'", '"')):
        return Entry(key, _COMMENT.split(value, maxsplit=1)[0].strip(), number)
    quoted = _QUOTED.fullmatch(value)
    if not quoted:
        report.problem(number, key, f"the quote {value[0]} is opened and not closed")
        return None
    if quoted["rest"].strip()[:1] not in ("", "#", ";"):
        report.problem(number, key, "has text after the closing quote; expected nothing or a comment")
        return None
    return Entry(key, quoted["value"], number)
