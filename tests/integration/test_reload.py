"""Another configuration for a running agroal, by SIGHUP or `conf reload`: all that needs no restart, or nothing."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import HBA, Agroal
from tests.integration.doors import refusal
from tests.integration.load import pgbench_running
from tests.integration.observe import backend_pid, connections_watched
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until

BY = pytest.mark.parametrize("how", ["SIGHUP", "conf reload", "reload"])


def reload(pool: Agroal, how: str = "conf reload") -> None:
    """Returns when it has been done."""
    before = reloads(pool)
    if how == "SIGHUP":
        pool.signal(signal.SIGHUP)
    else:
        pool.manage(*how.split())
    wait_until(lambda: reloads(pool) == before + 1, "it has been done")


def reloads(pool: Agroal) -> int:
    return sum(event["kind"] == "reloaded" for event in pool.manage("events")["events"])


def limited(database: Database, most: int) -> str:
    return f"{database.name} all {most}\n"


def write_limit(pool: Agroal, database: Database, most: int) -> None:
    pool.write("agroal_databases.conf", limited(database, most))


# Limits


@BY
def test_a_limit_that_grows_serves_who_waits_at_once(agroal: Launch, database: Database, how: str) -> None:
    pool = agroal(database, limits=limited(database, 1), hba=TRUSTING)
    with ExitStack() as clients:
        holder = clients.enter_context(Guest(pool, database.scram)).enter()
        waiting = [clients.enter_context(Guest(pool, database.scram)).queue() for _ in range(3)]
        write_limit(pool, database, 4)

        reload(pool, how)

        for client in waiting:
            assert client.enter().query("SELECT 1") == ["1"]
        assert holder.query("SELECT 1") == ["1"]
        assert len(database.activity(database.scram)) == 4


def test_a_limit_that_shrinks_closes_what_is_free_and_then_what_comes_back(agroal: Launch, database: Database) -> None:
    pool = agroal(database, limits=limited(database, 5))
    clients = [pool.connect() for _ in range(5)]
    pids = [backend_pid(client) for client in clients]
    clients.pop().close()
    wait_until(lambda: any(slot.state == "free" for slot in pool.snapshot().slots), "one is free")
    write_limit(pool, database, 2)

    reload(pool)

    for left in (4, 3, 2, 2, 2):
        wait_until(lambda left=left: len(database.activity(database.scram)) == left, f"{left} are left")
        assert [backend_pid(client) for client in clients] == pids[: len(clients)]
        if clients:
            clients.pop().close()


def test_a_limit_that_shrinks_and_grows_under_load_is_never_exceeded(agroal: Launch, database: Database) -> None:
    pool = agroal(database, limits=limited(database, 4))
    with pgbench_running(pool, "-c", "3", "-j", "3", "-t", "15", "-C") as loads:
        wait_until(lambda: all(load.done for load in loads), "the load has begun")
        with connections_watched(database) as sight:
            for most in (2, 4, 1, 3, 4) * 2:
                write_limit(pool, database, most)
                reload(pool)
            write_limit(pool, database, 2)
            reload(pool)
            wait_until(lambda: len(database.activity(database.scram)) <= 2, "the lower limit holds")
        assert sight.total <= 4
        with connections_watched(database) as sight:
            before = [load.done for load in loads]
            wait_until(lambda: all(a.done > b for a, b in zip(loads, before, strict=True)), "the load goes on")
        assert sight.total <= 2
    assert [(load.failed, load.hung, load.last_words) for load in loads] == [(0, 0, "")] * 2


# What did not change


def test_a_reload_without_a_change_drops_nothing_under_load(agroal: Launch, database: Database) -> None:
    pool = agroal(database, limits=limited(database, 4))
    with pool.connect() as client, pgbench_running(pool, "-c", "2", "-t", "200", "-R", "400") as loads:
        pid = backend_pid(client)
        wait_until(lambda: all(load.done for load in loads), "the load has begun")
        before = pool.snapshot()
        for _ in range(20):
            assert pool.manage("conf", "reload") == {"changes": [], "notices": []}
        after = pool.snapshot()
        assert backend_pid(client) == pid
    assert [load.failed + load.hung for load in loads] == [0, 0]
    assert after.counters.disconnects == before.counters.disconnects
    assert after.counters.queries > before.counters.queries, "totals go on"
    assert after.configuration.reloaded_us is None, "nothing has changed"


# The other files


def test_another_hba_file_is_for_those_who_come(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    with pool.connect() as inside:
        pool.write("agroal_hba.conf", f"host all {database.md5.name} all reject\n{HBA}")
        reload(pool)
        assert refusal(pool, database.md5, database.name).sqlstate == "28000"
        pool.connect().close()

        pool.write("agroal_hba.conf", "local all all scram-sha-256\nhost all all all reject\n")
        reload(pool)
        assert refusal(pool, database.scram, database.name).sqlstate == "28000"
        with pool.connect(host=str(pool.folder)) as by_socket:
            assert by_socket.execute("SELECT 1").fetchone() == (1,)
        assert inside.execute("SELECT 1").fetchone() == (1,)


def test_an_alias_comes_and_goes(agroal: Launch, database: Database) -> None:
    pool = agroal(database, limits=limited(database, 5), hba=TRUSTING)
    with Guest(pool, database.scram, database="nickname") as client, pytest.raises(Refused):
        client.enter()
    pool.write("agroal_databases.conf", f"{database.name}=nickname all 5\n")
    reload(pool)
    assert pool.manage("conf", "alias")["aliases"][0]["aliases"] == ["nickname"]
    with Guest(pool, database.scram, database="nickname") as inside:
        assert inside.enter().query("SELECT current_database()") == [database.name]
        write_limit(pool, database, 5)
        reload(pool)
        with Guest(pool, database.scram, database="nickname") as client, pytest.raises(Refused):
            client.enter()
        assert inside.query("SELECT 1") == ["1"]


def test_users_come_and_go(agroal: Launch, database: Database) -> None:
    one, two = database.scram, database.role("newcomer")
    pool = agroal(database, users={one.name: one.password}, allow_unknown_users=False)
    assert refusal(pool, two, database.name).sqlstate == "28P01"
    pool.write_users({login.name: login.password for login in (one, two)})
    reload(pool)
    with pool.connect(two) as client:
        pool.write_users({one.name: one.password})
        reload(pool)
        assert refusal(pool, two, database.name).sqlstate == "28P01"
        assert client.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: not database.activity(two), "what they left is closed")


def test_the_log_says_more_and_less(agroal: Launch, database: Database) -> None:
    pool = agroal(database, log_level="warn")
    pool.connect().close()
    assert "connect:" not in pool.log
    pool.configure(log_level="debug", log_connections=True)
    reload(pool)
    pool.connect(application_name="heard").close()
    wait_until(lambda: "application_name=heard" in pool.log, "it is heard")
    assert " DEBUG " in pool.log or " INFO " in pool.log


# What can't be applied


@pytest.mark.parametrize("how", ["SIGHUP", "conf reload"])
def test_of_files_with_mistakes_nothing_is_applied_and_all_mistakes_are_told(
    agroal: Launch, database: Database, how: str
) -> None:
    pool = agroal(database, limits=limited(database, 2), idle_timeout="1h")
    with pool.connect() as client:
        pool.configure(idle_timeout="2h", blocking_timeout="soon")
        pool.write("agroal_databases.conf", "all all none\n")
        pool.write("agroal_hba.conf", "host all all all whatever\n")

        if how == "SIGHUP":
            pool.signal(signal.SIGHUP)
            wait_until(lambda: "nothing is reloaded" in pool.log, "the log says so")
            said = pool.log
        else:
            assert pool.command("-n", "conf", "reload").returncode == 1
            result = pool.command("conf", "reload")
            assert (result.returncode, result.stdout) == (1, "")
            said = result.stderr

        for where in ("agroal.conf:", "agroal_databases.conf:1", "agroal_hba.conf:1", "blocking_timeout"):
            assert where in said
        assert pool.manage("conf", "get", "idle_timeout")["settings"][0]["value"] == "1h"
        assert pool.snapshot().configuration.reloaded_us is None
        assert pool.manage("events")["events"][-1]["kind"] in ("reload-failed", "command")
        assert client.execute("SELECT 1").fetchone() == (1,)
        pool.connect().close()


def test_what_waits_for_a_restart_is_listed_everywhere_until_it_is_taken_back(
    agroal: Launch, database: Database
) -> None:
    pool = agroal(database, max_connections=10, idle_timeout="1h")
    pool.configure(max_connections=20, idle_timeout="2h")
    promised = pool.command("-n", "conf", "reload").stdout
    assert "1 change would be applied, 1 would wait for a restart" in promised

    changes = pool.manage("conf", "reload")["changes"]

    found = {change["key"]: (change["old"], change["new"], change["restart"]) for change in changes}
    assert found["max_connections"] == ("10", "20", True)
    assert found["idle_timeout"] == ("1h", "2h", False)
    [row] = pool.manage("conf", "get", "max_connections")["settings"]
    assert (row["value"], row["pending"], row["reloadable"]) == ("10", "20", False)
    picture = pool.snapshot()
    assert (picture.max_connections, "max_connections" in picture.configuration.pending_restart) == (10, True)
    assert "max_connections" in pool.command("status").stdout
    wait_until(lambda: "waiting for a restart: max_connections" in pool.log, "it is in the log")

    pool.configure(max_connections=10, idle_timeout="2h")
    assert pool.manage("conf", "reload") == {"changes": [], "notices": []}
    assert pool.snapshot().configuration.pending_restart == ()


def test_one_key_is_set_until_the_next_reload(agroal: Launch, database: Database) -> None:
    pool = agroal(database, hba=TRUSTING, max_connections=1, blocking_timeout="1h")
    before = (pool.folder / "agroal.conf").read_text()
    with Guest(pool, database.scram).enter():
        change = pool.manage("conf", "set", "blocking_timeout", "200ms")
        assert change == {"key": "blocking_timeout", "old": "1h", "new": "200ms", "restart": False}
        [row] = pool.manage("conf", "get", "blocking_timeout")["settings"]
        assert (row["value"], row["origin"]) == ("200ms", "conf set")
        with Guest(pool, database.scram) as late, pytest.raises(Refused, match="no connection became free"):
            late.enter()
    assert (pool.folder / "agroal.conf").read_text() == before
    reload(pool)
    [row] = pool.manage("conf", "get", "blocking_timeout")["settings"]
    assert (row["value"], "agroal.conf:" in row["origin"]) == ("1h", True)
