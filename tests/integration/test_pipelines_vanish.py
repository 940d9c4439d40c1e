"""In every pipeline: a client that vanishes in the middle of something leaves the next one a clean server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.by_hand import TRUSTING, Guest
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.pipelines import PIPELINES
from tests.integration.postgres import Database
from tests.integration.test_clients_that_vanish import (
    NO_TRACES,
    TRACES,
    WAYS_TO_GO,
    behind_execute_before_sync,
    behind_parse_before_sync,
    behind_sync_before_its_results,
    idle_and_with_a_session_full_of_things,
    in_a_transaction,
    in_the_middle_of_a_copy_in,
    in_the_middle_of_a_copy_out,
    in_the_middle_of_a_query_message,
    in_the_middle_of_a_result,
)

Situation = Callable[[Guest, Database], None]


def idle(client: Guest, database: Database) -> None:
    client.query("SELECT 1")


def in_a_transaction_with_a_session_full_of_things(client: Guest, database: Database) -> None:
    idle_and_with_a_session_full_of_things(client, database)
    in_a_transaction(client, database)


SITUATIONS = [
    idle,
    idle_and_with_a_session_full_of_things,
    in_a_transaction,
    in_a_transaction_with_a_session_full_of_things,
    in_the_middle_of_a_result,
    in_the_middle_of_a_copy_in,
    in_the_middle_of_a_copy_out,
    in_the_middle_of_a_query_message,
    behind_parse_before_sync,
    behind_execute_before_sync,
    behind_sync_before_its_results,
]


PATIENT = [in_the_middle_of_a_copy_in, behind_sync_before_its_results]
"""After a goodbye in one of these the server gets a while to finish."""
VANISHING = [
    (there, go) for there in SITUATIONS for go in WAYS_TO_GO if there not in PATIENT or go is not Guest.terminate
]


@pytest.fixture(scope="module", params=PIPELINES)
def pool(module_agroal: Launch, database: Database, request: pytest.FixtureRequest) -> Agroal:
    """A pool of one server."""
    pipeline = request.param
    return module_agroal(database, max_connections=1, blocking_timeout=5, hba=TRUSTING, pipeline=pipeline)


@pytest.fixture(scope="module", autouse=True)
def marks(database: Database) -> None:
    """The table in which nobody leaves a row."""
    database.query("CREATE TABLE marks (n int); GRANT ALL ON marks TO PUBLIC")


@pytest.mark.parametrize(("situation", "go"), VANISHING, ids=lambda function: function.__name__)
def test_the_next_client_finds_a_clean_server(
    pool: Agroal, database: Database, situation: Situation, go: Callable[[Guest], None]
) -> None:
    """D01, D02"""
    client = Guest(pool, database.scram).enter()
    situation(client, database)
    go(client)

    with pool.connect() as following:
        assert following.execute(TRACES).fetchone() == NO_TRACES
        with following.transaction():
            following.execute("LOCK TABLE marks IN ACCESS EXCLUSIVE MODE NOWAIT")
