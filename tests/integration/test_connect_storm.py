"""Many more clients than servers, all at once, some of whom run away: PostgreSQL never sees more than it should."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import pytest

from tests.integration.by_hand import TRUSTING, Guest, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import connections_watched
from tests.integration.postgres import Database, Login

MOST, LIMIT = 5, 2


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    """A pool of five connections, of which one user may have two."""
    limits = f"all {database.md5.name} {LIMIT}\nall all {MOST - LIMIT}"
    return module_agroal(database, max_connections=MOST, limits=limits, blocking_timeout=60, hba=TRUSTING)


@pytest.fixture
def pool_without_limits(agroal: Launch, database: Database) -> Agroal:
    return agroal(database, max_connections=MOST, blocking_timeout=60)


def test_a_hundred_clients_share_five_servers(pool_without_limits: Agroal, database: Database) -> None:
    async def work(login: Login) -> int:
        client = await asyncpg.connect(pool_without_limits.dsn(login), timeout=60)
        try:
            return sum([await client.fetchval("SELECT $1::int", n) for n in range(5)])
        finally:
            await client.close()

    async def everybody() -> list[int]:
        return await asyncio.gather(*(work(login) for login in (database.scram, database.md5) * 50))

    with connections_watched(database) as sight:
        assert asyncio.run(everybody()) == [10] * 100
    assert 1 < sight.total <= MOST
    assert pool_without_limits.snapshot().counters.timeouts == 0


def test_limits_hold_while_clients_storm_in_and_run_away(pool: Agroal, database: Database) -> None:
    fate = random.Random(20)
    served = 0
    with connections_watched(database) as sight:
        for _ in range(8):
            crowd = [Guest(pool, fate.choice([database.scram, database.md5])) for _ in range(40)]
            patient = [client for client in crowd if not runs_away(client, fate.random())]
            for client in patient:
                client.enter()
                assert client.query("SELECT 1") == ["1"]
                served += 1
                leave(client, fate.random())
    assert served > 100
    assert sight.total <= MOST
    assert sight.by_user[database.md5.name] <= LIMIT
    assert sight.by_user[database.scram.name] <= MOST - LIMIT


def runs_away(client: Guest, chance: float) -> bool:
    """Some go before they have been served, with or without a word, some when they have just sent a query."""
    if chance < 0.2:
        client.hang_up()
    elif chance < 0.4:
        client.break_off()
    elif chance < 0.5:
        client.say(query("SELECT pg_sleep(3600)"))
        client.break_off()
    return chance < 0.5


def leave(client: Guest, chance: float) -> None:
    """Most say goodbye, some leave in the middle of a query."""
    if chance < 0.8:
        client.terminate()
        return
    client.say(query("SELECT pg_sleep(3600)"))
    client.break_off() if chance < 0.9 else client.hang_up()
