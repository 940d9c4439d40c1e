"""A whole run: what there is to show of it, and its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.bench.budget import budget_table
from tests.bench.failure import BenchFailed
from tests.bench.figures import Memory, Sample, Summary, summarise
from tests.bench.report import Table, memory_table, workload_table

_VERSION = 2
"""Of the JSON."""


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """Who was measured, and how it was run."""

    name: str
    version: str
    command: str
    configurations: dict[str, str]
    """By what it was asked for: the text of its main file."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that a run has found out."""

    when: str
    """ISO 8601."""
    machine: dict[str, str | int]
    postgresql: str
    rounds: int
    seconds: int
    scale: int
    reference: str
    """The peer that all are compared with."""
    peers: tuple[PeerRecord, ...]
    left_out: tuple[str, ...]
    failures: tuple[str, ...]
    """What could not be measured, and why."""
    samples: tuple[Sample, ...]
    memory: tuple[Memory, ...]

    def summaries(self) -> list[Summary]:
        return summarise(self.samples, self.reference)

    def tables(self) -> list[Table]:
        """What there is of a budget, one for each workload, and that of the memory."""
        summaries = self.summaries()
        budget = budget_table(summaries, self.memory, self.reference)
        tables = [budget] if budget.rows else []
        tables += [workload_table(workload, summaries) for workload in self._workloads()]
        return [*tables, memory_table(self.memory)] if self.memory else tables

    def commands(self) -> list[tuple[str, str]]:
        """For each workload its command line; what differs between the pools is the port alone."""
        lines = {sample.workload: re.sub(r" -p \d+ ", " -p PORT ", sample.command) for sample in self.samples}
        return list(lines.items())

    def conditions(self) -> list[str]:
        """Where and with whom it was measured, in sentences."""
        versions = ", ".join(f"{peer.name} ({peer.version})" for peer in self.peers)
        return [
            f"Measured {self.when} on {self.machine['cores']} cores of {self.machine['processor']}, "
            f"{self.machine['system']}, Python {self.machine['python']}.",
            f"PostgreSQL {self.postgresql} on the same machine, reached over TCP on the loopback interface, "
            f"by unix/… over its Unix socket; fsync off, scale {self.scale}.",
            f"{self.rounds} rounds of {self.seconds} s for each workload and peer, in turn: {versions}.",
            *self.left_out,
        ]

    def json(self) -> str:
        summaries = [asdict(summary) for summary in self.summaries()]
        return (
            json.dumps({"version": _VERSION, **asdict(self), "summaries": summaries}, indent=1, ensure_ascii=False)
            + "\n"
        )

    @classmethod
    def read(cls, text: str) -> Record:
        """A record that `json` has written. Raises BenchFailed."""
        try:
            stored = json.loads(text)
            if stored.pop("version") != _VERSION:
                raise BenchFailed("it is of another version: measure anew")
            del stored["summaries"]
            lists = {"peers": PeerRecord, "samples": Sample, "memory": Memory}
            made = {key: tuple(kind(**one) for one in stored[key]) for key, kind in lists.items()}
            texts = {key: tuple(stored[key]) for key in ("left_out", "failures")}
            return cls(**{**stored, **made, **texts})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BenchFailed(f"it is no record of a benchmark: {error!r}") from None

    def _workloads(self) -> Sequence[str]:
        return list(dict.fromkeys(sample.workload for sample in self.samples))
