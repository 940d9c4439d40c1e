"""PostgreSQL is down, dies, stalls, or does not want us: clients hear why, and the pool comes round by itself."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import OwnPostgres
from tests.integration.raw import fields
from tests.integration.waiting import wait_until

FOR_EVER = "SELECT pg_sleep(3600)"
SHUT_DOWN = "terminating connection due to administrator command"


def refusal(pool: Agroal, **parameters: str) -> dict[str, str]:
    """The fields of the error that a client gets."""
    with pytest.raises(Refused) as caught, Guest(pool, pool.database.scram, **parameters) as client:
        client.enter()
    return caught.value.fields


def works(pool: Agroal) -> bool:
    """Whether a client gets in and an answer; if not, it has been told why."""
    try:
        with Guest(pool, pool.database.scram) as client:
            return client.enter().query("SELECT 1") == ["1"]
    except Refused:
        return False


def test_it_starts_without_a_server_says_what_is_wrong_and_recovers(agroal: Launch, pg: OwnPostgres) -> None:
    with pg.stopped():
        pool = agroal(pg.database, hba=TRUSTING)
        for _ in range(2):
            error = refusal(pool)
            assert (error["S"], error["C"]) == ("FATAL", "08001")
            assert 'could not connect to server "primary"' in error["M"]
            assert "refused" in error["M"]
            assert "Is PostgreSQL running" in error["H"]
    wait_until(lambda: works(pool), "the pool works again")


def test_a_shutdown_is_told_to_its_clients_in_postgresqls_own_words(agroal: Launch, pg: OwnPostgres) -> None:
    pool = agroal(pg.database, hba=TRUSTING)
    idle, busy = (Guest(pool, pg.database.scram).enter() for _ in range(2))
    busy.say(query(FOR_EVER))
    with pg.stopped(), idle, busy:
        for client in (idle, busy):
            error = client.end()
            assert (error["S"], error["C"], error["M"]) == ("FATAL", "57P01", SHUT_DOWN)
    wait_until(lambda: works(pool), "the pool works again")


def test_a_restart_under_load_hurts_each_client_once_and_hangs_none(agroal: Launch, pg: OwnPostgres) -> None:
    pool = agroal(pg.database, max_connections=3)
    restarted = threading.Event()

    def work() -> int:
        """Connect and ask again and again, once more after the restart at least. How often that failed."""
        failures = 0
        while True:
            is_last = restarted.is_set()
            try:
                with pool.connect() as client:
                    for _ in range(20):
                        client.execute("SELECT count(*) FROM pg_class")
            except psycopg.OperationalError:
                failures += 1
                restarted.wait()
            else:
                if is_last:
                    return failures

    with ThreadPoolExecutor(8) as clients:
        loads = [clients.submit(work) for _ in range(8)]
        wait_until(lambda: pool.snapshot().counters.queries > 100, "the load has begun")
        pg.restart()
        restarted.set()
        failures = [load.result(30) for load in loads]
    assert max(failures) == 1


def test_a_power_cut_in_mid_query_is_said_and_survived(agroal: Launch, pg: OwnPostgres) -> None:
    pool = agroal(pg.database, hba=TRUSTING)
    with Guest(pool, pg.database.scram).enter() as client:
        client.say(query(FOR_EVER))
        pg.kill()
        error = client.end()
        assert (error["S"], error["C"]) == ("FATAL", "08006")
        assert "server closed the connection unexpectedly" in error["M"]
    pg.start()
    wait_until(lambda: works(pool), "the pool works again")


def test_a_crash_of_another_process_is_told_in_postgresqls_own_words(agroal: Launch, pg: OwnPostgres) -> None:
    pool = agroal(pg.database, hba=TRUSTING)
    with Guest(pool, pg.database.scram).enter() as client, pg.connect() as victim:
        client.say(query(FOR_EVER))
        with pytest.raises(psycopg.OperationalError):
            pg.query(f"COPY (SELECT 1) TO PROGRAM 'kill -9 {backend_pid(victim)}; sleep 3600'")
        *_, notice, error = client.hear_out()
    assert (notice[0], fields(notice[1])["C"]) == ("N", "57P02")
    assert (error[0], fields(error[1])["C"]) == ("E", "08006")
    wait_until(lambda: works(pool), "the pool works again")


def test_a_server_that_stalls_costs_a_client_no_more_than_connect_timeout(agroal: Launch, pg: OwnPostgres) -> None:
    pool = agroal(pg.database, connect_timeout="500ms", hba=TRUSTING)
    with pg.paused():
        error = refusal(pool)
    assert (error["C"], "did not answer within 0.5 s" in error["M"]) == ("08001", True)
    wait_until(lambda: works(pool), "the pool works again")
