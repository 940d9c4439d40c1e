"""agroal-cli on a running pool: what flush, disable, enable and kill do to connections, in both vocabularies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import refusal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, Login, Postgres
from tests.integration.waiting import wait_until

ALIAS = "by_another_name"
MARKED = {"closed": 2, "marked": 1, "killed": 0, "abandoned": 0}
KILLED = {"closed": 2, "marked": 0, "killed": 1, "abandoned": 0}
IDLE = {"closed": 2, "marked": 0, "killed": 0, "abandoned": 0}


@pytest.fixture(scope="module")
def other(postgres: Postgres) -> Iterator[Database]:
    """Another database, which the same roles may enter."""
    with postgres.new_database("other") as database:
        yield database


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, other: Database) -> Agroal:
    limits = f"{database.name}={ALIAS} all 10\n{other.name} all 10\n"
    return module_agroal(database, limits=limits)


@pytest.fixture
def client(pool: Agroal, database: Database, other: Database) -> psycopg.Connection[Any]:
    """The one client, beside two free servers of its database and one of the other."""
    pool.come_to_rest()
    pool.manage("flush", "all")
    wait_until(lambda: not pool.snapshot().slots, "it begins without servers")
    clients = [pool.connect() for _ in range(3)]
    pool.connect(database=other.name).close()
    for leaving in clients[1:]:
        leaving.close()
    wait_until(lambda: states(pool).count("free") == 3, "their servers are free")
    return clients[0]


def states(pool: Agroal) -> list[str]:
    return sorted(slot.state for slot in pool.snapshot().slots)


def numbers(answer: dict[str, Any]) -> dict[str, int]:
    return {name: answer[name] for name in MARKED}


def dry(pool: Agroal, *verb: str) -> dict[str, Any]:
    """What agroal-cli says that this would do."""
    result = pool.command("-F", "json", "-n", *verb)
    answer: dict[str, Any] = json.loads(result.stdout)
    assert (result.returncode, answer["dry_run"]) == (0, True)
    return dict(answer["result"])


# Flush


@pytest.mark.parametrize(
    ("words", "effect", "left"),
    [
        pytest.param("flush idle", IDLE, ["free", "in-use"], id="flush idle"),
        pytest.param("flush-idle", IDLE, ["free", "in-use"], id="flush-idle"),
        pytest.param("flush gracefully", MARKED, ["free", "gracefully"], id="flush gracefully"),
        pytest.param("flush", MARKED, ["free", "gracefully"], id="flush"),
        pytest.param("flush-gracefully", MARKED, ["free", "gracefully"], id="flush-gracefully"),
        pytest.param("flush all", KILLED, ["free"], id="flush all"),
        pytest.param("flush-all", KILLED, ["free"], id="flush-all"),
    ],
)
def test_a_flush_of_one_database_does_what_its_dry_run_said(
    pool: Agroal,
    database: Database,
    client: psycopg.Connection[Any],
    words: str,
    effect: dict[str, int],
    left: list[str],
) -> None:
    before = states(pool)
    promised = dry(pool, *words.split(), database.name)
    assert states(pool) == before, "a dry run changes nothing"

    done = pool.manage(*words.split(), ALIAS)

    assert numbers(done) == numbers(promised) == effect
    wait_until(lambda: states(pool) == left, "that is what is left")
    if effect["killed"]:
        with pytest.raises(errors.AdminShutdown):
            client.execute("SELECT 1")
    else:
        assert client.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("every", [["flush", "idle"], ["flush", "idle", "all"], ["flush", "idle", "*"], ["flush-idle"]])
def test_a_flush_of_no_database_is_one_of_all(pool: Agroal, client: psycopg.Connection[Any], every: list[str]) -> None:
    answer = pool.manage(*every)
    assert (answer["database"], answer["closed"]) == (None, 3)
    wait_until(lambda: states(pool) == ["in-use"], "only the one in use is left")


def test_a_marked_server_is_closed_when_it_comes_back(pool: Agroal, client: psycopg.Connection[Any]) -> None:
    pid = backend_pid(client)
    pool.manage("flush", "gracefully", "-T", "0")
    assert backend_pid(client) == pid
    client.close()
    wait_until(lambda: not pool.snapshot().slots, "it is closed")


def test_a_graceful_flush_that_takes_too_long_is_forced(pool: Agroal, client: psycopg.Connection[Any]) -> None:
    assert pool.manage("flush", "gracefully", "-T", "300ms")["timeout_us"] == 300_000
    wait_until(lambda: not pool.snapshot().slots, "the marked one is closed, too")
    with pytest.raises(errors.AdminShutdown):
        client.execute("SELECT 1")


def test_a_new_client_is_served_while_a_flush_waits(pool: Agroal, client: psycopg.Connection[Any]) -> None:
    pid = backend_pid(client)
    pool.manage("flush", "gracefully", "-T", "0")
    with pool.connect() as newcomer:
        assert backend_pid(newcomer) != pid
        wait_until(lambda: states(pool) == ["gracefully", "in-use"], "the idle ones are gone")


def test_a_flush_of_what_nobody_knows_is_a_mistake(pool: Agroal) -> None:
    result = pool.command("flush", "idle", "shpo")
    assert (result.returncode, result.stdout) == (1, "")
    assert "'shpo'" in result.stderr


def test_people_read_what_a_flush_did(pool: Agroal, database: Database, client: psycopg.Connection[Any]) -> None:
    would = pool.command("-n", "flush", "gracefully", database.name, "-T", "1m").stdout
    assert would == (
        f"{database.name}: 2 idle connections would be closed; "
        "1 leased connection would be closed on return, in 1m00s at the latest\n"
    )
    did = pool.command("flush", "all", database.name).stdout
    assert did == f"{database.name}: 2 idle connections are closed; 1 leased connection is closed while in use\n"
    wait_until(lambda: states(pool) == ["free"], "they are closed")
    assert pool.command("flush", "all", database.name).stdout == f"{database.name}: there is no connection to close\n"


# Disable and enable


@pytest.fixture
def disabled(pool: Agroal, database: Database) -> Iterator[str]:
    pool.manage("disable", ALIAS)
    yield database.name
    pool.manage("enable")


def turned_away(pool: Agroal, login: Login, database: str, host: str | None = None) -> None:
    told = refusal(pool, login, database, host)
    assert (told.severity, told.sqlstate) == ("FATAL", "55000")
    assert told.message == f'database "{database}" is not currently accepting connections'
    assert "disabled it in agroal" in told.hint


def test_new_clients_of_a_disabled_database_are_told_so_by_any_name_on_any_socket(
    pool: Agroal, database: Database, disabled: str
) -> None:
    for host in (pool.host, str(pool.folder)):
        for name in (disabled, ALIAS):
            turned_away(pool, database.scram, name, host)


def test_existing_clients_and_other_databases_go_on(
    pool: Agroal, database: Database, other: Database, client: psycopg.Connection[Any]
) -> None:
    promised = dry(pool, "disable", database.name)
    done = pool.manage("disable", database.name)
    try:
        assert (
            done
            == promised
            == {"database": database.name, "enabled": False, "databases": [database.name], "clients": 1}
        )
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)
        with pool.connect(database=other.name) as elsewhere:
            assert elsewhere.execute("SELECT 6 * 7").fetchone() == (42,)
        assert [(one.name, one.enabled) for one in pool.snapshot().databases] == [(database.name, False)]
        assert f"disabled     {database.name}\n" in pool.command("status").stdout
    finally:
        assert pool.manage("enable", database.name)["databases"] == [database.name]
    with pool.connect() as newcomer:
        assert newcomer.execute("SELECT 6 * 7").fetchone() == (42,)


def test_all_databases_can_be_disabled_but_one(pool: Agroal, database: Database, other: Database) -> None:
    pool.manage("disable")
    try:
        turned_away(pool, database.scram, other.name)
        pool.manage("enable", ALIAS)
        pool.connect().close()
        turned_away(pool, database.scram, other.name)
        assert f"all, but not {database.name}" in pool.command("status").stdout
    finally:
        pool.manage("enable", "all")
    pool.connect(database=other.name).close()


# Kill


@pytest.mark.parametrize("words", [["kill"], ["kill", "client"]])
def test_a_client_that_is_killed_is_told_so_and_no_other(
    pool: Agroal, database: Database, client: psycopg.Connection[Any], words: list[str]
) -> None:
    victim = pool.connect(application_name="victim")
    [number] = [one.id for one in pool.snapshot().clients if one.application_name == "victim"]
    promised = dry(pool, *words, str(number))
    assert victim.execute("SELECT 1").fetchone() == (1,)

    done = pool.manage(*words, str(number))

    assert done == promised
    assert (done["client"], done["user"], done["state"]) == (number, database.scram.name, "active")
    with pytest.raises(errors.AdminShutdown, match="terminating connection due to administrator command"):
        victim.execute("SELECT 1")
    assert client.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: len(pool.snapshot().clients) == 1, "it is gone")
    again = pool.command(*words, str(number))
    assert (again.returncode, f"there is no client {number}" in again.stderr) == (1, True)
