"""What was measured, and what is to be learnt from it: medians, and ratios of what was measured side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

REFERENCE = "pgbouncer"
"""The peer that everything is compared with."""


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


@dataclass(frozen=True, slots=True)
class Summary:
    """All rounds of one workload against one peer. Medians, where nothing else is said."""

    workload: str
    peer: str
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


@dataclass(frozen=True, slots=True)
class Memory:
    """What a fresh pool holds, and what it holds more for each of many clients that are connected and say nothing."""

    peer: str
    idle: int
    """Kilobytes."""
    clients: int
    with_clients: int
    """Kilobytes."""

    @property
    def per_client(self) -> float:
        """Kilobytes."""
        return (self.with_clients - self.idle) / self.clients


def summarise(samples: Iterable[Sample]) -> list[Summary]:
    """One summary for each workload and peer, in the order of their first samples."""
    series: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        series.setdefault((sample.workload, sample.peer), []).append(sample)
    return [_summary(own, series.get((workload, REFERENCE), [])) for (workload, _), own in series.items()]


def _summary(own: Sequence[Sample], reference: Sequence[Sample]) -> Summary:
    beside = {sample.round: sample for sample in reference}
    pairs = [(sample, beside[sample.round]) for sample in own if sample.round in beside]
    cpu_ratios = tuple(mine.cpu / theirs.cpu for mine, theirs in pairs if mine.cpu is not None and theirs.cpu)
    cpus = [sample.cpu for sample in own if sample.cpu is not None]
    return Summary(
        workload=own[0].workload,
        peer=own[0].peer,
        rate=median(sample.rate for sample in own),
        latency=median(sample.latency for sample in own),
        cpu=median(cpus) if cpus else None,
        cpu_least=min(cpus, default=None),
        cpu_most=max(cpus, default=None),
        rss=max((sample.rss for sample in own if sample.rss is not None), default=None),
        rate_ratio=median(mine.rate / theirs.rate for mine, theirs in pairs) if pairs else None,
        cpu_ratios=cpu_ratios,
        cpu_ratio=median(cpu_ratios) if cpu_ratios else None,
    )
