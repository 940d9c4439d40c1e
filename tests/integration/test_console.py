"""The SQL console, as the programs see it that PgBouncer's is used by: psql, drivers, and its Prometheus exporter."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import asyncpg
import pg8000.exceptions
import pg8000.native
import psycopg
import psycopg2
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from agroal.console.face import Face
from agroal.console.shows import SHOWS
from tests.certificates import Authority
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import refusal
from tests.integration.encrypted import offering
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, Login, OwnPostgres
from tests.integration.raw import TIMEOUT, RawClient, fields
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import message, startup

OPS, EYE = Login("ops", "a-Word-for-operators"), Login("eye", "a-Word-for-onlookers")
ADMINS = {OPS.name: OPS.password, EYE.name: EYE.password}

EXPORTED = {
    "databases": {
        *("name", "host", "port", "database", "force_user", "pool_size", "reserve_pool_size", "pool_mode"),
        *("max_connections", "current_connections", "paused", "disabled"),
    },
    "stats_totals": {
        *("database", "query_count", "query_time", "bytes_received", "bytes_sent", "wait_time", "xact_count"),
        *("xact_time", "client_parse_count", "server_parse_count", "bind_count", "server_assignment_count"),
    },
    "pools": {
        *("database", "user", "cl_active", "cl_active_cancel_req", "cl_waiting", "cl_waiting_cancel_req"),
        *("sv_active", "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested", "sv_login"),
        "maxwait",
    },
}
"""The columns that prometheus-community/pgbouncer_exporter reads, as of version 0.11."""
LABELS = {"name", "host", "port", "database", "force_user", "pool_mode", "user"}
"""Those that it takes as texts; the others must be numbers."""


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    limits = f"{database.name}=by_another_name all 10\n"
    pool = module_agroal(database, limits=limits, admins=ADMINS, monitors=EYE.name)
    pool.allow_in_log("is refused")
    return pool


def console(pool: Agroal, face: str = "agroal", login: Login = OPS, **options: Any) -> psycopg.Connection[Any]:
    return pool.connect(login, database=face, **options)


def shown(pool: Agroal, table: str, face: str = "pgbouncer", login: Login = OPS) -> list[dict[str, Any]]:
    with console(pool, face, login) as client:
        return client.cursor(row_factory=dict_row).execute(f"SHOW {table}").fetchall()


class TestPsql:
    def test_show_pools(self, pool: Agroal, database: Database) -> None:
        with pool.connect():
            done = pool.psql("-c", "SHOW POOLS", login=OPS, database="pgbouncer")
        assert done.returncode == 0, done.stderr
        [line] = done.stdout.splitlines()
        assert line.split("|")[:4] == [database.name, database.scram.name, "1", "0"]
        assert line.split("|")[15] == "session"

    def test_a_catalogue_of_tables_is_refused_in_words(self, pool: Agroal) -> None:
        done = pool.psql("-c", r"\d", login=OPS, database="agroal")
        assert "the console is no database" in done.stderr

    def test_several_statements_and_commands(self, pool: Agroal) -> None:
        done = pool.psql("-c", "SELECT 1; SHOW VERSION; RELOAD", login=OPS, database="agroal")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "1"
        assert "they say what is in force already" in done.stderr, "a notice says what was done"


class TestDrivers:
    @pytest.mark.parametrize("face", Face)
    def test_psycopg_is_shown_every_table(self, pool: Agroal, face: Face) -> None:
        with console(pool, face) as client:
            for show in SHOWS:
                cursor = client.execute(f"SHOW {show.name}")
                columns = [column.name for column in cursor.description or ()]
                assert columns == [column.name for column in show.seen(face)]
                cursor.fetchall()

    @pytest.mark.parametrize("binary", [False, True])
    def test_psycopg_prepares_statements(self, pool: Agroal, binary: bool) -> None:
        with console(pool, "pgbouncer") as client:
            for _ in range(3):
                cursor = client.execute("SHOW LISTS", prepare=True, binary=binary)
                items = dict(cursor.fetchall())
                assert items["pools"] >= 0
                assert items["dns_zones"] == 0

    def test_psycopg_sends_a_pipeline(self, pool: Agroal) -> None:
        with console(pool) as client, client.pipeline():
            asked = [client.execute(f"SHOW {table}") for table in ("version", "state", "lists")]
            assert asked[0].fetchall() == [(f"agroal {pool.snapshot().version}",)]
            assert dict(asked[1].fetchall())["active"] == "yes"

    def test_psycopg_opens_transactions(self, pool: Agroal) -> None:
        with console(pool, autocommit=False) as client:
            assert client.execute("SELECT 1").fetchone() == (1,)
            with pytest.raises(errors.SyntaxError):
                client.execute("SHOW")
            with pytest.raises(errors.InFailedSqlTransaction):
                client.execute("SHOW POOLS")
            client.rollback()
            assert client.execute("SHOW server_version").fetchone() is not None

    @pytest.mark.parametrize("face", Face)
    def test_asyncpg(self, pool: Agroal, face: Face) -> None:
        async def ask() -> None:
            client = await asyncpg.connect(pool.dsn(OPS, database=face), ssl=False)
            try:
                assert (await client.fetch("SHOW LISTS"))[0]["list"] == "databases"
                stats = await client.fetch("SHOW STATS_TOTALS")
                assert all(row["query_count"] >= 0 for row in stats), "a number in the binary format"
                assert await client.fetchval("SELECT version()") is not None
                assert await client.fetchrow("SHOW STATE") is not None, "one of several rows"
                async with client.transaction():
                    async for row in client.cursor("SHOW LISTS", prefetch=2):
                        assert row["items"] >= 0
                with pytest.raises(asyncpg.PostgresSyntaxError):
                    await client.execute("SHOW")
            finally:
                await client.close()

        asyncio.run(ask())

    def test_psycopg2(self, pool: Agroal) -> None:
        with closing(psycopg2.connect(pool.dsn(OPS, database="pgbouncer"))) as client, client.cursor() as cursor:
            cursor.execute("SHOW POOLS")
            assert cursor.description[0].name == "database"
            client.rollback()
            client.autocommit = True
            cursor.execute("RELOAD")
            assert cursor.statusmessage == "RELOAD"

    def test_pg8000(self, pool: Agroal) -> None:
        where = {"host": pool.host, "port": pool.port, "database": "pgbouncer"}
        with closing(pg8000.native.Connection(OPS.name, password=OPS.password, **where)) as client:
            assert dict(client.run("SHOW STATE"))["active"] == "yes"
            with pytest.raises(pg8000.exceptions.DatabaseError):
                client.run("SHOW")
            assert client.run("SHOW STATS_TOTALS") is not None

    def test_over_tls_with_the_password_bound_to_it(
        self, agroal: Launch, database: Database, authority: Authority
    ) -> None:
        hba = "hostssl pgbouncer all all scram-sha-256\n"
        pool = agroal(database, admins=ADMINS, hba=hba, **offering(authority.issue("agroal")))
        with console(pool, "pgbouncer", sslmode="require", channel_binding="require") as client:
            for _ in range(3):
                assert len(client.execute("SHOW CONFIG; " * 50).fetchall()) > 50, "many records of TLS"
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            console(pool, "pgbouncer", sslmode="disable")


class TestExporter:
    """The questions of prometheus-community/pgbouncer_exporter, and what it does with the answers."""

    @pytest.mark.parametrize("table", EXPORTED)
    def test_every_column_that_it_reads_is_there_and_can_be_read(self, pool: Agroal, table: str) -> None:
        with pool.connect():
            rows = shown(pool, f"{table};")
        assert rows
        for row in rows:
            assert row.keys() >= EXPORTED[table]
            for name in EXPORTED[table] - LABELS:
                assert float(row[name]) >= 0

    def test_it_is_alive_and_of_a_version(self, pool: Agroal) -> None:
        [version] = shown(pool, "VERSION;")
        assert list(version) == ["version"]
        assert version["version"].startswith("PgBouncer 1.25.")
        shown(pool, "STATS")

    def test_lists_are_names_and_numbers(self, pool: Agroal) -> None:
        lists = {row["list"]: float(row["items"]) for row in shown(pool, "LISTS;")}
        counted = {"databases", "users", "pools", "free_clients", "used_clients", "login_clients", "free_servers"}
        assert lists.keys() >= {*counted, "used_servers", "dns_names", "dns_zones", "dns_queries"}
        assert lists["used_clients"] >= 1

    def test_of_the_configuration_it_wants_two_numbers(self, pool: Agroal) -> None:
        rows = shown(pool, "CONFIG;")
        assert len(rows[0]) == 4
        values = {row["key"]: row["value"] for row in rows}
        assert float(values["max_client_conn"]) > 0
        assert float(values["max_user_connections"]) == 0

    def test_clients_are_counted_by_application_and_state(self, pool: Agroal, database: Database) -> None:
        with pool.connect(application_name="shop"):
            clients = shown(pool, "CLIENTS;")
        [shop] = [client for client in clients if client["application_name"] == "shop"]
        assert (shop["database"], shop["user"], shop["state"]) == (database.name, database.scram.name, "active")

    def test_a_monitor_is_enough(self, pool: Agroal) -> None:
        for table in (*EXPORTED, "LISTS", "CONFIG", "VERSION", "CLIENTS", "STATS"):
            shown(pool, table, login=EYE)


class TestFigures:
    def test_the_totals_of_a_database_count_sessions_that_are_over(self, pool: Agroal, database: Database) -> None:
        def total() -> dict[str, Any]:
            return next((row for row in shown(pool, "STATS_TOTALS") if row["database"] == database.name), {})

        before = total().get("query_count", 0)
        with pool.connect() as client:
            for _ in range(5):
                client.execute("SELECT 1")
        wait_until(lambda: total()["query_count"] == before + 5, "they are counted")
        assert total()["bytes_received"] > 0

    def test_who_is_connected_with_whom(self, pool: Agroal) -> None:
        with pool.connect(application_name="linked") as client:
            pid = backend_pid(client)
            sockets = {row["ptr"]: row for row in shown(pool, "SOCKETS")}
        [client_row] = [row for row in sockets.values() if row["application_name"] == "linked" and row["type"] == "C"]
        server_row = sockets[client_row["link"]]
        assert server_row["remote_pid"] == pid
        assert server_row["link"] == client_row["ptr"]
        assert (client_row["addr"], server_row["addr"]) == ("127.0.0.1", pool.database.postgres.host)

    def test_in_the_transaction_pipeline_clients_are_idle_and_statements_are_counted(
        self, agroal: Launch, database: Database
    ) -> None:
        pool = agroal(database, admins=ADMINS, pipeline="transaction")
        with pool.connect(application_name="prepares") as client:
            client.execute("SELECT 1", prepare=True)
            client.execute("SELECT 2", prepare=True)
            [row] = [row for row in shown(pool, "CLIENTS") if row["application_name"] == "prepares"]
            assert (row["state"], row["prepared_statements"], row["link"]) == ("idle", 2, "")
            [line] = shown(pool, "POOLS")
            assert (line["pool_mode"], line["cl_active"], line["sv_idle"]) == ("transaction", 1, 1)
            [prepared] = shown(pool, "PREPARED")
            assert prepared["statements"] == 2
            [stats] = shown(pool, "STATS_TOTALS")
            assert stats["query_count"] == 2
            assert stats["xact_count"] >= 2, "preparing is one of its own"


class TestCommands:
    def test_a_client_is_killed_by_its_id(self, pool: Agroal) -> None:
        victim = pool.connect(application_name="victim")
        with console(pool, "pgbouncer") as client:
            [number] = [row["id"] for row in shown(pool, "CLIENTS") if row["application_name"] == "victim"]
            assert client.execute(f"KILL_CLIENT {number}").statusmessage == "KILL_CLIENT"
            with pytest.raises(errors.ObjectNotInPrerequisiteState):
                client.execute("KILL_CLIENT 999999")
        with pytest.raises(errors.AdminShutdown):
            victim.execute("SELECT 1")
        events = [event["text"] for event in pool.manage("events")["events"] if event["kind"] == "command"]
        assert any(
            text.startswith("ops at the console, 127.0.0.1:") and text.endswith(f": kill {number}") for text in events
        )

    def test_a_key_is_set_under_either_name(self, pool: Agroal) -> None:
        with console(pool) as ours, console(pool, "pgbouncer") as theirs:
            ours.execute("SET idle_timeout = '5m'")
            assert ours.execute("SHOW CONFIG").fetchall()
            config = {row["key"]: row["value"] for row in shown(pool, "CONFIG")}
            assert (config["idle_timeout"], config["server_idle_timeout"]) == ("5m", "300")
            theirs.execute("SET server_idle_timeout = 0")
            with pytest.raises(errors.InvalidParameterValue, match="unknown key"):
                ours.execute("SET server_idle_timeout = 0")
        assert pool.manage("conf", "get", "idle_timeout")["settings"][0]["value"] == "0"

    def test_a_database_is_disabled_and_enabled(self, pool: Agroal, database: Database) -> None:
        with console(pool) as client:
            client.execute(f"DISABLE {database.name}")
            [row] = [row for row in shown(pool, "DATABASES") if row["name"] == database.name]
            assert (row["disabled"], row["paused"]) == (1, 0)
            assert refusal(pool, database.scram, database.name).sqlstate == "55000"
            client.execute(f"ENABLE {database.name}")
        pool.connect().execute("SELECT 1")

    def test_pause_waits_for_who_is_at_work_and_resume_lets_clients_go_on(
        self, pool: Agroal, database: Database
    ) -> None:
        with ExitStack() as stack:
            busy = stack.enter_context(pool.connect())
            busy.execute("SELECT 1")
            pausing = _Thread(lambda: _command(pool, f"PAUSE {database.name}"))
            wait_until(lambda: _is_paused(pool, database.name), "it is paused")
            assert pausing.is_alive(), "a client is still at work"
            busy.close()
            assert pausing.result() == "PAUSE"
            held = _Thread(lambda: pool.connect().execute("SELECT 1").fetchone())
            wait_until(lambda: [row for row in shown(pool, "WAITS") if row["reason"] == "paused"], "a client is held")
            _command(pool, f"RESUME {database.name}")
            assert held.result() == (1,)

    def test_a_pause_that_is_cancelled_is_taken_back(self, pool: Agroal, database: Database) -> None:
        with pool.connect() as busy, console(pool) as client:
            busy.execute("SELECT 1")
            pausing = _Thread(lambda: client.execute(f"PAUSE {database.name}"))
            wait_until(lambda: _is_paused(pool, database.name), "it is paused")
            client.cancel()
            with pytest.raises(errors.QueryCanceled):
                pausing.result()
            assert not _is_paused(pool, database.name)
            assert busy.execute("SELECT 1").fetchone() == (1,)
            assert client.execute("SHOW STATE").fetchall(), "the console goes on"

    def test_kill_closes_servers_under_their_clients_and_holds_the_others(
        self, pool: Agroal, database: Database
    ) -> None:
        victim = pool.connect()
        assert _command(pool, f"KILL {database.name}") == "KILL"
        with pytest.raises(psycopg.OperationalError):
            victim.execute("SELECT 1")
        assert _is_paused(pool, database.name)
        _command(pool, "RESUME")
        _command(pool, f"RESUME {database.name}")
        pool.connect().execute("SELECT 1")

    def test_reconnect_replaces_servers(self, pool: Agroal) -> None:
        with pool.connect() as client:
            before = backend_pid(client)
        assert _command(pool, "RECONNECT") == "RECONNECT"
        with pool.connect() as client:
            assert backend_pid(client) != before

    @pytest.mark.parametrize("command", ["SUSPEND", "WAIT_CLOSE"])
    def test_what_is_not_supported_says_so(self, pool: Agroal, command: str) -> None:
        with pytest.raises(errors.FeatureNotSupported):
            _command(pool, command)


class TestWhoMayWhat:
    @pytest.mark.parametrize(
        "command",
        [
            *("PAUSE", "RESUME", "RECONNECT", "RELOAD", "ENABLE x", "DISABLE x", "KILL x", "KILL_CLIENT 1", "SHUTDOWN"),
            *("SHUTDOWN WAIT_FOR_CLIENTS", "SET log_connections = on"),
        ],
    )
    def test_a_monitor_may_only_look(self, pool: Agroal, command: str) -> None:
        with console(pool, login=EYE) as client:
            assert client.execute("SHOW is_superuser").fetchone() == ("off",)
            with pytest.raises(errors.InsufficientPrivilege):
                client.execute(command)
            assert client.execute("SHOW POOLS") is not None

    def test_who_is_no_admin_is_told_what_a_wrong_password_is_told(self, pool: Agroal, database: Database) -> None:
        told = [
            refusal(pool, login, "pgbouncer")
            for login in (Login("nobody", "x"), database.scram, Login(OPS.name, "wrong"))
        ]
        assert {error.sqlstate for error in told} == {"28P01"}
        assert [error.args[0] for error in told] == [
            f'password authentication failed for user "{name}"' for name in ("nobody", database.scram.name, OPS.name)
        ]

    def test_the_user_of_the_daemon_needs_no_password_on_the_unix_socket(self, pool: Agroal) -> None:
        with pool.connect(Login("anybody", ""), database="pgbouncer", host=str(pool.folder)) as client:
            assert client.execute("SHOW is_superuser").fetchone() == ("on",)
            client.execute("RELOAD")

    def test_without_admins_the_names_are_those_of_databases(self, agroal: Launch, database: Database) -> None:
        pool = agroal(database)
        with pytest.raises(psycopg.OperationalError, match='database "pgbouncer" does not exist'):
            pool.connect(database="pgbouncer")
        with pool.connect(database="pgbouncer", host=str(pool.folder)) as client:
            assert client.execute("SHOW VERSION").fetchone(), "but not for the daemon's own user"

    @pytest.mark.parametrize(
        ("line", "comes_in"),
        [
            ("host pgbouncer ops all scram-sha-256\n", True),
            ("host admin ops all scram-sha-256\n", True),
            ("host all all all trust\n", False),
            ("host pgbouncer all all reject\nhost all all all scram-sha-256\n", False),
        ],
    )
    def test_the_hba_file_decides_but_trusts_nobody(
        self, agroal: Launch, database: Database, line: str, comes_in: bool
    ) -> None:
        pool = agroal(database, admins=ADMINS, hba=line)
        if comes_in:
            assert shown(pool, "VERSION")
        login = Login(OPS.name, "wrong-password")
        assert refusal(pool, login, "pgbouncer").sqlstate == ("28000" if "reject" in line else "28P01")

    def test_an_admin_who_is_dismissed_can_do_nothing_more(self, agroal: Launch, database: Database) -> None:
        pool = agroal(database, admins=ADMINS)
        with console(pool) as client:
            client.execute("SHOW POOLS")
            pool.write_users({EYE.name: EYE.password}, "agroal_admins.conf")
            pool.manage("conf", "reload")
            with pytest.raises(errors.AdminShutdown):
                client.execute("SHOW POOLS")


class TestWhenNothingElseWorks:
    def test_it_answers_while_postgresql_is_down(self, agroal: Launch, pg: OwnPostgres) -> None:
        pool = agroal(pg.database, admins=ADMINS)
        with pg.stopped():
            assert shown(pool, "VERSION")
            with pytest.raises(psycopg.OperationalError):
                pool.connect()
            assert [row["kind"] for row in shown(pool, "ERRORS") if row["kind"] == "server"]

    def test_it_answers_while_clients_wait(self, agroal: Launch, database: Database) -> None:
        pool = agroal(database, admins=ADMINS, max_connections=1)
        with pool.connect() as holder:
            waiting = _Thread(lambda: pool.connect().execute("SELECT 1").fetchone())
            [wait] = wait_until(lambda: shown(pool, "WAITS"), "a client waits")
            assert wait["reason"] in ("limit", "max_connections")
            [line] = shown(pool, "POOLS")
            assert (line["cl_waiting"], line["sv_active"]) == (1, 1)
            holder.close()
            assert waiting.result() == (1,)

    def test_it_is_there_while_agroal_waits_for_its_clients_and_does_not_keep_it(
        self, agroal: Launch, database: Database
    ) -> None:
        pool = agroal(database, admins=ADMINS)
        client, first = pool.connect(), console(pool)
        assert first.execute("SHUTDOWN WAIT_FOR_CLIENTS").statusmessage == "SHUTDOWN"
        assert shown(pool, "VERSION"), "an admin comes in still"
        assert refusal(pool, database.scram, database.name).sqlstate == "57P03"
        client.close()
        assert pool.wait() == 0

    def test_a_shutdown_waits_for_servers_and_not_for_clients(self, agroal: Launch, database: Database) -> None:
        pool = agroal(database, admins=ADMINS, pipeline="transaction")
        idle, busy, client = pool.connect(), pool.connect(), console(pool)
        idle.execute("SELECT 1")
        busy.execute("BEGIN")
        ending = _Thread(lambda: client.execute("SHUTDOWN WAIT_FOR_SERVERS"))
        wait_until(lambda: {row["key"]: row["value"] for row in shown(pool, "STATE")}["paused"] == "yes", "it waits")
        assert ending.is_alive()
        assert refusal(pool, database.scram, database.name).sqlstate == "57P03"
        busy.execute("COMMIT")
        assert pool.wait() == 0
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")

    def test_shutdown(self, agroal: Launch, database: Database) -> None:
        pool = agroal(database, admins=ADMINS)
        client = console(pool)
        assert client.execute("SHUTDOWN").statusmessage == "SHUTDOWN"
        assert pool.wait() == 0


class TestHostileClients:
    @pytest.mark.parametrize(
        "query",
        [
            *("SHOW ", "SHOW x", ";;;; x", "'", '"', "/* /* */", "/*" * 1000, "$1", "SHOW POOLS garbage", "\\d"),
            *("SHOW POOLS; DROP TABLE x", "COPY x FROM STDIN", "SELECT * FROM pg_class", "x" * 1_000_000, "\x01\x7f"),
        ],
    )
    def test_garbage_is_an_error_and_the_console_goes_on(self, pool: Agroal, query: str) -> None:
        with console(pool) as client:
            with pytest.raises(psycopg.DatabaseError):
                client.execute(query)
            assert client.execute("SHOW VERSION").fetchone()

    def test_what_does_not_read_costs_little(self, pool: Agroal) -> None:
        def resident() -> int:
            return int({row["name"]: row["memtotal"] for row in shown(pool, "MEM")}["resident_pages"])

        query = message("Q", b"SHOW CONFIG;" * 100 + b"\0")
        shown(pool, "CONFIG")
        before = resident()
        with Local(pool) as client:
            client.say(*[query] * 6)  # more than 6 MB of answers
            assert resident() - before < 3_000_000
            heard = [sum(len(body) for _, body in client.hear_until("Z")) for _ in range(6)]
        assert set(heard) == {heard[0]}
        assert heard[0] > 1_000_000

    def test_a_message_that_is_too_long_or_unknown_ends_the_client(self, pool: Agroal) -> None:
        for last in (b"Q" + (1 << 30).to_bytes(4, "big"), message("R", b"")):
            with Local(pool) as client:
                assert fields(client.say(last).hear_out()[-1][1])["C"] == "08P01"


class Local(RawClient):
    """Over the Unix socket, and in."""

    def __init__(self, pool: Agroal) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT)
        self._socket.connect(str(pool.folder / f".s.PGSQL.{pool.port}"))
        self._answers = self._socket.makefile("rb")
        self.say(startup("user", "anybody", "database", "agroal"))
        self.hear_until("Z")


def _command(pool: Agroal, command: str) -> str | None:
    with console(pool) as client:
        return client.execute(command).statusmessage


def _is_paused(pool: Agroal, name: str) -> bool:
    return any(row["name"] == name and row["paused"] for row in shown(pool, "DATABASES"))


class _Thread(threading.Thread):
    """What somebody else does meanwhile."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self.join(20)
        assert not self.is_alive(), "it does not come back"
        if self._error:
            raise self._error
        return self._result
