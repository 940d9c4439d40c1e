"""What PostgreSQL says about its connections while a test goes on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.integration.postgres import Database


def backend_pid(client: psycopg.Connection[Any]) -> int:
    """Of the server that serves this client."""
    [pid] = client.execute("SELECT pg_backend_pid()").fetchone() or [0]
    return int(pid)


@dataclass
class Sight:
    """The highest numbers of connections that were seen at one time."""

    samples: int = 0
    total: int = 0
    by_user: Counter[str] = field(default_factory=Counter)

    def add(self, counts: dict[str, int]) -> None:
        self.samples += 1
        self.total = max(self.total, sum(counts.values()))
        self.by_user |= Counter(counts)


@contextmanager
def connections_watched(database: Database) -> Iterator[Sight]:
    """Count the connections of the database's roles all the time, in a thread, until the end of the block."""
    count = (
        "SELECT usename, count(*) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = ANY(%s) AND backend_type = 'client backend' GROUP BY usename"
    )
    roles = [login.name for login in database.logins]
    sight, done = Sight(), threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            sight.add(dict(connection.execute(count, (database.name, roles)).fetchall()))

    with database.postgres.connect() as connection:
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield sight
        finally:
            done.set()
            watcher.join()
    assert sight.samples, "nothing was counted: the block was too short"
