"""The figures as tables: rows of text, for the screen and for Markdown alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agroal.demo.screen import thousands
from tests.bench.figures import Memory, Summary

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """A heading and rows below it; the first column is text, the others are figures."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def workload_table(workload: str, summaries: Iterable[Summary]) -> Table:
    """How the peers fared at one workload. Columns that nobody has a figure for are left out."""
    rows = [summary for summary in summaries if summary.workload == workload]
    columns = _columns(rows[0].reference)
    cells = {heading: [text(summary) for summary in rows] for heading, text in columns.items()}
    shown = [heading for heading in columns if heading in _ALWAYS or any(cell != NOTHING for cell in cells[heading])]
    return Table(
        (workload, *shown),
        tuple((summary.peer, *(cells[heading][row] for heading in shown)) for row, summary in enumerate(rows)),
    )


_ALWAYS = ("tps", "latency", "CPU")


def _columns(reference: str) -> dict[str, Callable[[Summary], str]]:
    """The headings, and what stands below them."""
    return {
        "tps": lambda summary: rate(summary.rate),
        f"÷ {reference}": lambda summary: _or_nothing(summary.rate_ratio, _ratio),
        "max ÷ min of users": lambda summary: _or_nothing(summary.spread, _ratio),
        "latency": lambda summary: millis(summary.latency),
        "p50": lambda summary: _or_nothing(summary.p50, millis),
        "p99": lambda summary: _or_nothing(summary.p99, millis),
        "p99 ÷ p50": lambda summary: _or_nothing(summary.tail, _ratio),
        f"p99 ÷ {reference}": lambda summary: _or_nothing(summary.p99_ratio, _ratio),
        "CPU": lambda summary: _or_nothing(summary.cpu, micros),
        "least": lambda summary: _or_nothing(summary.cpu_least, micros),
        f"CPU ÷ {reference}, by round": lambda summary: " ".join(map(_ratio, summary.cpu_ratios)) or NOTHING,
        "median": lambda summary: _or_nothing(summary.cpu_ratio, _ratio),
        "RSS": lambda summary: _or_nothing(summary.rss, megabytes),
    }


def memory_table(memories: Sequence[Memory]) -> Table:
    """What the pools hold: idle, with many clients, and with one who does not read."""
    clients = thousands(memories[0].clients)
    header = ("memory", "pooling by", "RSS, fresh", f"with {clients} idle clients", "for each", "1 GB unread adds")
    return Table(
        header,
        tuple(
            (
                one.peer,
                one.mode,
                megabytes(one.idle),
                megabytes(one.with_clients),
                f"{one.per_client:.1f} kB",
                f"{thousands(one.unread)} kB",
            )
            for one in memories
        ),
    )


def markdown(table: Table) -> str:
    """The table in GitHub's Markdown."""
    rule = ("---", *("---:" for _ in table.header[1:]))
    return "".join(f"| {' | '.join(row)} |\n" for row in (table.header, rule, *table.rows))


def rate(value: float) -> str:
    """Transactions per second, in three digits at least."""
    return thousands(value) if value >= 100 else f"{value:.1f}"


def micros(value: float) -> str:
    """Microseconds, in three digits at least."""
    return f"{thousands(value) if value >= 100 else f'{value:.1f}'} µs"


def millis(value: float) -> str:
    return f"{value:.2f} ms"


def megabytes(kilobytes: float) -> str:
    return f"{kilobytes / 1024:.1f} MB"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _or_nothing(value: float | None, text: Callable[[float], str]) -> str:
    return NOTHING if value is None else text(value)
