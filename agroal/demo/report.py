"""What pgbench says, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agroal.errors import AgroalError

_PROGRESS = re.compile(r"progress: (?P<seconds>[\d.]+) s, (?P<rate>[\d.]+) tps, lat (?P<latency>[\d.]+|-?nan) ms")


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of `pgbench -P`."""

    seconds: float
    """Since the start."""
    rate: float
    """Transactions per second."""

    @classmethod
    def parse(cls, line: str) -> Progress | None:
        """None where the line is a remark of another kind."""
        found = _PROGRESS.match(line)
        return cls(float(found["seconds"]), float(found["rate"])) if found else None


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a run of pgbench."""

    transactions: int
    failed: int
    rate: float
    """Transactions per second. With `-C` the time to connect is within, without it the first connects are left out."""
    latency: float
    """Milliseconds per transaction, on average."""

    @classmethod
    def parse(cls, text: str) -> Report:
        def number(pattern: str) -> str:
            found = re.search(pattern, text, re.MULTILINE)
            if not found:
                raise AgroalError(f"pgbench's report has no line that matches {pattern!r}:\n{text}")
            return found[1]

        return cls(
            transactions=int(number(r"^number of transactions actually processed: (\d+)")),
            failed=int(number(r"^number of failed transactions: (\d+)")),
            rate=float(number(r"^tps = ([\d.]+)")),
            latency=float(number(r"^latency average = ([\d.]+) ms")),
        )
