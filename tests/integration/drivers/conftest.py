"""One database and one daemon for each pipeline, which all tests of drivers share.

def test_something(pool): with pool.connect() as client: …

In the transaction pipeline somebody else works all the time, so that a client's transactions wander from one server to
another: what only works on one server fails here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import _RUNNING
from tests.integration.daemon import Agroal, Key, launcher
from tests.integration.drivers.stirring import stirred
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import Database, Postgres
from tests.integration.run import Run

SERVERS = 6


@pytest.fixture(scope="package")
def database(postgres: Postgres) -> Iterator[Database]:
    with postgres.new_database("drivers") as database:
        yield database


@pytest.fixture(scope="package", params=PIPELINES)
def pipeline(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="package")
def daemon(run: Run, key: Key, database: Database, pipeline: str, pytestconfig: pytest.Config) -> Iterator[Agroal]:
    with launcher(run.folder, key, pytestconfig.stash.setdefault(_RUNNING, [])) as launch:
        yield launch(database, pipeline=pipeline, max_connections=SERVERS)


@pytest.fixture
def pool(daemon: Agroal, pipeline: str) -> Iterator[Agroal]:
    """The daemon of a pipeline, in use."""
    if pipeline == "transaction":
        with stirred(daemon):
            yield daemon
    else:
        yield daemon
    daemon.come_to_rest()


@pytest.fixture
def wanders(pipeline: str) -> bool:
    """Whether a client's transactions may run on several servers."""
    return pipeline == "transaction"
