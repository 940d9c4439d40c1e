"""PostgreSQL is restarted, or moved, while its clients are held: none of them sees an error."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest

from agroal.demo.ports import free_port
from tests.integration.by_hand import TRUSTING, Guest, Refused
from tests.integration.conftest import Launch
from tests.integration.daemon import HBA, Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, OwnPostgres
from tests.integration.programs import client_program
from tests.integration.raw import fields
from tests.integration.test_auth_query import asking
from tests.integration.waiting import wait_until

SERVERS = 3
CLIENTS = 6


class Work:
    """Clients that do one transaction after the other; half of them connect anew for each."""

    def __init__(self, pool: Agroal) -> None:
        self.done = [0] * CLIENTS
        self.errors: list[str] = []
        self._pool = pool
        self._over = threading.Event()

    def add(self, client: psycopg.Connection[object]) -> None:
        with client.transaction():
            client.execute("UPDATE counter SET n = n + 1")
            client.execute("SELECT n FROM counter WHERE n > %s", [0])

    def staying(self, number: int) -> None:
        with closing(psycopg.connect(self._pool.dsn(), autocommit=True)) as client:
            while not self._over.is_set():
                self.add(client)
                self.done[number] += 1

    def coming(self, number: int) -> None:
        while not self._over.is_set():
            with closing(psycopg.connect(self._pool.dsn(), autocommit=True)) as client:
                self.add(client)
            self.done[number] += 1

    def goes_on(self) -> None:
        """Each of them gets something done from now on."""
        before = list(self.done)
        wait_until(
            lambda: self.errors or all(now > then for now, then in zip(self.done, before, strict=True)), "work goes on"
        )

    def end(self) -> None:
        self._over.set()


@contextmanager
def working(pool: Agroal, database: Database) -> Iterator[Work]:
    """Until the end of the block, where nobody has met an error."""
    database.query("DROP TABLE IF EXISTS counter; CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)")
    database.query("GRANT ALL ON counter TO PUBLIC")
    work = Work(pool)

    def work_on(number: int) -> None:
        try:
            (work.staying if number % 2 else work.coming)(number)
        except psycopg.Error as error:
            work.errors.append(str(error))

    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [threads.submit(work_on, number) for number in range(CLIENTS)]
        try:
            work.goes_on()
            yield work
        finally:
            pool.command("resume")
            work.end()
    for loop in running:
        loop.result()
    assert work.errors == []
    assert database.query("SELECT n FROM counter") == [(sum(work.done),)], "each was done once"


@pytest.fixture
def pool(agroal: Launch, pg: OwnPostgres) -> Agroal:
    limits = f"{pg.database.name} {pg.database.scram.name} {SERVERS} 2 2\n"
    return agroal(pg.database, limits=limits, max_connections=SERVERS + 1, pipeline="transaction")


def waiting(pool: Agroal) -> int:
    return sum(waiter.reason == "paused" for waiter in pool.snapshot().waiters)


@pytest.mark.timeout(120)
def test_a_restart_under_a_pause_costs_no_client_an_error(pool: Agroal, pg: OwnPostgres) -> None:
    with working(pool, pg.database) as work:
        for which in ([], [pg.database.name]):
            paused = pool.command("pause", *which, "-T", "30s")
            assert (paused.returncode, paused.stdout.splitlines()[1:]) == (
                0,
                ["no connection is left: PostgreSQL may be stopped"],
            )
            assert pg.database.activity(pg.database.scram) == []
            pg.restart()
            wait_until(lambda: work.errors or waiting(pool) == CLIENTS, "all are held, also those who come now")
            assert work.errors == []
            assert pool.snapshot().servers[0].connections == 0, "nothing is opened ahead of them"
            assert pool.command("resume", *which).returncode == 0
            work.goes_on()
    kinds = [event["kind"] for event in pool.manage("events")["events"]]
    assert kinds.count("paused") == kinds.count("resumed") == 2
    assert "server-down" not in kinds


class Forwarder:
    """The same PostgreSQL at another port."""

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self._target = host, port
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._open: list[socket.socket] = []
        self.taken = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self.taken += 1
                self._open += [client, server]
                for one, other in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._copy, args=(one, other)))
                    self._threads[-1].start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._open):
            one.close()


@pytest.mark.timeout(120)
def test_postgresql_may_move_under_a_pause(pool: Agroal, pg: OwnPostgres) -> None:
    with closing(Forwarder(pg.host, pg.port)) as moved:
        with working(pool, pg.database) as work:
            assert pool.command("pause", "-T", "30s").returncode == 0
            pg.restart()
            old = (pool.folder / "agroal.conf").read_text()
            new = old.partition("[primary]")[0] + f"[moved]\nhost = 127.0.0.1\nport = {moved.port}\n"
            pool.write("agroal.conf", new)
            changes = pool.manage("conf", "reload")["changes"]
            assert not [change["key"] for change in changes if change["restart"] and change["key"] != "server.primary"]
            assert waiting(pool) or wait_until(lambda: waiting(pool), "the pause survives the reload")
            pool.command("resume")
            work.goes_on()
        assert moved.taken, "it is where agroal went"
        pool.stop()


def test_who_is_held_is_told_so_and_waits_for_longer_than_blocking_timeout(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=2, blocking_timeout="300ms", wait_notice_timeout="100ms", hba=TRUSTING)
    assert pool.command("pause").returncode == 0
    with Guest(pool, database.scram).queue() as first, Guest(pool, database.scram).queue() as second:
        for position, client in enumerate((first, second), 1):
            [notice] = [fields(body) for kind, body in client.hear_until("N") if kind == "N"]
            assert notice["M"].endswith(f"position {position}")
            assert "paused" in notice["D"]
        wait_until(lambda: pool.snapshot().pools[0].oldest_wait_us > 900_000, "they wait for three times as long")
        assert waiting(pool) == 2
        assert pool.manage("resume")["held"] == 2
        for client in (first, second):
            client.answer()
            assert client.query("SELECT 1") == ["1"]
            client.terminate()
    assert pool.snapshot().counters.timeouts == 0


def test_leases_go_on_until_their_clients_give_them_back(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=2, pipeline="session")
    with pool.connect() as client:
        pid = backend_pid(client)
        told = pool.manage("pause")
        assert (told["leased"], told["databases"]) == (1, ["all"])
        impatient = pool.command("pause", "-T", "50ms")
        assert impatient.returncode == 1
        assert "paused already" in impatient.stdout
        assert "still there after" in impatient.stdout
        assert "1 connection in use" in impatient.stdout
        assert backend_pid(client) == pid
    wait_until(lambda: not pool.snapshot().slots, "it is closed, not kept")
    assert pool.manage("pause", "-T", "10s")["leased"] == 0
    assert pool.manage("resume")["databases"] == ["all"]
    assert pool.manage("resume")["databases"] == []
    with pool.connect() as client:
        assert backend_pid(client) != pid


def test_a_pause_is_seen_by_administrators_and_the_pool_is_alive(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1, hba=TRUSTING)
    with pool.connect():
        pass
    assert pool.manage("pause", "-n", database.name)["databases"] == [database.name]
    assert waiting(pool) == 0
    assert "paused" not in pool.command("status").stdout
    pool.manage("pause", database.name)
    assert f"paused       {database.name}" in pool.command("status").stdout
    assert pool.snapshot().pools[0].paused
    with Guest(pool, database.scram).queue() as client:  # let in, as pg_isready wants it, and with its cancel key
        wait_until(lambda: waiting(pool) == 1, "it is held")
        client.cancel()
        with pytest.raises(Refused) as refused:
            client.answer()
        assert refused.value.fields["C"] == "57014"
    unknown = pool.command("pause", "nowhere")
    assert unknown.returncode == 1
    assert "nowhere" in unknown.stderr
    pool.manage("resume")


@pytest.mark.parametrize("hba", [HBA, TRUSTING])
def test_who_asks_whether_a_paused_pool_is_alive_hears_that_it_is(agroal: Launch, database: Database, hba: str) -> None:
    pool = agroal(database, max_connections=1, hba=hba)
    pool.manage("pause")
    who = ["-U", database.scram.name, "-d", database.name]
    asked = [client_program("pg_isready"), "-h", pool.host, "-p", str(pool.port), "-t", "1", *who]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    assert (answer.returncode, answer.stdout.rpartition(" - ")[2]) == (0, "accepting connections\n")


def test_a_paused_pool_can_be_shut_down(agroal: Launch, database: Database) -> None:
    pool = agroal(database, max_connections=1, hba=TRUSTING)
    pool.manage("pause")
    with Guest(pool, database.scram).queue() as client:
        wait_until(lambda: waiting(pool) == 1, "it is held")
        pool.manage("shutdown", "gracefully", "-T", "200ms")
        with pytest.raises(Refused) as refused:
            client.answer()
        assert refused.value.fields["C"] == "57P01"
    assert pool.wait() == 0


def test_a_reconnect_replaces_every_server_and_no_client_notices(pool: Agroal, pg: OwnPostgres) -> None:
    def pids() -> set[int]:
        return {activity.pid for activity in pg.database.activity(pg.database.scram)}

    with working(pool, pg.database) as work:
        for which in ([], [pg.database.name], []):
            old = pids()
            done = pool.command("reconnect", *which, "-T", "30s")
            assert done.returncode == 0, done.stderr
            assert "none of the old connections is left" in done.stdout
            assert not pids() & old
            work.goes_on()


def test_who_has_to_be_looked_up_waits_for_that_too(agroal: Launch, pg: OwnPostgres) -> None:
    pool = asking(agroal, pg.database, hba=HBA)
    pool.own_connections = 1
    login = pg.database.scram
    with pool.connect(login) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    superuser = pg.superuser.name
    assert pool.command("pause", "-T", "10s").returncode == 0
    assert not [one for one in pg.activity(user=superuser) if one.application_name == "agroal"]
    other = pg.database.role("other")
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(lambda: pool.psql("-c", "SELECT 6 * 7", login=other))
        wait_until(lambda: any(client.state == "auth" for client in pool.snapshot().clients), "it is at the door")
        pg.restart()
        pool.manage("resume")
        assert answer.result().stdout == "42\n"
