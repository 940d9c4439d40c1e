"""The grammar of the files in columns: hba and databases.

A line is a row of cells. Cells are separated by white space. Words within a cell are joined by `,` (and `=` in the
databases file), with or without white space around it. Double quotes make a word of anything; two of them inside stand
for one. `#` begins a comment wherever a word does not quote it, `;` where a word could begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agroal.config.report import Report

# Possessive, so that a line of nothing but quotes is read in linear time.
_WORD = r'(?:"(?:[^"]|"")*+"|[^\s"#{joints}])++'
_SPECIAL = re.compile(r'[\s",#=]|^[;+/@]')
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"')


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    quoted: bool = False
    """Then it is a name, whatever keyword it looks like."""


@dataclass(frozen=True, slots=True)
class Cell:
    words: tuple[Word, ...]
    joints: str = ""
    """What joins each word to the next: one character less than there are words."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    cells: tuple[Cell, ...]


def rows(text: str, report: Report, joints: str = ",") -> Iterator[Row]:
    """The rows that are not empty. A line that can't be split is a problem and left out."""
    token = re.compile(
        rf"\s*(?:(?P<word>(?!;){_WORD.format(joints=joints)})|(?P<joint>[{joints}])|(?P<comment>[#;].*))"
    )
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            cells = _cells(_tokens(line, token))
        except ValueError as error:
            report.problem(number, "", str(error))
            continue
        if cells:
            yield Row(number, cells)


def quote(word: str, *, always: bool = False) -> str:
    """The word so that it is read as it is, in quotes where it needs them."""
    if always or not word or _SPECIAL.search(word):
        return '"' + word.replace('"', '""') + '"'
    return word


def _tokens(line: str, token: re.Pattern[str]) -> Iterator[Word | str]:
    """Words, and the joints between them as text."""
    line = line.rstrip()
    position = 0
    while position < len(line):
        match = token.match(line, position)
        if match is None:
            raise ValueError("a double quote is opened and not closed")
        position = match.end()
        if match["joint"]:
            yield match["joint"]
        elif match["word"]:
            yield Word(_QUOTED.sub(lambda part: part[1].replace('""', '"'), match["word"]), '"' in match["word"])


def _cells(tokens: Iterator[Word | str]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    joint = ""
    for token in tokens:
        if isinstance(token, Word):
            if joint:
                last = cells.pop()
                cells.append(Cell((*last.words, token), last.joints + joint))
            else:
                cells.append(Cell((token,)))
            joint = ""
        elif joint or not cells:
            raise ValueError(f"expected a name before {token!r}")
        else:
            joint = token
    if joint:
        raise ValueError(f"expected a name after {joint!r}")
    return tuple(cells)
