"""Samples to reckon with."""

from __future__ import annotations

import dataclasses

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
        command="pgbench -h 127.0.0.1 -p 10002 -S bench",
    )


def tail(peer: str, number: int, p50: float, p99: float) -> Sample:
    return dataclasses.replace(sample(peer, number, 20.0, workload="tail/500-clients"), p50=p50, p99=p99)


PEERS = ("direct", "agroal", "pgbouncer")

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
        rounds=3,
        seconds=3,
        scale=10,
        reference="pgbouncer",
        peers=tuple(
            PeerRecord(name, f"{name} 1", "" if name == "direct" else f"/usr/bin/{name} -c /a/{name}.conf", {})
            for name in PEERS
        ),
        left_out=("odyssey is left out: it is not in PATH, and AGROAL_BENCH_ODYSSEY is not set.",),
        failures=(),
        samples=ROUNDS,
        memory=(
            Memory("agroal", "transaction", 40_960, 1000, 52_960, 64),
            Memory("pgbouncer", "transaction", 8_192, 1000, 10_192, 8),
        ),
    )
