"""The part of a page of documentation that the tool writes: `python -m tests.bench.page PAGE JSON [JSON …]`.

Each JSON is that of a run (bench.json of its --output), the oldest first; what several have measured is taken from the
last of them. Nothing is measured here.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.failure import BenchFailed
from tests.bench.plot import charts
from tests.bench.record import Record
from tests.bench.report import markdown

BEGIN = "<!-- measured: begin (written by python -m tests.bench --write-docs; edits here are lost) -->"
END = "<!-- measured: end -->"
_ABSOLUTE = re.compile(r"(?<!\S)(?!/dev/null\b)(?:/(?:[^\s/']+/)*([^\s/']+)|'/(?:[^/']+/)*([^/']+)')")
"""A path, as the shell has it, and its last part."""


def write(page: Path, records: Sequence[Record]) -> list[Path]:
    """Write the runs into the page, and their picture beside it. Returns what was written. Raises BenchFailed."""
    picture = page.with_suffix(".svg")
    records = latest(records)
    texts = {picture: drawing(records), page: rewritten(page.read_text(), section(records, picture.name))}
    for path, text in texts.items():
        path.write_text(text)
    return list(texts)


def latest(records: Sequence[Record]) -> list[Record]:
    """The runs without what a later one has measured, too, and without those of which nothing is left."""
    kept: list[Record] = []
    workloads: set[str] = set()
    modes: set[str] = set()
    for record in reversed(records):
        samples = tuple(sample for sample in record.samples if sample.workload not in workloads)
        memory = tuple(one for one in record.memory if one.mode not in modes)
        workloads.update(sample.workload for sample in samples)
        modes.update(one.mode for one in memory)
        if samples or memory:
            kept.insert(0, dataclasses.replace(record, samples=samples, memory=memory))
    return kept


def drawing(records: Sequence[Record]) -> str:
    """The runs as one picture, an SVG."""
    rounds = " and ".join(dict.fromkeys(str(record.rounds) for record in records))
    days = " and ".join(dict.fromkeys(record.when[:10] for record in records))
    remark = f"median of {rounds} rounds; the line spans the rounds; less is better. {days}"
    return charts([summary for record in records for summary in record.summaries()], remark)


def section(records: Sequence[Record], plot: str) -> str:
    """The runs as Markdown. `plot` is the picture's file name."""
    picture = f"![CPU time of the pool per transaction, and the latency of the slowest]({plot})\n"
    return "\n\n".join([picture.rstrip(), *map(_run, records)])


def _run(record: Record) -> str:
    commands = "".join(f"# {workload}\n{portable(command)}\n" for workload, command in record.commands())
    pools = "".join(dict.fromkeys(f"{portable(peer.command)}\n" for peer in record.peers if peer.command))
    return "\n".join(
        [
            "\n".join(f"- {sentence}" for sentence in record.conditions()) + "\n",
            *map(markdown, record.tables()),
            f"The command lines:\n\n```sh\n{commands}```\n",
            f"The pools:\n\n```sh\n{pools}```",
        ]
    )


def portable(command: str) -> str:
    """A command line without the directories of its paths: those are of one machine only."""
    return _ABSOLUTE.sub(r"\1\2", command)


def rewritten(page: str, text: str) -> str:
    """The page with this text between its two marks. Raises BenchFailed where it doesn't have them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise BenchFailed(f"the page has no place for figures: expected the lines\n{BEGIN}\n{END}")
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"


def main(arguments: Sequence[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    page, *stored = map(Path, arguments)
    try:
        for path in write(page, [_read(path) for path in stored]):
            print(f"written: {path}")
    except (BenchFailed, OSError) as error:
        print(f"tests.bench.page: {error}", file=sys.stderr)
        return 1
    return 0


def _read(path: Path) -> Record:
    try:
        return Record.read(path.read_text())
    except BenchFailed as error:
        raise BenchFailed(f"{path}: {error}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
