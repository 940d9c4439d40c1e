"""What is run against every peer, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agroal.demo.report import Report
from tests.bench.failure import BenchFailed

TRUSTED = "trusted"
"""The user who is let in without a password, by PostgreSQL and by every pool."""
PROVEN = "proven"
"""The user who authenticates by SCRAM-SHA-256, with PostgreSQL and with every pool."""
DATABASE = "bench"

_TIMING = re.compile(r"^Time: ([\d.]+) ms", re.MULTILINE)
_CONNECTED = ("-n", "-c", "8", "-j", "1")


@dataclass(frozen=True, slots=True)
class Result:
    """What the client program says about one run."""

    transactions: int
    rate: float
    """Transactions per second."""
    latency: float
    """Milliseconds per transaction, on average."""


@dataclass(frozen=True, slots=True)
class Pgbench:
    """Clients of pgbench for a number of seconds."""

    name: str
    options: tuple[str, ...]
    user: str = TRUSTED
    tls: bool = False
    program = "pgbench"

    def arguments(self, seconds: int) -> list[str]:
        """All but where to connect; the database comes last."""
        return [*_CONNECTED, "-T", str(seconds), *self.options, _target(self.tls)]

    def result(self, output: str) -> Result:
        """Raises BenchFailed when transactions failed, or none was made."""
        report = Report.parse(output)
        if report.failed or not report.transactions:
            raise BenchFailed(f"{report.failed} transactions of {report.transactions} failed; pgbench said:\n{output}")
        return Result(report.transactions, report.rate, report.latency)


@dataclass(frozen=True, slots=True)
class Psql:
    """One SQL command on one connection of psql, again and again; psql's own `\\timing` is the clock."""

    name: str
    command: str
    times: int
    user: str = TRUSTED
    tls: bool = False
    program = "psql"

    def arguments(self, _seconds: int) -> list[str]:
        """All but where to connect; the database comes last."""
        repeated = [word for _ in range(self.times) for word in ("-c", self.command)]
        return ["-X", "-q", "-A", "-t", "-o", "/dev/null", "-c", r"\timing on", *repeated, _target(self.tls)]

    def result(self, output: str) -> Result:
        """Raises BenchFailed when there is not a time for each command."""
        times = [float(time) for time in _TIMING.findall(output)]
        if len(times) != self.times:
            raise BenchFailed(f"psql ran {len(times)} of {self.times} commands; it said:\n{output}")
        average = sum(times) / len(times)
        return Result(len(times), 1000 / average, average)


def _target(tls: bool) -> str:
    """The database, and whether the way to it is encrypted; libpq left to itself would take what it gets."""
    return f"dbname={DATABASE} sslmode={'require' if tls else 'disable'}"


Workload = Pgbench | Psql

WORKLOADS: tuple[Workload, ...] = (
    Pgbench("select-prepared", ("-S", "-M", "prepared")),
    Pgbench("select-simple", ("-S", "-M", "simple")),
    Pgbench("select-extended", ("-S", "-M", "extended")),
    Pgbench("tpcb-simple", ("-M", "simple")),
    Pgbench("tpcb-prepared", ("-M", "prepared")),
    Pgbench("reconnect-trust", ("-S", "-C")),
    Pgbench("reconnect-scram", ("-S", "-C"), user=PROVEN),
    Pgbench("select-prepared-tls", ("-S", "-M", "prepared"), tls=True),
    Pgbench("reconnect-trust-tls", ("-S", "-C"), tls=True),
    Psql("row-40mb", "SELECT repeat(chr(120), 40000000)", times=3),
    Psql("row-40mb-tls", "SELECT repeat(chr(120), 40000000)", times=3, tls=True),
    Psql("copy-out", "COPY pgbench_accounts TO STDOUT", times=2),
)
QUICK = ("select-prepared", "select-simple", "tpcb-simple", "reconnect-trust", "select-prepared-tls", "row-40mb")
"""What is run when nothing else is asked for."""
