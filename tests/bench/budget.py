"""What agroal is to reach, beside what it has reached. A budget that is missed fails nothing: it is in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.figures import Memory, Summary
from tests.bench.report import NOTHING, Table

_PROTOCOLS = ("simple", "extended", "prepared")
_SESSION = tuple(f"session/select-{how}" for how in _PROTOCOLS)
_TRANSACTION = tuple(f"transaction/select-{how}" for how in _PROTOCOLS)
_RECONNECT = ("reconnect/trust", "reconnect/scram")
_ROW = ("large/row-40mb", "large/row-40mb-tls")
_TAIL = ("tail/500-clients",)
_MEMORY = ("memory/session", "memory/transaction")


@dataclass(frozen=True, slots=True)
class Line:
    """One budget. `first` is the first step, which is none where it is empty; `goal` is where it should end."""

    work: str
    peer: str
    names: tuple[str, ...]
    figure: Callable[[Summary], float | None]
    first: str
    goal: str


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """A budget of what is held."""

    work: str
    figure: Callable[[Memory], float]
    goal: str
    peer: str = "agroal"


def _time_ratio(summary: Summary) -> float | None:
    """Of single statements, one after the other, the rate is the inverse of the time."""
    return 1 / summary.rate_ratio if summary.rate_ratio else None


LINES = (
    Line("CPU, select by session", "agroal-performance", _SESSION, lambda one: one.cpu_ratio, "0.90 ×", "0.80 ×"),
    Line("CPU, select by session", "agroal", _SESSION, lambda one: one.cpu_ratio, "0.90 ×", "0.80 ×"),
    Line("CPU, select by transaction", "agroal", _TRANSACTION, lambda one: one.cpu_ratio, "1.00 ×", "0.85 ×"),
    Line("CPU, select by session", "agroal-pure", _SESSION, lambda one: one.cpu_ratio, "1.60 ×", "1.30 ×"),
    Line("CPU, select by transaction", "agroal-pure", _TRANSACTION, lambda one: one.cpu_ratio, "2.00 ×", "1.50 ×"),
    Line("CPU, TLS", "agroal", ("tls/select-prepared",), lambda one: one.cpu_ratio, "1.30 ×", "1.00 ×"),
    Line(
        "CPU, reconnect",
        "agroal",
        ("reconnect/trust", "reconnect/scram"),
        lambda one: one.cpu_ratio,
        "1.50 ×",
        "1.00 ×",
    ),
    Line("time of one row of 40 MB", "agroal", _ROW, _time_ratio, "", "1.00 ×"),
    Line("p99, 500 clients on 10 servers", "agroal", _TAIL, lambda one: one.p99_ratio, "1.00 ×", "0.80 ×"),
    Line("p99 ÷ p50, 500 clients on 10 servers", "agroal", _TAIL, lambda one: one.tail, "", "1.30"),
    Line("max ÷ min of ten users", "agroal", ("fairness/ten-users",), lambda one: one.spread, "1.30", "1.10"),
)
MEMORY_LINES = (
    MemoryLine("MB, resident", lambda one: one.idle / 1024, "45"),
    MemoryLine("kB for each idle client", lambda one: one.per_client, "12"),
    MemoryLine("kB for one who does not read 1 GB", lambda one: one.unread, "one buffer"),
)
NAMES = frozenset(name for line in LINES for name in line.names) | frozenset(_MEMORY)
"""What has to be measured for all of it."""


def budget_table(summaries: Iterable[Summary], memory: Sequence[Memory], reference: str) -> Table:
    """A row for each budget of which something was measured; × is a multiple of the reference's figure."""
    by_name = {(summary.workload, summary.peer): summary for summary in summaries}
    rows = [*_workload_rows(by_name), *_memory_rows(memory)]
    return Table((f"at most, × {reference}", "of", "measured", "first step", "goal"), tuple(rows))


def _workload_rows(summaries: dict[tuple[str, str], Summary]) -> Iterator[tuple[str, ...]]:
    for line in LINES:
        there = {name: summaries[name, line.peer] for name in line.names if (name, line.peer) in summaries}
        figures = {name: value for name, summary in there.items() if (value := line.figure(summary)) is not None}
        if figures:
            measured = _listed({name: f"{value:.2f}" for name, value in figures.items()})
            yield line.work, line.peer, measured, line.first or NOTHING, line.goal


def _memory_rows(memory: Sequence[Memory]) -> Iterator[tuple[str, ...]]:
    for line in MEMORY_LINES:
        own = {f"memory/{one.mode}": f"{line.figure(one):.1f}" for one in memory if one.peer == line.peer}
        if own:
            yield line.work, line.peer, _listed(own), NOTHING, line.goal


def _listed(figures: dict[str, str]) -> str:
    """Several with the last word of their names, one alone without."""
    if len(figures) == 1:
        return next(iter(figures.values()))
    return ", ".join(f"{name.rpartition('/')[2].removeprefix('select-')} {value}" for name, value in figures.items())
