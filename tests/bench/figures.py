"""What was measured, and what is to be learnt from it: medians, and ratios of what was measured side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

REFERENCE = "pgbouncer"
"""The peer that everything is compared with, unless a run says otherwise."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one workload against one peer."""

    round: int
    workload: str
    peer: str
    transactions: int
    rate: float
    """Transactions per second."""
    latency: float
    """Milliseconds."""
    cpu: float | None
    """Microseconds of the pool's processes per transaction; None without a pool, or without /proc."""
    rss: int | None
    """Kilobytes that the pool's processes hold after the run."""
    command: str
    p50: float | None = None
    """Milliseconds that half of the transactions did not exceed; None where each is not looked at."""
    p99: float | None = None
    spread: float | None = None
    """The throughput of the user who got most, as a multiple of that of the one who got least."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All rounds of one workload against one peer. Medians, where nothing else is said."""

    workload: str
    peer: str
    reference: str
    """Whom the ratios are to."""
    rate: float
    latency: float
    cpu: float | None
    cpu_least: float | None
    cpu_most: float | None
    rss: int | None
    rate_ratio: float | None
    """Throughput, as a multiple of the reference's in the same round."""
    cpu_ratios: tuple[float, ...]
    """CPU time per transaction, as a multiple of the reference's, round by round."""
    cpu_ratio: float | None
    p50: float | None
    p99: float | None
    p99_least: float | None
    p99_most: float | None
    tail: float | None
    """p99 as a multiple of p50, of each round."""
    p99_ratio: float | None
    """p99, as a multiple of the reference's in the same round."""
    spread: float | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a fresh pool holds, and what it holds more for clients that do nothing."""

    peer: str
    mode: str
    """When its servers go back to the pool: session or transaction."""
    idle: int
    """Kilobytes."""
    clients: int
    with_clients: int
    """Kilobytes."""
    unread: int
    """Kilobytes more while a client does not read an answer of 1 GB."""

    @property
    def per_client(self) -> float:
        """Kilobytes."""
        return (self.with_clients - self.idle) / self.clients


def summarise(samples: Iterable[Sample], reference: str = REFERENCE) -> list[Summary]:
    """One summary for each workload and peer, in the order of their first samples."""
    series: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        series.setdefault((sample.workload, sample.peer), []).append(sample)
    return [_summary(own, series.get((workload, reference), []), reference) for (workload, _), own in series.items()]


def _summary(own: Sequence[Sample], others: Sequence[Sample], reference: str) -> Summary:
    beside = {sample.round: sample for sample in others}
    pairs = [(sample, beside[sample.round]) for sample in own if sample.round in beside]
    cpu_ratios = tuple(mine.cpu / theirs.cpu for mine, theirs in pairs if mine.cpu is not None and theirs.cpu)
    cpus = [sample.cpu for sample in own if sample.cpu is not None]
    p99s = [sample.p99 for sample in own if sample.p99 is not None]
    return Summary(
        workload=own[0].workload,
        peer=own[0].peer,
        reference=reference,
        rate=median(sample.rate for sample in own),
        latency=median(sample.latency for sample in own),
        cpu=_median(cpus),
        cpu_least=min(cpus, default=None),
        cpu_most=max(cpus, default=None),
        rss=max((sample.rss for sample in own if sample.rss is not None), default=None),
        rate_ratio=_median(mine.rate / theirs.rate for mine, theirs in pairs),
        cpu_ratios=cpu_ratios,
        cpu_ratio=_median(cpu_ratios),
        p50=_median(sample.p50 for sample in own),
        p99=_median(p99s),
        p99_least=min(p99s, default=None),
        p99_most=max(p99s, default=None),
        tail=_median(sample.p99 / sample.p50 for sample in own if sample.p99 and sample.p50),
        p99_ratio=_median(mine.p99 / theirs.p99 for mine, theirs in pairs if mine.p99 and theirs.p99),
        spread=_median(sample.spread for sample in own),
    )


def _median(values: Iterable[float | None]) -> float | None:
    """Of those that are there."""
    there = [value for value in values if value is not None]
    return median(there) if there else None
