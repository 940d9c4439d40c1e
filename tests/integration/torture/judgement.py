"""One torture from beginning to end, and what has to be true after it."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.by_hand import TRUSTING
from tests.integration.daemon import Agroal
from tests.integration.observe import connections_watched
from tests.integration.postgres import Database
from tests.integration.torture import troubles
from tests.integration.torture.world import COMMON, RARE, SERVERS, TABLES, Account, World

_PATIENCE = 120
"""Seconds that a client waits for its turn: nobody is refused."""


def furnish(database: Database) -> None:
    """The tables that clients work with, empty."""
    database.query("DROP TABLE IF EXISTS accounts, copied")
    for statement in TABLES:
        database.query(statement)


def tortured(launch: Callable[..., Agroal], database: Database, pipeline: str, *, seed: int, seconds: float) -> Account:
    """Torture a new pool. Raises AssertionError when it has not stood the test, with the seed."""
    furnish(database)
    pool = launch(
        database, hba=TRUSTING, pipeline=pipeline, max_connections=SERVERS, blocking_timeout=_PATIENCE, log_level="info"
    )
    world = World(pool, database.scram, seed, pool.port)
    with connections_watched(database) as sight:
        world.run(seconds, *troubles.ALL)
        pool.come_to_rest()
    try:
        _judge(world.account)
        assert sight.total <= SERVERS, f"there were {sight.total} servers at once, of {SERVERS} that there may be"
        assert "internal error" not in pool.log
        assert pool.is_running
    except AssertionError as error:
        error.add_note(f"seed {seed}\n{world.account}")
        raise
    return world.account


def _judge(account: Account) -> None:
    never = {deed.__name__ for deed in COMMON + RARE} - set(account.deeds)
    assert not never, f"these were never done: {never}"
    deaths, kills = account.deaths.total(), account.troubles["kill"]
    assert deaths <= kills, f"{deaths} clients lost their server, where {kills} servers were killed"
