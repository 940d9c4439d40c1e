"""What a client may not say once it is in, and what it may ask for in the parameters of its login."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused, batch, copy_data, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.postgres import Database, Login
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import READY, message, startup


@pytest.fixture(scope="module")
def alone(database: Database) -> Login:
    """A role of which nobody makes use but those who ask for settings."""
    return database.role("alone")


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, alone: Login) -> Agroal:
    return module_agroal(database, hba=TRUSTING)


@pytest.fixture(autouse=True)
def others_are_served(pool: Agroal) -> Iterator[None]:
    with unharmed(pool):
        yield


@pytest.fixture
def guest(pool: Agroal, database: Database) -> Iterator[Guest]:
    with Guest(pool, database.scram) as guest:
        yield guest.enter()


ILLEGAL = {
    "length 3": b"Q\0\0\0\3",
    "length 0": b"S\0\0\0\0",
    "length -1": b"Q\xff\xff\xff\xff",
    "an unknown type": message("y", b"what?"),
    "no type": bytes(64),
    "not a letter": b"\xff\xfe" * 40,
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "a password": message("p", b"secret\0"),
    "a startup packet": startup("user", "ann"),
    "a server's authentication": message("R", bytes(4)),
    "a server's ready": READY,
    "a server's row": message("T", b"\0\0"),
    "a server's key": message("K", bytes(8)),
    "a server's copy": message("W", bytes(3)),
}


@pytest.mark.parametrize("data", ILLEGAL.values(), ids=ILLEGAL)
def test_what_no_client_may_say_ends_the_client_and_its_server(
    guest: Guest, pool: Agroal, database: Database, data: bytes
) -> None:
    """Q18"""
    [pid] = guest.query("SELECT pg_backend_pid()")
    told = guest.say(data).end()

    assert (told["S"], told["C"]) == ("FATAL", "08P01")
    assert told["M"] == "the client sent what the protocol does not allow here"
    assert "that claims a length of" in told["D"]
    wait_until(lambda: pid not in pids(database), "the server's connection is closed")


def test_half_of_its_header_may_have_been_passed_on(guest: Guest, pool: Agroal, database: Database) -> None:
    [pid] = guest.query("SELECT pg_backend_pid()")
    before = pool.snapshot().counters.bytes_in
    guest.say(b"Q")
    wait_until(lambda: pool.snapshot().counters.bytes_in == before + 1, "its first byte has been passed on")
    told = guest.say(b"\0\0\0\3").end()

    assert told["C"] == "08P01"
    wait_until(lambda: pid not in pids(database), "the server's connection is closed")


MIDST = {
    "behind a query": query("SELECT 1"),
    "in a batch": batch("SELECT 1"),
    "in a transaction": query("BEGIN; CREATE TABLE half_done ()"),
    "in a copy": query("CREATE TABLE half_done (n int); COPY half_done FROM STDIN") + copy_data(b"1\n"),
    "in a query that runs": query("SELECT pg_sleep(600)"),
}


@pytest.mark.parametrize("said", MIDST.values(), ids=MIDST)
def test_garbage_in_the_midst_of_something_undoes_it(guest: Guest, database: Database, said: bytes) -> None:
    [pid] = guest.query("SELECT pg_backend_pid()")
    guest.say(said)
    wait_until(lambda: last_query(database, pid) != "SELECT pg_backend_pid()", "PostgreSQL has begun with it")
    told = guest.say(b"\0 and so on").end()

    assert told["C"] == "08P01"
    wait_until(lambda: pid not in pids(database), "the server's connection is closed")
    assert database.query("SELECT to_regclass('half_done')") == [(None,)]


def pids(database: Database) -> list[str]:
    return [str(row.pid) for row in database.activity()]


def last_query(database: Database, pid: str) -> str:
    return next(row.query for row in database.activity() if str(row.pid) == pid)


def test_a_message_that_never_ends_is_nobodys_problem_but_its_senders(
    guest: Guest, pool: Agroal, database: Database
) -> None:
    """Q17"""
    [pid] = guest.query("SELECT pg_backend_pid()")
    guest.say(b"Q" + struct.pack("!I", 1 << 30) + b"SELECT 'a long story" * 50_000)
    guest.hang_up()

    wait_until(lambda: pid not in pids(database), "the server's connection is closed")


def test_a_length_that_postgresql_does_not_accept_ends_the_client(guest: Guest) -> None:
    told = guest.say(b"Q" + struct.pack("!I", 0x7FFF_FFFF)).end()

    assert (told["S"], told["C"]) == ("FATAL", "08006")


SETTINGS = {
    "-c work_mem=3MB": ("work_mem", "3MB"),
    "-cwork_mem=3MB -c work_mem=5MB": ("work_mem", "5MB"),
    "--statement-timeout=1h": ("statement_timeout", "1h"),
    "  -c   DateStyle=German\t": ("datestyle", "German, DMY"),
    r"-c application_name=two\ words\\": ("application_name", "two words\\"),
    '-c search_path="$user",x': ("search_path", '"$user",x'),
    "-c a.setting=of_ours": ("a.setting", "of_ours"),
}


@pytest.mark.parametrize("options", SETTINGS)
def test_settings_in_options_hold_for_their_client_and_for_nobody_else(
    pool: Agroal, alone: Login, options: str
) -> None:
    """S09"""
    name, value = SETTINGS[options]
    seen, servers = [], set()
    for given in ("", options, ""):
        with pool.connect(alone, options=given) as client:
            seen += client.execute(f"SELECT coalesce(current_setting('{name}', true), '')").fetchall()
            servers.add(client.execute("SELECT pg_backend_pid()").fetchone())
        wait_until(lambda: not any(p.active for p in pool.snapshot().pools if p.user == alone.name), "it is free")

    before, during, after = seen
    assert during == (value,)
    assert after == before != during
    assert len(servers) == 1


JUDGED_BY_POSTGRESQL = [
    "-c work_mem=lots",
    "-c no_such_setting=1",
    "-c shared_buffers=1GB",
    "-c is_superuser=on",
    "-c log_statement=all",
    "-c client_encoding=nonsense",
    "-c role={superuser}",
    "-c session_authorization={superuser}",
    "-c 'quoted'=1",
    "-c a.b;DROP\\ TABLE\\ precious=1",
]


@pytest.mark.parametrize("options", JUDGED_BY_POSTGRESQL)
def test_settings_that_postgresql_refuses_are_refused_in_its_words(
    pool: Agroal, database: Database, alone: Login, options: str
) -> None:
    """S09, S10"""
    options = options.format(superuser=database.postgres.superuser.name)
    with pytest.raises(psycopg.OperationalError) as directly:
        database.postgres.connect(alone, database.name, options=options)
    with pytest.raises(psycopg.OperationalError) as through_the_pool:
        pool.connect(alone, options=options)

    assert words(through_the_pool.value) == words(directly.value)


def words(error: psycopg.Error) -> str:
    """What the server said, without where it is."""
    return str(error).partition("FATAL:")[2]


REFUSED = {
    "-B 5": ("0A000", 'command-line switch "-B" in the start-up parameter "options" is not supported by agroal'),
    "-c": ("0A000", 'command-line switch "-c" in the start-up parameter "options" is not supported by agroal'),
    "-c work_mem": ("08P01", '"work_mem" in the start-up parameter "options" requires a value: expected name=value'),
    "--": ("0A000", 'command-line switch "--" in the start-up parameter "options" is not supported by agroal'),
}


@pytest.mark.parametrize("options", REFUSED)
def test_options_that_are_no_settings_are_refused_by_name(pool: Agroal, alone: Login, options: str) -> None:
    """S09"""
    with Guest(pool, alone, options=options) as guest, pytest.raises(Refused) as refused:
        guest.enter()

    assert (refused.value.sqlstate, str(refused.value)) == REFUSED[options]


@pytest.mark.parametrize("kind", ["database", "true", "on"])
def test_replication_is_refused_by_name(pool: Agroal, alone: Login, kind: str) -> None:
    """S10"""
    with Guest(pool, alone, replication=kind) as guest, pytest.raises(Refused) as refused:
        guest.enter()

    assert (refused.value.sqlstate, str(refused.value)) == ("0A000", "replication connections can't be pooled")


HOSTILE = [
    "'; DROP TABLE precious; --",
    "x' -c role=postgres",
    "x -c is_superuser=on",
    "$1",
    "\\'; DROP TABLE precious; --",
    '"; DROP TABLE precious; --',
    "%s %n {} ${HOME}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_never_becomes_more_than_a_value(pool: Agroal, database: Database, alone: Login, value: str) -> None:
    """S09"""
    database.query("CREATE TABLE IF NOT EXISTS precious ()")
    escaped = "".join(f"\\{character}" if character in "\\ " else character for character in value)
    for parameters in ({"application_name": value}, {"options": f"-c application_name={escaped}"}):
        with Guest(pool, alone, **parameters) as guest:
            assert guest.enter().query("SHOW application_name") == [value]
            assert guest.query("SELECT session_user") == [alone.name]

    assert database.query("SELECT to_regclass('precious')") == [("precious",)]
