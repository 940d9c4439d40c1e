"""How a daemon starts, and why one does not."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from agroal.auth.vault import MasterKey
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal, Key
from tests.integration.doors import refusal
from tests.integration.postgres import Database, OwnPostgres
from tests.integration.run import Run
from tests.integration.starting import at_rest, in_background, is_alive, left_behind, run_agroal
from tests.integration.waiting import wait_until


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    """One that runs. It listens everywhere, and talks much."""
    return module_agroal(
        database, host="*", log_connections=True, log_disconnections=True, log_line_prefix="it is %Y, agroal:"
    )


@pytest.fixture
def resting(run: Run, key: Key, database: Database) -> Iterator[Agroal]:
    """One that does not run, and knows nobody."""
    with at_rest(run, key, database, users={}) as agroal:
        yield agroal


@pytest.fixture
def known(run: Run, key: Key, database: Database) -> Iterator[Agroal]:
    """One that does not run, and knows the users of the database."""
    with at_rest(run, key, database) as agroal:
        yield agroal


# Others who are there already


def test_a_port_that_is_taken_is_named(resting: Agroal) -> None:
    with socket.create_server((resting.host, resting.port)):
        result = run_agroal(resting)

    assert result.returncode == 1
    where = f"{resting.host}:{resting.port}"
    assert f"can't listen on {where}: Address already in use; is another program listening there?" in result.stderr
    assert left_behind(resting) == []


def test_a_second_daemon_does_not_start_and_does_not_disturb_the_first(pool: Agroal, resting: Agroal) -> None:
    there = left_behind(pool)
    resting.configure(port=pool.port, unix_socket_dir=pool.folder)
    the_same = run_agroal(resting)
    resting.configure(port=pool.port, unix_socket_dir=pool.folder, pidfile=resting.folder / "second.pid")
    with_another_pidfile = run_agroal(resting)

    assert (the_same.returncode, with_another_pidfile.returncode) == (1, 1)
    assert f"agroal is running already, as process {pool.pid}" in the_same.stderr
    socket_file = pool.folder / f".s.agroal.{pool.port}"
    assert f"can't listen on {socket_file}: another agroal is running and listens there" in with_another_pidfile.stderr
    assert left_behind(resting) == []
    assert left_behind(pool) == there
    with pool.connect(host=str(pool.folder)) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_the_socket_of_another_program_is_left_alone(resting: Agroal) -> None:
    path = resting.folder / f".s.PGSQL.{resting.port}"
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(path))
        other.listen()
        result = run_agroal(resting)
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(path))

    assert result.returncode == 1
    assert str(path) in result.stderr
    assert left_behind(resting) == [path.name]


def test_what_a_killed_daemon_left_is_replaced(agroal: Launch, database: Database) -> None:
    pool = agroal(database)
    pool.kill()
    names = [f".s.PGSQL.{pool.port}", f".s.agroal.{pool.port}", f"agroal.{pool.port}.pid"]
    assert left_behind(pool) == names

    pool.start()

    assert (pool.folder / names[2]).read_text() == f"{pool.pid}\n"
    with pool.connect(host=str(pool.folder)) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    assert pool.stop() == 0
    assert left_behind(pool) == []


# Files that can't be used

MISTAKES = {
    "agroal.conf": """\
[agroal]
host = localhost
port = 99999
unix_socket_dir = /tmp
max_connections = many
log_level = loud
blocking_timeout = 30s
what is this?
[primary]
host = localhost
port = -1
""",
    "agroal_hba.conf": """\
host all all all trust
hosts all all all trust
host all all 10.0.0.0/99 trust
host all all all kerberos
""",
    "agroal_databases.conf": """\
