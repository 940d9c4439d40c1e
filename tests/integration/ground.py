"""PostgreSQL and what daemons need, for programs that are started by hand: what fixtures are to tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agroal.demo import scratch
from agroal.demo.postgres import Cluster
from tests.integration import containers
from tests.integration.daemon import Agroal, Key, launcher
from tests.integration.postgres import Address, Database, Postgres
from tests.integration.run import Run


@dataclass(frozen=True)
class Ground:
    """What there is to stand on."""

    folder: Path
    postgres: Postgres
    key: Key

    @contextmanager
    def database(self, name: str) -> Iterator[tuple[Database, Callable[..., Agroal]]]:
        """A new database, and what launches daemons before it; both are gone at the end."""
        with self.postgres.new_database(name) as database, launcher(self.folder, self.key, []) as launch:
            yield database, launch


@contextmanager
def prepared() -> Iterator[Ground]:
    """Start a PostgreSQL, in a container or as processes, and end it."""
    run = Run.begin(os.environ)
    print(f"PostgreSQL: {run.description}", flush=True)
    try:
        key = Key.create(Path(tempfile.mkdtemp(dir=run.folder)) / "master.key")
        with running(run) as postgres:
            yield Ground(run.folder, postgres, key)
    finally:
        run.end()


@contextmanager
def running(run: Run, **settings: str) -> Iterator[Postgres]:
    """A PostgreSQL with these settings besides those of all tests."""
    settings = {**containers.SETTINGS, **settings}
    if run.image:
        container = containers.Container(run.image, run.label, settings)
        container.create()
        try:
            yield _ready(container)
        finally:
            container.remove()
    else:
        folder = scratch.make("postgres-", run.folder)
        with Cluster(folder, Path(run.binaries), settings=settings) as cluster:
            yield _ready(cluster)


def _ready(address: Address) -> Postgres:
    postgres = Postgres(address)
    postgres.prepare()
    return postgres
