"""PostgreSQL and agroal, side by side.

    def test_something(agroal, database):
        pool = agroal(database, max_connections=5)
        with pool.connect() as client: …

    def test_something_that_goes_wrong(agroal, pg):
        pool = agroal(pg.database)
        with pg.stopped(): …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from agroal.demo import scratch
from agroal.demo.postgres import Cluster
from tests.conftest import RUN
from tests.integration import containers
from tests.integration.daemon import Agroal, Key, launcher
from tests.integration.postgres import Database, OwnPostgres, Postgres
from tests.integration.programs import server_binaries
from tests.integration.run import Run

_RUNNING = pytest.StashKey[list[Agroal]]()


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def postgres(run: Run) -> Iterator[Postgres]:
    """The PostgreSQL of the run. It belongs to all tests: none stops it."""
    with ExitStack() as stack:
        if run.image:
            yield stack.enter_context(containers.shared(run.image, run.label, Path(run.folder)))
        else:
            yield stack.enter_context(_cluster(Path(run.binaries)))


@pytest.fixture(scope="module")
def database(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the test module's own, with the roles `scram` and `md5`."""
    with postgres.database(_short_name(request)) as database:
        yield database


@pytest.fixture(scope="module")
def own_postgres(run: Run, request: pytest.FixtureRequest) -> Iterator[OwnPostgres]:
    with ExitStack() as stack:
        ...
