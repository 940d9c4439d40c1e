"""Two hundred clients of all kinds on five servers, disturbed in every way: nobody ever hears what is not its own.

By hand, and for longer: make torture ARGS="--minutes 60 --seed 1".
"""

from __future__ import annotations

import secrets
from functools import partial

import pytest

from tests.integration.by_hand import TRUSTING
from tests.integration.conftest import Launch
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import Database
from tests.integration.torture import troubles
from tests.integration.torture.client import Crossed
from tests.integration.torture.judgement import furnish, tortured
from tests.integration.torture.traitor import Bug, betrayed
from tests.integration.torture.world import SERVERS, World

SECONDS = 12


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_answer_ever_reaches_another_client(agroal: Launch, database: Database, pipeline: str) -> None:
    tortured(agroal, database, pipeline, seed=secrets.randbelow(1 << 32), seconds=SECONDS)


@pytest.mark.parametrize("bug", Bug)
def test_a_bug_would_be_found(agroal: Launch, database: Database, bug: Bug) -> None:
    furnish(database)
    pool = agroal(database, hba=TRUSTING, max_connections=SERVERS)
    world = World(pool, database.scram, 1, pool.port, clients=20)
    with pytest.raises(Crossed):
        world.run(SECONDS, troubles.cancels, behind=partial(betrayed, bug=bug))
