"""The ident file: who may be which user, by the name in their certificate.

    MAPNAME SYSTEM-USERNAME DATABASE-USERNAME

as in PostgreSQL (manual, chapter “User Name Maps”). With a slash before it, a name is a regular expression, also in
quotes, which it needs when it has commas, blanks or # in it. The expressions are Python's. Where PostgreSQL's mean
something else (classes such as [[:alpha:]]), or where agroal does not know what PostgreSQL knows (roles with +), it is
a problem rather than a line that pairs the wrong names.
"""

from __future__ import annotations

import re

from agroal.config.model import IdentLine, Name
from agroal.config.report import Report
from agroal.config.tables import Cell, Row, Word, rows

CAPTURED = r"\1"
"""In a user's name: what the first group of the system's regular expression has matched."""
LONGEST_EXPRESSION = 1000

_COLUMNS = ("MAPNAME", "SYSTEM-USERNAME", "DATABASE-USERNAME")
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_OTHER_SET = re.compile(r"\[\^?\]?[^\]]*?(?:\[|--|&&|~~|\|\|)")


def read_ident(text: str, report: Report) -> tuple[IdentLine, ...]:
    """The lines in their order, without those that have a problem."""
    return tuple(line for row in rows(text, report) if (line := _read(row, report)))


def _read(row: Row, report: Report) -> IdentLine | None:
    if len(row.cells) != len(_COLUMNS):
        report.problem(row.line, "", f"has {len(row.cells)} columns; expected {' '.join(_COLUMNS)}")
        return None
    try:
        name, system, user = map(_single, _COLUMNS, row.cells)
        expression = _expression(_COLUMNS[1], system)
        line = IdentLine(report.file, row.line, name.text, expression or system.text, _user(user))
        _check_captured(line)
    except _BadColumnError as problem:
        report.problem(row.line, problem.column, problem.message)
        return None
    return line


class _BadColumnError(Exception):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


def _single(column: str, cell: Cell) -> Word:
    if cell.joints:
        raise _BadColumnError(column, "has a list; expected one word, in double quotes if there is a comma in it")
    word = cell.words[0]
    if not word.text:
        raise _BadColumnError(column, "is empty; expected a name")
    return word


def _user(word: Word) -> Name | re.Pattern[str]:
    if expression := _expression(_COLUMNS[2], word):
        return expression
    if word.text.startswith("+") and not word.quoted:
        raise _BadColumnError(_COLUMNS[2], f"a role's members (+) is not supported: {word.text!r}; expected a name")
    return Name(word.text, word.text == "all" and not word.quoted)


def _expression(column: str, word: Word) -> re.Pattern[str] | None:
    """What `/…` means; None for a name."""
    if not word.text.startswith("/"):
        return None
    text = word.text[1:]
    if len(text) > LONGEST_EXPRESSION:
        raise _BadColumnError(column, f"has a regular expression of more than {LONGEST_EXPRESSION} characters")
    if _OTHER_SET.search(_ESCAPE.sub("", text)):
        other = r"a set with [, --, &&, ~~ or || in it; expected such characters after a \, and \w, \d for classes"
        raise _BadColumnError(column, f"{word.text!r} has {other}")
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise _BadColumnError(column, f"{word.text!r} is not a regular expression: {error}") from None


def _check_captured(line: IdentLine) -> None:
    wanted = isinstance(line.user, Name) and CAPTURED in line.user.text
    if wanted and isinstance(line.system, re.Pattern) and not line.system.groups:
        what = f"has {CAPTURED}, but the regular expression {line.system.pattern!r} has no group ( )"
        raise _BadColumnError(_COLUMNS[2], what)
