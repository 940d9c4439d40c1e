"""How long things take: `log_min_duration`, and the times of each pool."""

from __future__ import annotations

import json
import re

import psycopg
import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

SECRET = "for nobody to see"
SLEEP = f"SELECT pg_sleep(0.05), '{SECRET}'"
SHOWN = "select pg_sleep(?), ?"


@pytest.fixture(params=["session", "transaction"])
def pipeline(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pool(agroal: Launch, database: Database, pipeline: str) -> Agroal:
    return agroal(database, pipeline=pipeline, log_format="json", log_min_duration="30ms")


def slow(pool: Agroal) -> list[dict[str, object]]:
    lines = (json.loads(line) for line in pool.log.splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("event") == "slow-statement"]


def test_a_slow_statement_is_in_the_log_without_its_values(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        client.execute("SELECT 1")
        client.execute(SLEEP)
    [line] = wait_until(lambda: slow(pool), "it is in the log")
    assert (line["user"], line["database"], line["statement"]) == (database.scram.name, database.name, SHOWN)
    assert 0.05 <= float(str(line["seconds"])) < 10
    assert re.fullmatch(r"[0-9a-f]{16}", str(line["fingerprint"]))
    assert SECRET not in pool.log


def test_one_that_was_prepared_is_known_by_its_text_where_agroal_has_it(pool: Agroal, pipeline: str) -> None:
    with pool.connect() as client:
        client.prepare_threshold = 0
        for _ in range(2):
            client.execute("SELECT pg_sleep(%s)", (0.05,), prepare=True)
    lines = wait_until(lambda: (found := slow(pool)) and len(found) == 2 and found, "both are in the log")
    shown = "select pg_sleep(?)" if pipeline == "transaction" else "execute _pg3_0"
    assert [line["statement"] for line in lines] == [shown, shown]


def test_a_reload_changes_it_for_those_who_are_there(pool: Agroal) -> None:
    with pool.connect() as client:
        pool.manage("conf", "set", "log_min_duration", "1h")
        client.execute(SLEEP)
        pool.manage("conf", "set", "log_min_duration", "30ms")
        client.execute("SELECT pg_sleep(0.06)")
    lines = wait_until(lambda: slow(pool), "the second is in the log")
    assert [line["statement"] for line in lines] == ["select pg_sleep(?)"]


def test_the_times_of_queries_and_transactions_are_those_of_their_pool(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        with client.transaction():
            client.execute("SELECT 1")
            client.execute("SELECT pg_sleep(0.05)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            client.execute("SELECT 1/0")
        [row] = [row for row in pool.snapshot().pools if row.user == database.scram.name]
        assert sum(row.query_hist) == 5  # BEGIN and COMMIT are two
        assert sum(row.transaction_hist) == 2
        assert 50_000 <= row.query_us <= row.transaction_us
