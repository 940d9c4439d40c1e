"""SHOW STATS and its parts: totals since the start, and averages per second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

from agroal.console.averages import NONE, Totals, totals
from agroal.console.table import Column, Show, View, zero
from agroal.console.values import Type


@dataclass(frozen=True, slots=True)
class Line:
    """One database, or all of them."""

    database: str
    total: Totals
    gained: Totals
    microseconds: int
    """In which that was gained."""

    def rate(self, count: int) -> int:
        return self.gained.per_second(count, self.microseconds)


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is counted, under the names that PgBouncer gives it in different tables."""

    name: str
    of: Callable[[Totals], int]
    doc: str
    each: Callable[[Totals], int] | None = None
    """Its average is not per second but for each of these."""
    plain_name: str = ""
    """In STATS_TOTALS and STATS_AVERAGES, where that is another."""
    average_name: str = ""
    """After `avg_`."""

    @property
    def plain(self) -> str:
        return self.plain_name or self.name

    def total(self, line: Line) -> int:
        return self.of(line.total)

    def average(self, line: Line) -> int:
        if self.each is None:
            return line.rate(self.of(line.gained))
        count = self.each(line.gained)
        return self.of(line.gained) // count if count else 0


FIGURES: Final = (
    Figure("server_assignment_count", lambda t: t.assignments, "servers handed to clients"),
    Figure("xact_count", lambda t: t.transactions, "transactions"),
    Figure("query_count", lambda t: t.queries, "queries"),
    Figure("received", lambda t: t.received, "bytes from clients", plain_name="bytes_received", average_name="recv"),
    Figure("sent", lambda t: t.sent, "bytes to clients", plain_name="bytes_sent"),
    Figure("xact_time", lambda t: t.transaction_us, "microseconds in transactions", each=lambda t: t.transactions),
    Figure("query_time", lambda t: t.query_us, "microseconds in queries", each=lambda t: t.queries),
    Figure("wait_time", lambda t: t.wait_us, "microseconds that clients waited", each=lambda t: t.assignments),
)
UNCOUNTED: Final = ("client_parse_count", "server_parse_count", "bind_count", "client_login_count")
"""PgBouncer's; agroal does not count these by database."""


def _by_database(view: View) -> Iterator[Line]:
    for name, total in sorted(totals(view.snapshot).items()):
        yield Line(name, total, view.rates.gained.get(name, NONE), view.rates.microseconds)


def _all(view: View) -> Line:
    everything = reduce(add, totals(view.snapshot).values(), NONE)
    return Line("", everything, reduce(add, view.rates.gained.values(), NONE), view.rates.microseconds)


def _totals(name: Callable[[Figure], str], prefix: str) -> tuple[Column[Line], ...]:
    columns = (Column(name(figure), Type.NUMERIC, f"Total: {figure.doc}.", figure.total) for figure in FIGURES)
    return (*columns, *_uncounted(prefix))


def _averages(name: Callable[[Figure], str], prefix: str) -> tuple[Column[Line], ...]:
    columns = (
        Column(
            name(figure),
            Type.NUMERIC,
            f"Average: {figure.doc}, {'each' if figure.each else 'per second'}.",
            figure.average,
        )
        for figure in FIGURES
    )
    return (*columns, *_uncounted(prefix))


def _uncounted(prefix: str) -> Iterator[Column[Line]]:
    for name in UNCOUNTED:
        yield Column(f"{prefix}{name}", Type.NUMERIC, "Always 0: not counted by database.", zero)


DATABASE: Final[Column[Line]] = Column("database", Type.TEXT, "The database.", lambda line: line.database)
STATS: Final[Show[Line]] = Show(
    "stats",
    "totals and averages of each database",
    _by_database,
    (
        DATABASE,
        *_totals(lambda figure: f"total_{figure.name}", "total_"),
        *_averages(lambda figure: f"avg_{figure.average_name or figure.name}", "avg_"),
    ),
)
STATS_TOTALS: Final[Show[Line]] = Show(
    "stats_totals", "the totals of each database", _by_database, (DATABASE, *_totals(lambda figure: figure.plain, ""))
)
STATS_AVERAGES: Final[Show[Line]] = Show(
    "stats_averages",
    "the averages of each database",
    _by_database,
    (DATABASE, *_averages(lambda figure: figure.plain, "avg_")),
)


def _listed(view: View) -> Iterable[tuple[str, int]]:
    line = _all(view)
    yield from ((f"total_{LISTED.get(figure.name, figure.name)}", figure.of(line.total)) for figure in FIGURES)
    yield from ((f"total_{LISTED.get(name, name)}", 0) for name in UNCOUNTED)
    yield from ((f"avg_{LISTED.get(figure.name, figure.name)}", figure.average(line)) for figure in FIGURES)
    yield from ((f"avg_{LISTED.get(name, name)}", 0) for name in UNCOUNTED)


LISTED: Final = {
    "received": "client_bytes",
    "sent": "server_bytes",
    "client_parse_count": "ps_client_parse_count",
    "server_parse_count": "ps_server_parse_count",
    "bind_count": "ps_bind_count",
}
"""The names in TOTALS, where they are others."""
TOTALS: Final[Show[tuple[str, int]]] = Show(
    "totals",
    "the same of all databases together, one below the other",
    _listed,
    (
        Column("name", Type.TEXT, "As in STATS.", lambda pair: pair[0]),
        Column("value", Type.NUMERIC, "Its value.", lambda pair: pair[1]),
    ),
)
