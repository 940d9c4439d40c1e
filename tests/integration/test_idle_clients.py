"""disconnect_client: who does nothing for too long loses its connection, and leaves a clean server behind."""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg import errors

from tests.integration.by_hand import TRUSTING, Guest, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

TOLD = "terminating connection due to idle-session timeout"
WORK = "SELECT count(*), pg_sleep(3)"


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, disconnect_client="1s", max_connections=2, hba=TRUSTING)


def test_an_idle_client_is_told_and_the_next_finds_nothing_of_it(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as idle:
        idle.query("BEGIN")
        idle.query("CREATE TEMP TABLE left_behind ()")
        idle.query("SET work_mem = '7777kB'")
        error = idle.end()
        assert (error["S"], error["C"], error["M"]) == ("FATAL", "57P05", TOLD)
        assert error["D"] == "nothing crossed it for 1s (disconnect_client)"
    wait_until(lambda: not pool.snapshot().clients, "it is gone")
    with Guest(pool, database.scram).enter() as client:
        assert client.query("SELECT to_regclass('left_behind') IS NULL") == ["t"]
        assert client.query("SHOW work_mem") != ["7777kB"]
    wait_until(lambda: all(slot.state == "free" for slot in pool.snapshot().slots), "its server is free")


def test_psycopg_raises_the_error_that_is_meant(agroal: Launch, database: Database) -> None:
    pool = agroal(database, disconnect_client="1s")
    client = pool.connect(host=str(pool.folder))
    wait_until(lambda: not pool.snapshot().clients, "it is gone")
    with pytest.raises(errors.IdleSessionTimeout, match=TOLD):
        client.execute("SELECT 1")


def test_who_says_something_now_and_then_stays(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as idle, Guest(pool, database.scram).enter() as talks:
        [pid] = talks.query("SELECT pg_backend_pid()")
        wait_until(lambda: talks.query("SELECT pg_backend_pid()") == [pid] and one_is_left(pool), "the other is gone")
        assert idle.end()["C"] == "57P05"
        assert talks.query("SELECT pg_backend_pid()") == [pid]


def one_is_left(pool: Agroal) -> bool:
    return len(pool.snapshot().clients) == 1


def test_a_client_whose_server_works_is_not_idle(pool: Agroal) -> None:
    with pool.connect() as client:
        pid = backend_pid(client)
        assert client.execute(WORK).fetchone() == (1, "")
        assert backend_pid(client) == pid


def test_who_waits_in_the_queue_is_not_idle(pool: Agroal, database: Database) -> None:
    with pool.connect() as first, pool.connect() as second, Guest(pool, database.scram).queue() as waiting:
        work = [threading.Thread(target=client.execute, args=(WORK,)) for client in (first, second)]
        for one in work:
            one.start()
        for one in work:
            one.join()
        first.close()
        assert waiting.enter().query("SELECT 6 * 7") == ["42"]


def test_with_force_a_client_whose_server_works_goes_too(agroal: Launch, database: Database) -> None:
    pool = agroal(database, disconnect_client="1s", disconnect_client_force=True, hba=TRUSTING)
    with Guest(pool, database.scram).enter() as client:
        client.say(query("SELECT pg_sleep(600)"))
        error = client.end()
    assert (error["S"], error["C"]) == ("FATAL", "57P05")
    wait_until(lambda: "pg_sleep" not in str(database.activity(database.scram)), "PostgreSQL works for it no more")
    with Guest(pool, database.scram).enter() as client:
        assert client.query("SELECT 6 * 7") == ["42"]


def test_the_time_counts_from_the_next_reload_on(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    with pool.connect() as client:
        pool.manage("conf", "set", "disconnect_client", "1s")
        wait_until(lambda: not pool.snapshot().clients, "it is gone")
        with pytest.raises(psycopg.OperationalError, match="idle-session timeout"):
            client.execute("SELECT 1")
        pool.manage("conf", "set", "disconnect_client", "0")
