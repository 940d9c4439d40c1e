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
    with postgres.new_database("other") as database:
        yield database


@pytest.fixture(scope="module")
def limited(module_agroal: Launch, database: Database, other: Database) -> Agroal:
    """A pool with a limit of each kind, the closest match last, where nobody waits for anybody else's connection."""
    limits = [
        "all all 4",
        f"{database.name}={ALIAS} all 3",
        f"all {database.md5.name} 2",
        f"{database.name} {database.role('exact').name} 1",
    ]
    users = {login.name: login.password for login in (*database.logins, *other.logins)}
    return module_agroal(
        database, limits="\n".join(limits), users=users, max_connections=10, blocking_timeout=0, hba=TRUSTING
    )


@pytest.fixture(scope="module")
def single(module_agroal: Launch, database: Database, limited: Agroal) -> Agroal:
    """A pool of one connection, for which one may wait long. It knows all roles."""
    return module_agroal(database, max_connections=1, hba=TRUSTING)


@pytest.fixture
def clients(limited: Agroal, single: Agroal) -> Iterator[ExitStack]:
    """Whoever is entered here goes home at the end, and the pools are quiet then."""
    with ExitStack() as clients:
        yield clients
    for pool in (limited, single):
        wait_until_quiet(pool)


def wait_until_quiet(pool: Agroal) -> None:
    def is_quiet() -> bool:
        now = pool.snapshot()
        return not now.clients and all(slot.state == "free" for slot in now.slots)

    wait_until(is_quiet, "all clients are gone, and their servers are free")


def refusal(pool: Agroal, login: Login, **parameters: str) -> dict[str, str]:
    """The fields of the error that this client gets."""
    with pytest.raises(Refused) as caught, Guest(pool, login, **parameters) as client:
        client.enter()
    return caught.value.fields


# Limits


@pytest.mark.parametrize(
    ("line", "role", "where"),
    [
        pytest.param(4, "exact", "database", id="database and user"),
        pytest.param(3, "md5", "database", id="a user goes before a database"),
        pytest.param(2, "scram", "database", id="database"),
        pytest.param(1, "scram", "other", id="all"),
    ],
)
def test_the_closest_match_is_the_limit(
    limited: Agroal, request: pytest.FixtureRequest, clients: ExitStack, line: int, role: str, where: str
) -> None:
    place: Database = request.getfixturevalue(where)
    [login] = [login for login in place.logins if login.name.endswith(f"_{role}")]
    size = 5 - line
    for _ in range(size):
        clients.enter_context(Guest(limited, login, database=place.name)).enter()

    error = refusal(limited, login, database=place.name)

    assert (error["S"], error["C"]) == ("FATAL", "53300")
    assert f"agroal_databases.conf:{line}) is reached: {size} of {size} connections" in error["D"]
    assert "max_size" in error["H"]
    assert len(place.activity(login)) == size


def test_an_alias_is_the_same_database_under_the_same_limit(
    limited: Agroal, database: Database, clients: ExitStack
) -> None:
    by_alias = [clients.enter_context(Guest(limited, database.scram, database=ALIAS)).enter() for _ in range(2)]
    clients.enter_context(Guest(limited, database.scram)).enter()

    assert by_alias[0].query("SELECT current_database()") == [database.name]
    assert "3 of 3 connections" in refusal(limited, database.scram)["D"]
    assert "3 of 3 connections" in refusal(limited, database.scram, database=ALIAS)["D"]


def test_a_limit_counts_all_the_users_whom_it_is_for(limited: Agroal, database: Database, clients: ExitStack) -> None:
    one, two = database.scram, database.role("unknown_to_the_vault", groups=["let_in"])
    for login in (one, two, one):
        clients.enter_context(Guest(limited, login)).enter()
    assert "3 of 3 connections" in refusal(limited, two)["D"]


