"""What does not end a daemon."""

from __future__ import annotations

import signal

import psycopg
import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import refusal
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database)


def answers(client: psycopg.Connection[tuple[int]]) -> bool:
    return client.execute("SELECT 6 * 7").fetchone() == (42,)


def test_an_end_that_is_taken_back_does_not_come(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        too_early = pool.cli("cancel-shutdown")
        assert pool.cli("shutdown", "gracefully", "-T", "0").returncode == 0
        assert refusal(pool, database.scram, database.name).sqlstate == "57P03"

        assert pool.cli("shutdown", "cancel").returncode == 0

        assert pool.snapshot().status == "running"
        assert answers(client)
    with pool.connect() as client:
        assert answers(client)
    assert too_early.returncode == 1
    assert "no shutdown is under way" in too_early.stderr


def test_agroal_cli_tells_a_wrong_command_from_a_refusal(pool: Agroal) -> None:
    assert [pool.cli(*words).returncode for words in (["shutdwon"], ["ping", "-T", "1s"])] == [2, 2]
    assert pool.cli("shutdown", "cancel").returncode == 1
    assert pool.cli("is-alive").returncode == 0


def test_a_hangup_of_the_terminal_is_no_end(pool: Agroal) -> None:
    with pool.connect() as client:
        pool.signal(signal.SIGHUP)
        wait_until(lambda: "nothing to apply" in pool.log, "it is taken note of: the files have been read")
        assert answers(client)
    with pool.connect() as client:
        assert answers(client)
