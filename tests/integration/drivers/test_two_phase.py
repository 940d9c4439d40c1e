"""Transactions in two phases: prepared by one session, committed by another, whichever server that has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import URL, create_engine, text

from tests.integration.conftest import _RUNNING
from tests.integration.daemon import Agroal, Key, launcher
from tests.integration.drivers.stirring import stirred
from tests.integration.ground import running
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import Database
from tests.integration.run import Run


@pytest.fixture(scope="module")
def willing(run: Run) -> Iterator[Database]:
    """A database of a PostgreSQL that prepares transactions."""
    with running(run, max_prepared_transactions="10") as postgres, postgres.new_database("willing") as database:
        database.query("CREATE TABLE kept (t text)")
        database.query("GRANT ALL ON kept TO PUBLIC")
        yield database


@pytest.fixture(scope="module", params=PIPELINES)
def willing_pool(
    run: Run, key: Key, willing: Database, request: pytest.FixtureRequest, pytestconfig: pytest.Config
) -> Iterator[Agroal]:
    with launcher(run.folder, key, pytestconfig.stash.setdefault(_RUNNING, [])) as launch:
        yield launch(willing, pipeline=request.param, max_connections=4)


@pytest.fixture
def two_phased(willing_pool: Agroal) -> Iterator[Agroal]:
    with stirred(willing_pool):
        yield willing_pool
    willing_pool.come_to_rest()


def kept(database: Database) -> list[str]:
    return [t for (t,) in database.query("DELETE FROM kept RETURNING t")]


def test_psycopg_prepares_and_another_commits(two_phased: Agroal, willing: Database) -> None:
    one = two_phased.connect(autocommit=False)
    one.tpc_begin(one.xid(1, "global", "branch"))
    one.execute("INSERT INTO kept VALUES ('kept')")
    one.tpc_prepare()
    one.close()
    with two_phased.connect(autocommit=False) as other:
        [waiting] = other.tpc_recover()
        other.rollback()
        other.tpc_commit(waiting)
    assert kept(willing) == ["kept"]


def test_psycopg2_prepares_and_changes_its_mind(two_phased: Agroal, willing: Database) -> None:
    with closing(psycopg2.connect(two_phased.dsn())) as client:
        for end in (client.tpc_rollback, client.tpc_commit):
            client.tpc_begin(client.xid(2, end.__name__, "branch"))
            with client.cursor() as cursor:
                cursor.execute("INSERT INTO kept VALUES (%s)", (end.__name__,))
            client.tpc_prepare()
            end()
    assert kept(willing) == ["tpc_commit"]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy_prepares_and_commits(two_phased: Agroal, willing: Database, driver: str) -> None:
    who = willing.scram
    url = URL.create(f"postgresql+{driver}", who.name, who.password, two_phased.host, two_phased.port, willing.name)
    engine = create_engine(url)
    try:
        for n in range(3):
            with engine.connect() as client, client.begin_twophase() as transaction:
                client.execute(text("INSERT INTO kept VALUES (:t)"), {"t": str(n)})
                transaction.prepare()
                transaction.commit()
    finally:
        engine.dispose()
    assert sorted(kept(willing)) == ["0", "1", "2"]
