"""Drivers of other languages through every pipeline: `make drivers`.

Each script checks its own results and says one line per check. In the transaction pipeline somebody else works all the
time, so that transactions wander from server to server.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.drivers.languages import LANGUAGES, Driver, Language
from tests.integration.daemon import Agroal
from tests.integration.drivers.stirring import stirred
from tests.integration.ground import Ground, prepared
from tests.integration.pipelines import PIPELINES

SERVERS = 10
_LONGEST = 180.0
"""Seconds for one script."""


@dataclass(frozen=True)
class Outcome:
    """How a script ended: its version of the driver, how many checks went well, and what it complained of."""

    version: str
    checks: int
    complaint: str

    def __str__(self) -> str:
        return f"{self.checks} checks" if not self.complaint else f"failed after {self.checks}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make drivers", description=__doc__)
    parser.add_argument("--language", action="append", choices=sorted(LANGUAGES), help="only this one; may be repeated")
    parser.add_argument("--pipeline", action="append", choices=PIPELINES, help="only this one; may be repeated")
    chosen = parser.parse_args()
    languages = [LANGUAGES[name] for name in chosen.language or LANGUAGES]
    if missing := [what for language in languages for what in language.missing()]:
        print("This is missing:", *missing, sep="\n  ", file=sys.stderr)
        return 2
    pipelines = chosen.pipeline or PIPELINES
    with tempfile.TemporaryDirectory() as folder, prepared() as ground:
        drivers = [driver for language in languages for driver in _made(language, Path(folder))]
        outcomes = [[_outcome(ground, pipeline, driver) for pipeline in pipelines] for driver in drivers]
    print("", *_table(drivers, pipelines, outcomes), sep="\n")
    return int(any(outcome.complaint for row in outcomes for outcome in row))


def _made(language: Language, folder: Path) -> Iterator[Driver]:
    print(f"Preparing {language.name} …", flush=True)
    place = folder / language.name
    place.mkdir()
    yield from language.prepare(place)


def _outcome(ground: Ground, pipeline: str, driver: Driver) -> Outcome:
    """A database and a daemon for each: what one leaves behind is no concern of the next."""
    print(f"\n{driver.name}, {pipeline}:", flush=True)
    with _pool(ground, pipeline) as pool:
        try:
            done = subprocess.run(
                driver.command,
                cwd=driver.folder,
                env=_environment(pool),
                capture_output=True,
                text=True,
                timeout=_LONGEST,
                check=False,
            )
            said, complaint = done.stdout, done.stderr if done.returncode else ""
        except subprocess.TimeoutExpired as error:
            said, complaint = (error.stdout or b"").decode(), f"it did not end within {_LONGEST:g} s"
    lines = said.splitlines()
    print(*(f"  {line}" for line in lines), *(f"  ! {line}" for line in complaint.splitlines()), sep="\n", flush=True)
    version = next((line.split()[-1] for line in lines if line.startswith("version ")), driver.version)
    return Outcome(version, sum(line.startswith("ok ") for line in lines), complaint)


@contextmanager
def _pool(ground: Ground, pipeline: str) -> Iterator[Agroal]:
    with ground.database("drivers") as (database, launch):
        pool = launch(database, pipeline=pipeline, max_connections=SERVERS)
        with stirred(pool) if pipeline == "transaction" else nullcontext():
            yield pool


def _environment(pool: Agroal) -> dict[str, str]:
    who = pool.database.scram
    where = {
        "PGHOST": pool.host,
        "PGPORT": str(pool.port),
        "PGUSER": who.name,
        "PGPASSWORD": who.password,
        "PGDATABASE": pool.database.name,
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | where


def _table(drivers: Sequence[Driver], pipelines: Sequence[str], outcomes: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    """For docs/drivers.md."""
    yield f"| driver | version | {' | '.join(pipelines)} |"
    yield "|---" * (2 + len(pipelines)) + "|"
    for driver, row in zip(drivers, outcomes, strict=True):
        yield f"| {driver.name} | {row[0].version} | {' | '.join(map(str, row))} |"


if __name__ == "__main__":
    sys.exit(main())
