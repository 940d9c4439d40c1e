"""One run of pgbench, and what it cost: the rows of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agroal.demo.instance import cpu_time
from agroal.demo.postgres import Cluster
from agroal.demo.processes import run
from agroal.demo.report import Progress, Report
from agroal.demo.screen import thousands

HEADER = ("", "tps", "latency", "connections", "CPU of agroal")


@dataclass(frozen=True, slots=True)
class Workload:
    """How pgbench is to be run against a port of the loopback interface."""

    title: str
    options: tuple[str, ...]
    port: int
    daemon: int | None = None
    """The process whose CPU time is counted; None when it has no part in the run."""

    def cpu(self) -> float | None:
        return cpu_time(self.daemon) if self.daemon else None


@dataclass(frozen=True, slots=True)
class Row:
    """What a run gave. `connections` are those that PostgreSQL saw begin; `cpu` is in µs per transaction."""

    title: str
    report: Report
    connections: int
    cpu: float | None

    def cells(self) -> tuple[str, ...]:
        return (
            self.title,
            thousands(self.report.rate),
            f"{self.report.latency:.2f} ms",
            thousands(self.connections),
            "–" if self.cpu is None else f"{self.cpu:.1f} µs",
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """pgbench with one user, one database and one number of clients, wherever the port leads."""

    postgres: Cluster
    user: str
    password: str
    database: str
    clients: int
    seconds: int
    pulse: Callable[[], None]
    note: Callable[[str], None]

    def fill(self, scale: int) -> None:
        """Make pgbench's tables: 100 000 accounts for each step of the scale."""
        self._pgbench("-i", "-q", "-s", str(scale), port=self.postgres.port)

    def run(self, workload: Workload) -> Row:
        """Run a workload, and take the counters before and after."""
        how = ["-n", "-P", "1", "-c", str(self.clients), "-j", "1", "-T", str(self.seconds)]
        sessions, cpu = self._sessions(), workload.cpu()
        report = Report.parse(self._pgbench(*how, *workload.options, port=workload.port))
        cpu_afterwards = workload.cpu()
        self.note(f"{thousands(report.rate)} tps")
        used = None if cpu is None or cpu_afterwards is None else cpu_afterwards - cpu
        return Row(
            title=workload.title,
            report=report,
            connections=self._sessions() - sessions,
            cpu=None if used is None else used / report.transactions * 1e6,
        )

    def _pgbench(self, *arguments: str, port: int) -> str:
        where = ["-h", self.postgres.host, "-p", str(port), "-U", self.user]
        command = [self.postgres.program("pgbench"), *where, *arguments, self.database]
        environment = self.postgres.environment(self.password)
        return run(command, env=environment, pulse=self.pulse, on_remark=self._show)

    def _show(self, remark: str) -> None:
        if now := Progress.parse(remark):
            self.note(f"{thousands(now.rate)} tps")

    def _sessions(self) -> int:
        """How many connections the database has seen since it was made (PostgreSQL 14 and later)."""
        return int(self.postgres.psql(f"SELECT sessions FROM pg_stat_database WHERE datname = '{self.database}'"))