def test_who_waits_in_vain_is_told_for_what_and_how_long(
    agroal: Launch, database: Database, clients: ExitStack
) -> None:
    pool = agroal(database, max_connections=1, blocking_timeout="300ms", hba=TRUSTING)
    holder = clients.enter_context(Guest(pool, database.scram)).enter()

    error = refusal(pool, database.md5)

    assert (error["C"], database.md5.name in error["M"], database.name in error["M"]) == ("53300", True, True)
    assert error["D"] == "max_connections is reached: 1 of 1 connections. This client waited 0.3 s."
    assert "Raise max_connections" in error["H"]
    holder.terminate()
    clients.enter_context(Guest(pool, database.scram)).enter()  # the one who gave up took nothing along


# The queue


def test_who_came_first_is_served_first(single: Agroal, database: Database, clients: ExitStack) -> None:
    holder = clients.enter_context(Guest(single, database.scram)).enter()
    waiting = [clients.enter_context(Guest(single, database.scram)).queue() for _ in range(10)]
    holder.terminate()
    for left, client in zip(reversed(range(10)), waiting, strict=True):
        client.enter()
        assert len(single.snapshot().waiters) == left
        client.terminate()


def test_who_gives_up_waiting_costs_nobody_a_turn(single: Agroal, database: Database, clients: ExitStack) -> None:
    holder = clients.enter_context(Guest(single, database.scram)).enter()
    waiting = [clients.enter_context(Guest(single, database.scram)).queue() for _ in range(9)]
    for client in waiting[::3]:
        client.hang_up()
    for client in waiting[1::3]:
        client.break_off()
    wait_until(lambda: len(single.snapshot().waiters) == 3, "only the patient are left")
    holder.terminate()
    for client in waiting[2::3]:
        client.enter().terminate()


def test_an_idle_connection_of_another_pool_makes_room(single: Agroal, database: Database, clients: ExitStack) -> None:
    closed: list[str] = []
    for login in (database.scram, database.md5, database.scram):
        client = clients.enter_context(Guest(single, login)).enter()
        connected = [str(one.pid) for one in database.activity()]
        assert not set(closed).intersection(connected)
        closed += client.query("SELECT pg_backend_pid()")
        client.terminate()
        wait_until_quiet(single)
    assert len(set(closed)) == 3


# Servers


def test_the_server_that_came_back_last_is_the_next_to_go(
    limited: Agroal, database: Database, clients: ExitStack
) -> None:
    leaving = [clients.enter_context(Guest(limited, database.scram)).enter() for _ in range(3)]
    pids = [client.query("SELECT pg_backend_pid()") for client in leaving]
    for client, [pid] in zip(leaving, pids, strict=True):
        client.terminate()
        wait_until(lambda pid=pid: pid in free_servers(limited), "its server has come back")

    coming = [clients.enter_context(Guest(limited, database.scram)).enter() for _ in range(3)]
    assert [client.query("SELECT pg_backend_pid()") for client in coming] == pids[::-1]


def free_servers(pool: Agroal) -> list[str]:
    return [str(slot.server_pid) for slot in pool.snapshot().slots if slot.state == "free"]


def test_a_server_that_nobody_needs_is_closed_after_idle_timeout(agroal: Launch, database: Database) -> None:
    login = database.role("idle")
    pool = agroal(database, idle_timeout="300ms")
    with pool.connect(login), pool.connect(login):
        assert len(database.activity(login)) == 2
    wait_until(lambda: not database.activity(login), "both servers are closed")
    wait_until(lambda: not pool.snapshot().slots, "their slots are empty")


def test_a_server_is_closed_when_it_is_old_but_never_under_its_client(agroal: Launch, database: Database) -> None:
    login = database.role("old")
    pool = agroal(database, max_connection_age="300ms")
    with pool.connect(login) as client:
        pid = backend_pid(client)
        age = "SELECT clock_timestamp() - backend_start > '400 ms' FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: database.query(age, pid) == [(True,)], "the server is old")
        assert backend_pid(client) == pid
    wait_until(lambda: not database.activity(login), "the old server is closed")
    with pool.connect(login) as client:
        assert backend_pid(client) != pid
