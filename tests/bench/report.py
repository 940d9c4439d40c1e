"""The figures as tables: rows of text, for the screen and for Markdown alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agroal.demo.screen import thousands
from tests.bench.figures import REFERENCE, Memory, Summary

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """A heading and rows below it; the first column is text, the others are figures."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def workload_table(workload: str, summaries: Iterable[Summary]) -> Table:
    """How the peers fared at one workload. The ratios are those to the reference peer, PgBouncer."""
    header = (workload, "tps", f"÷ {REFERENCE}", "latency", "CPU", "least", f"CPU ÷ {REFERENCE}, by round", "median")
    return Table((*header, "RSS"), tuple(_row(summary) for summary in summaries if summary.workload == workload))


def _row(summary: Summary) -> tuple[str, ...]:
    return (
        summary.peer,
        rate(summary.rate),
        _or_nothing(summary.rate_ratio, "{:.2f}".format),
        f"{summary.latency:.2f} ms",
        _or_nothing(summary.cpu, micros),
        _or_nothing(summary.cpu_least, micros),
        " ".join(f"{ratio:.2f}" for ratio in summary.cpu_ratios) or NOTHING,
        _or_nothing(summary.cpu_ratio, "{:.2f}".format),
        _or_nothing(summary.rss, megabytes),
    )


def memory_table(memories: Sequence[Memory]) -> Table:
    """What the pools hold, idle and with many clients."""
    clients = thousands(memories[0].clients)
    header = ("memory", "RSS, fresh", f"with {clients} idle clients", "for each client")
    return Table(
        header,
        tuple(
            (one.peer, megabytes(one.idle), megabytes(one.with_clients), f"{one.per_client:.1f} kB") for one in memories
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


def megabytes(kilobytes: float) -> str:
    return f"{kilobytes / 1024:.1f} MB"


def _or_nothing(value: float | None, text: Callable[[float], str]) -> str:
    return NOTHING if value is None else text(value)
