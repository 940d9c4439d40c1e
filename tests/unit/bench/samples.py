"""Samples to reckon with."""

from __future__ import annotations

from tests.bench.figures import Memory, Sample
from tests.bench.record import PeerRecord, Record


def sample(peer: str, number: int, cpu: float | None, *, workload: str = "select", rate: float = 1000.0) -> Sample:
    return Sample(
        round=number,
        workload=workload,
        peer=peer,
        transactions=3000,
        rate=rate,
        latency=8.0,
        cpu=cpu,
        rss=None if cpu is None else 10_240 + number,
        command=f"pgbench -h 127.0.0.1 -p {PORTS[peer]} -S bench",
    )


PORTS = {"direct": 10_001, "agroal": 10_002, "pgbouncer": 10_003}

ROUNDS = tuple(
    sample(peer, number, cpu, rate=rate)
    for number, cpus in enumerate([(15.0, 10.0), (20.0, 10.0), (33.0, 30.0)], start=1)
    for peer, cpu, rate in (("direct", None, 2000.0), ("agroal", cpus[0], 900.0), ("pgbouncer", cpus[1], 1000.0))
)
"""Three rounds; in the third the machine was slow, for everybody."""


def record() -> Record:
    return Record(
        when="2026-11-22T17:00+00:00",
        machine={"cores": 2, "processor": "a processor", "system": "Linux 6", "python": "3.11.7"},
        postgresql="15.18",
        server="over TCP on the loopback interface",
        rounds=3,
        seconds=3,
        scale=10,
        peers=tuple(
            PeerRecord(name, f"{name} 1", port, "" if name == "direct" else f"/usr/bin/{name}", "")
            for name, port in PORTS.items()
        ),
        left_out=("odyssey is left out: it is not in PATH, and AGROAL_BENCH_ODYSSEY is not set.",),
        failures=(),
        samples=ROUNDS,
        memory=(Memory("agroal", 40_960, 1000, 52_960), Memory("pgbouncer", 8_192, 1000, 10_192)),
    )
