"""PostgreSQL restarts under load, in every way in which it can: nobody hangs, nothing is lost, work goes on at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.load import pgbench_running
from tests.integration.observe import connections_watched
from tests.integration.postgres import OwnPostgres
from tests.integration.waiting import wait_until

SERVERS = 4
WITHIN = 1.0
"""Seconds from PostgreSQL's readiness to the first answer, as the longest pause between connects is."""
GENEROUS = 3.0
"""What a busy machine may add to that."""


def power_cut(pg: OwnPostgres) -> None:
    pg.kill()
    pg.start()


WAYS: dict[str, Callable[[OwnPostgres], None]] = {
    "fast": OwnPostgres.restart,
    "immediate": lambda pg: pg.restart("immediate"),
    "crash of its children": OwnPostgres.crash,
    "power cut": power_cut,
}


@pytest.fixture
def pool(agroal: Launch, pg: OwnPostgres) -> Agroal:
    limits = f"{pg.database.name} {pg.database.scram.name} {SERVERS} 2 2\n"
    return agroal(pg.database, limits=limits, max_connections=SERVERS + 1)


def answers(pool: Agroal) -> bool:
    try:
        with pool.connect(connect_timeout=5) as client:
            return client.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def seconds_until_it_answers(pool: Agroal) -> float:
    began = time.monotonic()
    wait_until(lambda: answers(pool), "the first query after the restart is answered")
    return time.monotonic() - began


def serves_as_many_as_ever(pool: Agroal) -> bool:
    """Whether each slot can be leased, all at the same time."""
    with ExitStack() as clients:
        for _ in range(SERVERS):
            client = clients.enter_context(pool.connect())
            assert client.execute("SELECT 1").fetchone() == (1,)
        return sum(known.active for known in pool.snapshot().pools) == SERVERS


@pytest.mark.timeout(120)
def test_restarts_under_load_hang_nobody_and_lose_no_slot(pool: Agroal, pg: OwnPostgres) -> None:
    with pgbench_running(pool, "-c", "2", "-j", "2", "-t", "40", "-R", "100", "-C") as loads:
        for name, restart in [*WAYS.items(), ("fast, once more", OwnPostgres.restart)]:
            before = [load.done for load in loads]
            restart(pg)
            took = seconds_until_it_answers(pool)
            print(f"after a restart ({name}) the first answer came {took:.2f} s after PostgreSQL was ready")
            assert took < WITHIN + GENEROUS, name
            wait_until(
                lambda before=before: all(load.done > done for load, done in zip(loads, before, strict=True)),
                f"pgbench works again after a restart ({name})",
            )

    assert [load.hung for load in loads] == [0, 0]
    assert sum(load.failed for load in loads) > 0, "the restarts were not felt at all"
    wait_until(lambda: not pool.snapshot().clients, "all clients are gone")
    assert serves_as_many_as_ever(pool)
    assert pool.snapshot().counters.timeouts == 0


def test_what_was_kept_open_is_opened_again_by_itself(pool: Agroal, pg: OwnPostgres) -> None:
    login = pg.database.scram
    wait_until(lambda: len(pg.database.activity(login)) == 2, "initial_size is there")
    with pg.stopped():
        wait_until(lambda: not pool.snapshot().servers[0].connections, "the loss has been noticed")

    began = time.monotonic()
    with connections_watched(pg.database) as sight:
        wait_until(lambda: len(pg.database.activity(login)) == 2, "min_size is there again, and no client asked for it")
    assert time.monotonic() - began < 10
    assert sight.total <= 2


def test_administrators_hear_once_that_it_went_and_once_that_it_came(pool: Agroal, pg: OwnPostgres) -> None:
    def kinds() -> list[str]:
        return [event["kind"] for event in pool.manage("events")["events"]]

    assert answers(pool)
    with pg.stopped():
        for _ in range(3):
            assert not answers(pool)
        assert pool.snapshot().servers[0].state == "down"
        assert pool.command("ping").returncode == 1
    wait_until(lambda: answers(pool), "it answers again")

    wait_until(lambda: kinds().count("server-up") == 1, "they hear that it came")
    assert kinds().count("server-down") == 1
    assert pool.command("ping").returncode == 0
    assert pool.snapshot().servers[0].state == "up"
