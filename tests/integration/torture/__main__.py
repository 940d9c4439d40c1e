"""The torture test for as long as one likes: `make torture ARGS="--minutes 60 --seed 1"`."""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.integration.ground import prepared
from tests.integration.pipelines import PIPELINES
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
    with prepared() as ground:
        while seed == chosen.seed or time.monotonic() < until:
            for pipeline in pipelines:
                print(f"{pipeline}, seed {seed}, {seconds:g} s …", flush=True)
                with ground.database("torture") as (database, launch):
                    print(tortured(launch, database, pipeline, seed=seed, seconds=seconds), flush=True)
            seed += 1
    print("Nobody heard what was not its own.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
