"""The databases file: how many server connections a database and a user may have, and other names of databases.

    DATABASE[=alias1,alias2,...] USER MAX_SIZE [INITIAL_SIZE [MIN_SIZE]] [pipeline=PIPELINE]

That a user with an INITIAL_SIZE or MIN_SIZE is in the users file is checked where that file is decrypted.
"""

from __future__ import annotations

from collections.abc import Iterable

from agroal.config.choices import Pipeline
from agroal.config.model import LimitLine
from agroal.config.report import Report
from agroal.config.tables import Cell, Row, rows

MOST_ALIASES = 8
_LEAST_COLUMNS = 3
_PIPELINES = {pipeline.value: pipeline for pipeline in Pipeline}
ALL = "all"

_COLUMNS = "DATABASE USER MAX_SIZE [INITIAL_SIZE [MIN_SIZE]] [pipeline=PIPELINE]"


def read_limits(text: str, report: Report, max_connections: int) -> tuple[LimitLine, ...]:
    """The lines in their order, without those that have a problem. MAX_SIZE `all` is what the lines before it left."""
    limits: list[LimitLine] = []
    left = max_connections
    for row in rows(text, report, joints=",="):
        limit = _Line(row, report).read(left)
        if limit is None:
            continue
        if limit.max_size > left >= 0:
            taken = max_connections - left + limit.max_size
            report.problem(
                row.line, "MAX_SIZE", f"the lines up to here add up to {taken}; max_connections is {max_connections}"
            )
        left -= limit.max_size
        limits.append(limit)
    _check_names(limits, report)
    return tuple(limits)


class _Line:
    """Reads one row. Each column reports its own problem, so that one line can have several."""

    def __init__(self, row: Row, report: Report) -> None:
        self._row = row
        self._report = report

    def read(self, left: int) -> LimitLine | None:
        before = len(self._report.problems)
        cells, pipeline = self._options()
        if not 3 <= len(cells) <= 5:
            self._problem("", f"has {len(cells)} columns; expected {_COLUMNS}")
            return None
        database, aliases = self._database(cells[0])
        user = self._word("USER", cells[1])
        max_size = self._size("MAX_SIZE", cells[2], left, least=1)
        initial_size = self._size("INITIAL_SIZE", cells[3], max_size) if len(cells) > 3 else 0
        min_size = self._size("MIN_SIZE", cells[4], max_size) if len(cells) > 4 else 0
        if len(self._report.problems) > before:
            return None
        if user == ALL and (initial_size or min_size):
            column = "INITIAL_SIZE" if initial_size else "MIN_SIZE"
            self._problem(column, "can't be given for user all: whose connections would be opened?")
            return None
        sizes = self._normal(database, max_size, initial_size, min_size)
        return LimitLine(self._report.file, self._row.line, database, aliases, user, *sizes, pipeline)

    def _options(self) -> tuple[tuple[Cell, ...], Pipeline | None]:
        """The columns, and what is said behind them by name."""
        cells, pipeline = self._row.cells, None
        while len(cells) > _LEAST_COLUMNS and "=" in cells[-1].joints:
            name, value, *more = (word.text for word in cells[-1].words)
            cells = cells[:-1]
            if name != "pipeline" or more or value not in _PIPELINES:
                self._problem(name, f"expected pipeline={'|'.join(_PIPELINES)}")
            else:
                pipeline = _PIPELINES[value]
        return cells, pipeline

    def _problem(self, column: str, message: str) -> None:
        self._report.problem(self._row.line, column, message)

    def _notice(self, column: str, message: str) -> None:
        self._report.notice(self._row.line, column, message)

    def _word(self, column: str, cell: Cell) -> str:
        if cell.joints:
            self._problem(column, "has a list; expected one name, with a line for each")
        if any(word.quoted and word.text == ALL for word in cell.words):
            self._problem(column, 'a database or user that is called "all" can\'t be told from the keyword')
        return cell.words[0].text

    def _database(self, cell: Cell) -> tuple[str, tuple[str, ...]]:
        if cell.joints.strip(",") not in ("", "=") or cell.joints.startswith(","):
            self._problem("DATABASE", "expected a database, or DATABASE=alias1,alias2")
        database = self._word("DATABASE", Cell(cell.words[:1]))
        aliases = tuple(word.text for word in cell.words[1:])
        if aliases and database == ALL:
            self._problem("DATABASE", "all can't have aliases: they have to stand for one database")
        if len(aliases) > MOST_ALIASES:
            self._problem("DATABASE", f"has {len(aliases)} aliases; expected at most {MOST_ALIASES}")
        return database, aliases

    def _size(self, column: str, cell: Cell, all_of: int, least: int = 0) -> int:
        text = cell.words[0].text
        if text == ALL and all_of < least:
            self._problem(column, "nothing is left: the lines before take all of max_connections")
        elif text == ALL:
            return all_of
        elif cell.joints or not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
            self._problem(column, f"expected a number from {least} on, or all, not {text!r}")
        else:
            return int(text)
        return 0

    def _normal(self, database: str, max_size: int, initial_size: int, min_size: int) -> tuple[int, int, int]:
        """The sizes so that min <= initial <= max; what had to be changed is a notice."""
        if database == ALL and (initial_size or min_size):
            self._notice("DATABASE", "all is no database to connect to: INITIAL_SIZE and MIN_SIZE are ignored")
            return max_size, 0, 0
        if min_size > max_size:
            self._notice("MIN_SIZE", f"{min_size} is lowered to MAX_SIZE, {max_size}")
            min_size = max_size
        if initial_size > max_size:
            self._notice("INITIAL_SIZE", f"{initial_size} is lowered to MAX_SIZE, {max_size}")
            initial_size = max_size
        if initial_size < min_size:
            self._notice("INITIAL_SIZE", f"{initial_size} is raised to MIN_SIZE, {min_size}")
            initial_size = min_size
        return max_size, initial_size, min_size


def _check_names(limits: Iterable[LimitLine], report: Report) -> None:
    """An alias stands for one database, and is never the name of one."""
    databases: dict[str, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    aliases: dict[str, int] = {}
    for limit in limits:
        databases.setdefault(limit.database, limit.line)
        first = pairs.setdefault((limit.database, limit.user), limit.line)
        if first != limit.line:
            report.notice(limit.line, "", f"never matches: line {first} is for the same database and user")
    for limit in limits:
        for alias in limit.aliases:
            if alias in databases or alias == ALL:
                where = (
                    f"a database, in line {databases[alias]}" if alias in databases else "the keyword for any database"
                )
                report.problem(limit.line, "DATABASE", f"the alias {alias!r} is also {where}")
            elif alias in aliases:
                report.problem(
                    limit.line, "DATABASE", f"the alias {alias!r} is given twice, first in line {aliases[alias]}"
                )
            aliases.setdefault(alias, limit.line)
