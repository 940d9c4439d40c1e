"""A stage for scripts: a database that is the same at the beginning of each play, and a pool of each kind before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.integration.by_hand import TRUSTING
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.differential.meddling import Meddlers
from tests.integration.differential.play import play
from tests.integration.differential.ways import Way
from tests.integration.differential.words import Script
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import LET_IN, Database, Login

SCENERY = """
CREATE TABLE items (n int PRIMARY KEY, t text);
CREATE TABLE changing (v int);
INSERT INTO changing VALUES (7);
GRANT ALL ON items TO PUBLIC;
ALTER TABLE changing OWNER TO {owner}
"""
RESTORE = """
DROP TABLE IF EXISTS made;
DELETE FROM items;
INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 5) AS n
"""
"""Tables stay the same, for their numbers are in answers. What else a script makes, it takes away itself."""

MOST = {"transaction": 2}
"""Servers of a pool: one for the client that a script is about, and one to which it can be driven."""


class Stage:
    """Plays scripts, each from the same beginning."""

    def __init__(
        self, database: Database, login: Login, restore: Callable[[], object], pools: Mapping[str, Agroal]
    ) -> None:
        self.postgres = database.postgres
        self.who = ("user", login.name, "database", database.name)
        self.pools = pools
        self._login = login
        self._restore = restore

    def original(self, script: Script, *parameters: str) -> list[str]:
        """What PostgreSQL answers."""
        self._restore()
        return play(script, self.postgres, (*self.who, *parameters))

    def play(self, script: Script, way: Way, *parameters: str) -> list[str]:
        """What a client hears through the pool."""
        self._restore()
        pool, who = self.pools[way.pipeline], (*self.who, *parameters)
        if not way.meddled:
            return play(script, pool, who, cut=way.cut)
        with Meddlers(pool, self._login) as others:
            return play(script, pool, who, cut=way.cut, between=others.meddle)


@pytest.fixture(scope="module")
def speaker(database: Database) -> Login:
    """A role from whom neither PostgreSQL nor agroal asks a password."""
    return database.role("speaker", groups=[LET_IN])


@pytest.fixture(scope="module")
def stage(module_agroal: Launch, database: Database, speaker: Login) -> Iterator[Stage]:
    pools = {
        pipeline: module_agroal(database, hba=TRUSTING, max_connections=MOST.get(pipeline, 10), pipeline=pipeline)
        for pipeline in PIPELINES
    }
    with database.postgres.connect(database=database.name) as worker:
        worker.execute(SCENERY.format(owner=speaker.name))
        yield Stage(database, speaker, lambda: worker.execute(RESTORE), pools)