shop ann 5
shop bob
shop eve 5 9
shop joe none
""",
}
WHERE = [
    *(("agroal.conf", line) for line in (3, 5, 6, 8, 11)),
    *(("agroal_hba.conf", line) for line in (2, 3, 4)),
    *(("agroal_databases.conf", line) for line in (2, 4)),
]


def test_ten_mistakes_in_three_files_are_told_at_once(resting: Agroal) -> None:
    for name, text in MISTAKES.items():
        resting.write(name, text)
    result = run_agroal(resting)

    assert result.returncode == 1
    place = re.compile(rf"agroal: {resting.folder}/(\S+):(\d+): .*expected")
    told = [place.match(line) for line in result.stderr.splitlines()]
    assert [(found[1], int(found[2])) for found in told if found] == WHERE
    assert left_behind(resting) == []


def test_files_that_can_not_be_read_are_named_with_the_reason(resting: Agroal, tmp_path: Path) -> None:
    missing, directory, loop, latin = (tmp_path / name for name in ("missing", "directory", "loop", "latin"))
    directory.mkdir()
    loop.symlink_to(loop)
    latin.write_bytes(b"# caf\xe9\n")
    result = run_agroal(resting, "-c", str(loop), "-a", str(directory), "-l", str(latin), "-u", str(missing), "--check")

    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"agroal: {loop}: can't be read: Too many levels of symbolic links (because of -c)",
        f"agroal: {directory}: is a directory; expected a file (because of -a)",
        f"agroal: {latin}:1: byte 0xe9 is not UTF-8; expected text in UTF-8",
        f"agroal: {missing}: no such file (because of -u)",
    ]


def test_a_vault_needs_its_own_master_key(known: Agroal, tmp_path: Path) -> None:
    other = tmp_path / "other" / "master.key"
    MasterKey.create(other, "Another-secret-2", os.urandom)
    wrong = run_agroal(known, AGROAL_MASTER_KEY_FILE=str(other))
    without = run_agroal(known, AGROAL_MASTER_KEY_FILE=str(tmp_path / "no.key"))

    assert (wrong.returncode, without.returncode) == (1, 1)
    vault = f"agroal: {known.folder}/agroal_users.conf"
    lines = [line for line in wrong.stderr.splitlines() if line.endswith("made with another master key, or damaged?")]
    assert [line.partition(": can't")[0] for line in lines] == [f"{vault}:1", f"{vault}:2"]
    assert "there is no master key; make one with: agroal-admin master-key" in without.stderr
    assert left_behind(known) == []


def test_check_prints_what_would_be_in_force_and_starts_nothing(resting: Agroal) -> None:
    result = run_agroal(resting, "--check")

    assert (result.returncode, result.stderr) == (0, "")
    line = next(line for line in result.stdout.splitlines() if line.startswith("port = "))
    assert re.fullmatch(rf"port = {resting.port} +# {resting.folder}/agroal\.conf:\d+", line)
    assert left_behind(resting) == []


# The background


def test_in_the_background_it_is_ready_when_the_prompt_returns(known: Agroal) -> None:
    known.configure(log_type="file", log_path=known.folder / "agroal.log")
    with in_background(known) as pid:
        with known.connect() as client:
            assert client.execute("SELECT 1").fetchone() == (1,)
        assert known.snapshot().status == "running"
        assert os.getsid(pid) == pid
        assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == {os.devnull}

        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), "agroal ends")

    assert left_behind(known) == ["agroal.log"]
    first, *_, last = (known.folder / "agroal.log").read_text().splitlines()
    assert f"listens on {known.host}, port {known.port}" in first
    assert last.endswith("agroal stops: 1 clients served")


def test_what_keeps_it_from_the_background_is_told_in_the_foreground(resting: Agroal) -> None:
    console = run_agroal(resting, "-d")
    resting.configure(log_type="file", log_path=resting.folder / "agroal.log")
    with socket.create_server((resting.host, resting.port)):
        taken = run_agroal(resting, "-d")
    resting.configure(log_type="file", log_path=resting.folder / "missing" / "agroal.log")
    no_log = run_agroal(resting, "-d")

    assert (console.returncode, taken.returncode, no_log.returncode) == (1, 1, 1)
    assert "log_type: console can't be combined with -d: expected file, syslog or journald" in console.stderr
    assert f"can't listen on {resting.host}:{resting.port}: Address already in use" in taken.stderr
    assert "log_path: can't open the log: " in no_log.stderr
    assert left_behind(resting) == ["agroal.log"]


# Where it listens, and where PostgreSQL does


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6), "localhost", "socket"])
def test_a_daemon_on_every_address_is_found_at_each(pool: Agroal, host: str) -> None:
    with pool.connect(host=str(pool.folder) if host == "socket" else host) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)


@needs_ipv6
def test_a_daemon_on_one_address_is_found_nowhere_else(agroal: Launch, database: Database) -> None:
    pool = agroal(database, host="::1", hba="host all all ::1/128 scram-sha-256\n")

    with pool.connect(host="::1") as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        pool.connect(host="127.0.0.1")


def test_postgresql_is_reached_through_its_unix_socket(agroal: Launch, local_postgres: OwnPostgres) -> None:
    pool = agroal(local_postgres.database, server={"host": local_postgres.socket_dir})

    for login in (pool.database.scram, pool.database.md5):
        with pool.connect(login) as client:
            assert client.execute("SELECT inet_server_addr()").fetchone() == (None,)
    assert pool.manage("ping")["servers"][0]["host"] == local_postgres.socket_dir


def test_a_server_that_is_not_there_is_reported_with_its_place(agroal: Launch, database: Database) -> None:
    pool = agroal(database, server={"host": "/no/such/directory", "port": 5432})
    told = refusal(pool, database.scram, database.name)

    assert told.sqlstate == "08001"
    place = 'server "primary" at /no/such/directory/.s.PGSQL.5432'
    assert told.message == f"could not connect to {place}: No such file or directory"


# What it says


def test_clients_that_come_and_go_have_lines_in_the_log(pool: Agroal, database: Database) -> None:
    pool.connect(application_name="a visitor").close()
    login = database.scram
    wait_until(lambda: "a visitor" in pool.log and "disconnect: " in pool.log, "the log is written")

    who = rf"client 127\.0\.0\.1:\d+ user={login.name} database={database.name}"
    assert re.search(rf"^it is \d{{4}}, agroal: INFO  connect: {who} application_name=a visitor$", pool.log, re.M)
    assert re.search(
        rf"^it is \d{{4}}, agroal: INFO  disconnect: {who} after \S+ m?s: the client said goodbye \(", pool.log, re.M
    )
