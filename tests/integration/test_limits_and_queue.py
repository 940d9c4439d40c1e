"""Who gets a server, who waits for one and how long, and which one it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, Login, Postgres
from tests.integration.waiting import wait_until

ALIAS = "by_another_name"


@pytest.fixture(scope="module")
def other(postgres: Postgres) -> Iterator[Database]:
    """Another database."""
    with postgres.database("other") as database:
        yield database


@pytest.fixture(scope="module")
def limited(module_agroal: Launch, database: Database, other: Database) -> Agroal:
    """A pool with a limit of each kind, the best match last, where nobody waits for anybody else's connection."""
    limits = f"""\
    all           all                 4
    {database.name}={ALIAS} all                 3
    all           {database.md5.name} 2
    {database.name} {database.role("exact").name} 1
    """
    users = {login.name: login.password for login in (*database.logins, *other.logins)}
    return module_agroal(
        database, limits=limits, users=users, max_connections=10, blocking_timeout=0, hba=TRUSTING
    )


@pytest.fixture(scope="module")
def single(module_agroal: Launch, database: Database) -> Agroal:
    """One connection, for which one may wait long."""
    return module_agroal(database, max_connections=1, hba=TRUSTING)


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """Whoever is entered here goes home at the end."""
    with ExitStack() as clients:
        yield clients


@pytest.fixture(autouse=True)
def everybody_is_home(limited: Agroal, single: Agroal) -> Iterator[None]:
    yield
    for pool in (limited, single):
        wait_until(lambda pool=pool: not pool.snapshot().clients and is_quiet(pool), "all clients are gone")


def is_quiet(pool: Agroal) -> bool:
    return all(slot.state == "free" for slot in pool.snapshot().slots)


def refusal(pool: Agroal, login: Login, **parameters: str) -> dict[str, str]:
    """The fields of the error that this client gets."""
    with pytest.raises(Refused) as caught, Guest(pool, login, **parameters) as client:
        client.enter()
    return caught.value.fields


# Limits


@pytest.mark.parametrize(
    ("line", "size", "user", "where"),
    [(4, 1, "exact", "here"), (3, 2, "md5", "here"), (2, 3, "scram", "here"), (2, 3, "scram", ALIAS), (1, 4, "scram", "other")],
    ids=["database and user", "user goes before database", "database", "alias", "all"],
)
def test_the_best_match_is_the_limit(
    limited: Agroal, database: Database, other: Database, clients: ExitStack, line: int, size: int, user: str, where: str
) -> None:
    here = other if where == "other" else database
    login = next(login for login in here.logins if login.name.endswith(f"_{user}"))
    name = ALIAS if where == ALIAS else here.name
    for _ in range(size):
        clients.enter_context(Guest(limited, login, database=name)).enter()

    error = refusal(limited, login, database=name)

    assert (error["S"], error["C"]) == ("FATAL", "53300")
    assert f"agroal_databases.conf:{line}) is reached: {size} of {size} connections" in error["D"]
    assert "max_size" in error["H"]
    assert len(here.activity(login)) == size
