"""The kinds of work that is put on every peer: what is run, and what it says about itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agroal.demo.report import Report
from tests.bench.clients import Clients
from tests.bench.failure import BenchFailed
from tests.bench.latencies import percentile, settled
from tests.bench.setups import DATABASE, EQUALS, SESSION, TRUSTED, Mode, Setup

_CONNECTS = 250
"""Clients that any pool lets in within a second."""
_UNTIL_EVEN = 3
"""Seconds in which a pool has distributed its servers."""
_LOGS = "pgbench_log.*"
_TIMING = re.compile(r"^Time: ([\d.]+) ms", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """What the client programs say about one run."""

    transactions: int
    rate: float
    """Transactions per second."""
    latency: float
    """Milliseconds per transaction, on average."""
    p50: float | None = None
    """Milliseconds that half of the transactions did not exceed; None where each is not looked at."""
    p99: float | None = None
    spread: float | None = None
    """The throughput of the user who got most, as a multiple of that of the one who got least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One kind of work."""

    name: str
    setup: Setup = SESSION
    user: str = TRUSTED
    tls: bool = False

    @property
    def prepares(self) -> bool:
        """It leaves prepared statements behind at the end of a transaction, and comes back to them."""
        return False

    @property
    def crowd(self) -> int:
        """Clients at a time."""
        return 1

    def command(self, clients: Clients, seconds: int) -> str:
        """What is run, for people."""
        raise NotImplementedError

    def run(self, clients: Clients, seconds: int) -> Result:
        """Run it. Raises AgroalError where it came to nothing."""
        raise NotImplementedError

    def _target(self) -> str:
        """The database, and whether the way to it is encrypted; libpq left to itself would take what it gets."""
        return f"dbname={DATABASE} sslmode={'require' if self.tls else 'disable'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pgbench(Workload):
    """Clients of pgbench for a number of seconds."""

    options: tuple[str, ...]
    clients: int = 8

    @property
    def prepares(self) -> bool:
        return "prepared" in self.options and self.setup.mode is Mode.TRANSACTION

    @property
    def crowd(self) -> int:
        return self.clients

    def command(self, clients: Clients, seconds: int) -> str:
        return clients.command("pgbench", self.user, self.arguments(seconds))

    def run(self, clients: Clients, seconds: int) -> Result:
        return result(clients.run("pgbench", self.user, self.arguments(seconds), seconds))

    def arguments(self, seconds: int) -> list[str]:
        """All but where to connect; the database comes last."""
        return ["-n", "-c", str(self.clients), "-j", "1", "-T", str(seconds), *self.options, self._target()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail(Pgbench):
    """Clients of pgbench, and how long each single transaction took.

    The time that pgbench is given begins before its clients connect: they get some more.
    """

    def run(self, clients: Clients, seconds: int) -> Result:
        for _ in clients.leavings(_LOGS):
            pass  # of one that came to nothing
        whole = Pgbench.run(self, clients, seconds)
        times = settled(line for log in clients.leavings(_LOGS) for line in log.splitlines())
        if not times:
            raise BenchFailed(f"pgbench has logged no transaction that settled: {seconds} s are too short")
        return Result(
            whole.transactions, whole.rate, whole.latency, p50=percentile(times, 0.5), p99=percentile(times, 0.99)
        )

    def arguments(self, seconds: int) -> list[str]:
        return ["-l", *Pgbench.arguments(self, seconds + self.clients // _CONNECTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness(Pgbench):
    """Users who want the same at the same time: pgbench for each of them.

    They get some seconds more, so that it matters little who came first.
    """

    users: Sequence[str] = EQUALS

    @property
    def crowd(self) -> int:
        return self.clients * len(self.users)

    def command(self, clients: Clients, seconds: int) -> str:
        names = " ".join(self.users)
        each = clients.command("pgbench", "USER", self.arguments(seconds)).replace(" USER ", " $user ")
        return f"for user in {names}; do {each} & done; wait"

    def arguments(self, seconds: int) -> list[str]:
        return Pgbench.arguments(self, seconds + _UNTIL_EVEN)

    def run(self, clients: Clients, seconds: int) -> Result:
        said = clients.run_together("pgbench", self.users, self.arguments(seconds), seconds)
        results = [result(one) for one in said]
        rates = [one.rate for one in results]
        transactions = sum(one.transactions for one in results)
        return Result(
            transactions,
            sum(rates),
            sum(one.latency * one.transactions for one in results) / transactions,
            spread=max(rates) / min(rates),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Psql(Workload):
    """One SQL command on one connection of psql, again and again; psql's own `\\timing` is the clock."""

    sql: str
    times: int

    def command(self, clients: Clients, seconds: int) -> str:
        return clients.command("psql", self.user, self.arguments())

    def run(self, clients: Clients, seconds: int) -> Result:
        said = clients.run("psql", self.user, self.arguments(), seconds)
        times = [float(time) for time in _TIMING.findall(said)]
        if len(times) != self.times:
            raise BenchFailed(f"psql ran {len(times)} of {self.times} commands; it said:\n{said}")
        average = sum(times) / len(times)
        return Result(len(times), 1000 / average, average)

    def arguments(self) -> list[str]:
        """All but where to connect; the database comes last."""
        repeated = [word for _ in range(self.times) for word in ("-c", self.sql)]
        return ["-X", "-q", "-A", "-t", "-o", "/dev/null", "-c", r"\timing on", *repeated, self._target()]


def result(output: str) -> Result:
    """What pgbench reports. Raises AgroalError when it reports nothing, BenchFailed when transactions failed."""
    report = Report.parse(output)
    if report.failed or not report.transactions:
        raise BenchFailed(f"{report.failed} transactions of {report.transactions} failed; pgbench said:\n{output}")
    return Result(report.transactions, report.rate, report.latency)
