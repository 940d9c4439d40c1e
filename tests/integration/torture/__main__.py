"""The torture test for as long as one likes: `make torture ARGS="--minutes 60 --seed 1"`."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agroal.demo import scratch
from agroal.demo.postgres import Cluster
from tests.integration import containers
from tests.integration.daemon import Key, launcher
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import Postgres
from tests.integration.run import Run
from tests.integration.torture.judgement import tortured

_ROUND = 60.0
"""Seconds for one daemon, before the next with another seed."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for all pipelines together (default: 1)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of the first round")
    parser.add_argument("--pipeline", action="append", choices=PIPELINES, help="only this one; may be repeated")
    chosen = parser.parse_args()
    pipelines = chosen.pipeline or list(PIPELINES)
    seconds = min(_ROUND, chosen.minutes * 60 / len(pipelines))
    until = time.monotonic() + chosen.minutes * 60
    seed = chosen.seed
    with _run() as run, _postgres(run) as postgres:
        key = Key.create(Path(tempfile.mkdtemp(dir=run.folder)) / "master.key")
        while seed == chosen.seed or time.monotonic() < until:
            for pipeline in pipelines:
                print(f"{pipeline}, seed {seed}, {seconds:g} s …", flush=True)
                with postgres.new_database("torture") as database, launcher(run.folder, key, []) as launch:
                    print(tortured(launch, database, pipeline, seed=seed, seconds=seconds), flush=True)
            seed += 1
    print("Nobody heard what was not its own.")
    return 0


@contextmanager
def _run() -> Iterator[Run]:
    run = Run.begin(os.environ)
    print(f"PostgreSQL: {run.description}")
    try:
        yield run
    finally:
        run.end()


@contextmanager
def _postgres(run: Run) -> Iterator[Postgres]:
    if run.image:
        container = containers.Container(run.image, run.label, containers.SETTINGS)
        container.create()
        postgres = Postgres(container)
        postgres.prepare()
        yield postgres
    else:
        with Cluster(
            scratch.make("postgres-", run.folder), Path(run.binaries), settings=containers.SETTINGS
        ) as cluster:
            postgres = Postgres(cluster)
            postgres.prepare()
            yield postgres


if __name__ == "__main__":
    sys.exit(main())
