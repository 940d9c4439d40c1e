"""A whole run: as JSON, and as the part of a page of documentation that the tool writes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.failure import BenchFailed
from tests.bench.figures import Memory, Sample, Summary, summarise
from tests.bench.report import Table, markdown, memory_table, workload_table

BEGIN = "<!-- measured: begin (written by python -m tests.bench --write-docs; edits here are lost) -->"
END = "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """Who was measured, and how it was run."""

    name: str
    version: str
    port: int
    command: str
    configuration: str


@dataclass(frozen=True, slots=True)
class Record:
    """All that a run has found out."""

    when: str
    """ISO 8601."""
    machine: dict[str, str | int]
    postgresql: str
    server: str
    """How the peers reach it."""
    rounds: int
    seconds: int
    scale: int
    peers: tuple[PeerRecord, ...]
    left_out: tuple[str, ...]
    failures: tuple[str, ...]
    """What could not be measured, and why."""
    samples: tuple[Sample, ...]
    memory: tuple[Memory, ...]

    def summaries(self) -> list[Summary]:
        return summarise(self.samples)

    def tables(self) -> list[Table]:
        """One for each workload, and that of the memory."""
        summaries = self.summaries()
        tables = [workload_table(workload, summaries) for workload in self._workloads()]
        return [*tables, memory_table(self.memory)] if self.memory else tables

    def commands(self) -> list[tuple[str, str]]:
        """For each workload its command line; what differs between the peers is the port alone."""
        ports = {f"-p {peer.port} ": "-p PORT " for peer in self.peers}
        lines: dict[str, str] = {}
        for sample in self.samples:
            command = sample.command
            for port, placeholder in ports.items():
                command = command.replace(port, placeholder)
            lines.setdefault(sample.workload, command)
        return list(lines.items())

    def conditions(self) -> list[str]:
        """Where and with whom it was measured, in sentences."""
        versions = ", ".join(f"{peer.name} ({peer.version}, port {peer.port})" for peer in self.peers)
        return [
            f"Measured {self.when} on {self.machine['cores']} cores of {self.machine['processor']}, "
            f"{self.machine['system']}, Python {self.machine['python']}.",
            f"PostgreSQL {self.postgresql} on the same machine, {self.server}; fsync off, scale {self.scale}.",
            f"{self.rounds} rounds of {self.seconds} s for each workload and peer, in turn: {versions}.",
            *self.left_out,
        ]

    def json(self) -> str:
        summaries = [asdict(summary) for summary in self.summaries()]
        return json.dumps({"version": 1, **asdict(self), "summaries": summaries}, indent=1, ensure_ascii=False) + "\n"

    def _workloads(self) -> Sequence[str]:
        return list(dict.fromkeys(sample.workload for sample in self.samples))


def section(record: Record, plot: str) -> str:
    """The run as Markdown. `plot` is the picture's file name."""
    commands = "".join(f"# {workload}\n{portable(command, words=1)}\n" for workload, command in record.commands())
    pools = "".join(f"{portable(peer.command)}\n" for peer in record.peers if peer.command)
    return "\n".join(
        [
            "\n".join(f"- {sentence}" for sentence in record.conditions()) + "\n",
            f"![CPU time of the pool per transaction]({plot})\n",
            *map(markdown, record.tables()),
            f"The command lines:\n\n```sh\n{commands}```\n",
            f"The pools:\n\n```sh\n{pools}```",
        ]
    )


def portable(command: str, words: int | None = None) -> str:
    """A command line with bare names for the absolute paths among its first words: those are of one machine only."""
    split = shlex.split(command)
    head = [Path(word).name if word.startswith("/") else word for word in split[:words]]
    return shlex.join([*head, *(split[words:] if words else [])])


def rewritten(page: str, text: str) -> str:
    """The page with this text between its two marks. Raises BenchFailed where it doesn't have them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise BenchFailed(f"the page has no place for figures: expected the lines\n{BEGIN}\n{END}")
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"
