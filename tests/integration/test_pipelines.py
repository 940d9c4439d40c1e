"""What every pipeline promises: what a client says arrives, once and in order, and so do all its answers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.integration.by_hand import COPY_DONE, TRUSTING, Guest, Refused, batch, copy_data, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.memory import bounded
from tests.integration.observe import backend_pid
from tests.integration.pipelines import COUNTING, PIPELINES
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import SYNC, TERMINATE, message

FOR_EVER = "SELECT pg_sleep(3600)"
CANCELLED = "canceling statement due to user request"
MANY = 500


@pytest.fixture(scope="module", params=PIPELINES)
def pipeline(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, pipeline: str) -> Agroal:
    """A pool of one server: what one client does to it, the next one finds."""
    return module_agroal(database, max_connections=1, hba=TRUSTING, pipeline=pipeline)


@pytest.fixture(scope="module")
def double(module_agroal: Launch, database: Database, pipeline: str) -> Agroal:
    """A pool of two servers."""
    return module_agroal(database, max_connections=2, hba=TRUSTING, pipeline=pipeline)


@pytest.fixture
def lines(database: Database) -> Iterator[str]:
    """A table that knows in which order its rows have come."""
    database.query("CREATE TABLE lines (at serial, n int); GRANT ALL ON lines, lines_at_seq TO PUBLIC")
    yield "lines"
    database.query("DROP TABLE lines")


@pytest.fixture
def client(pool: Agroal, database: Database) -> Iterator[Guest]:
    with Guest(pool, database.scram) as client:
        yield client.enter()


# Once and in order


def spelled(n: int) -> bytes:
    """One request that adds a row, in one of five ways. Its answer ends with one ReadyForQuery."""
    insert = f"INSERT INTO lines (n) VALUES ({n}) RETURNING n"
    match n % 5:
        case 0:
            return query(insert)
        case 1:
            return batch(insert) + SYNC
        case 2:
            return query(f"BEGIN; {insert}; COMMIT")
        case 3:
            named = message("P", b"named\0" + insert.encode() + b"\0\0\0") + message("B", b"\0named\0" + bytes(6))
            return named + message("E", bytes(5)) + message("C", b"Snamed\0") + SYNC
        case _:
            return message("P", b"\0" + insert.encode() + b"\0\0\0") + message("H") + batch(insert) + SYNC


@pytest.mark.parametrize("size", [1, 7, 1_000, 100_000])
def test_everything_arrives_once_and_in_order_and_so_do_the_answers(
    client: Guest, database: Database, lines: str, size: int
) -> None:
    said = b"".join(map(spelled, range(MANY)))
    client.say(*(said[at : at + size] for at in range(0, len(said), size)))
    heard = [body for _ in range(MANY) for kind, body in client.answer() if kind == "D"]

    expected = [str(n).encode() for n in range(MANY)]
    assert [body[6:] for body in heard] == expected
    assert database.query("SELECT n FROM lines ORDER BY at") == [(n,) for n in range(MANY)]


def test_a_copy_arrives_once_and_in_order(client: Guest, database: Database, lines: str) -> None:
    rows = b"".join(copy_data(b"%d\n" % n) for n in range(MANY))
    client.say(query("COPY lines (n) FROM STDIN") + rows + COPY_DONE + query("SELECT 1"))
    client.answer()
    client.answer()

    assert database.query("SELECT n FROM lines ORDER BY at") == [(n,) for n in range(MANY)]


def test_what_was_said_before_a_goodbye_is_done(pool: Agroal, database: Database, lines: str) -> None:
    with Guest(pool, database.scram) as client:
        client.enter().say(b"".join(map(spelled, range(20))) + TERMINATE)
        wait_until(lambda: database.query("SELECT count(*) FROM lines") == [(20,)], "all of it is done")


# Goodbyes


def test_a_goodbye_is_not_for_the_server(pool: Agroal, database: Database) -> None:
    pids = []
    for _ in range(3):
        with pool.connect() as client:
            pids.append(backend_pid(client))
    assert len(set(pids)) == 1


def test_a_goodbye_behind_other_messages_is_not_for_the_server(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        pid = backend_pid(client)
    Guest(pool, database.scram).enter().say(query("SELECT 1") + TERMINATE).hang_up()
    with pool.connect() as client:
        assert backend_pid(client) == pid


# The end of a server


def test_a_server_that_dies_in_a_transaction_tells_its_client_why(client: Guest, database: Database) -> None:
    [pid] = client.query("BEGIN; SELECT pg_backend_pid()")
    database.query("SELECT pg_terminate_backend(%s)", int(pid))
    told = client.end()

    assert (told["S"], told["C"]) == ("FATAL", "57P01")
    assert told["M"] == "terminating connection due to administrator command"


def test_a_server_that_dies_in_a_query_tells_its_client_why(client: Guest, database: Database) -> None:
    [pid] = client.query("SELECT pg_backend_pid()")
    client.say(query(FOR_EVER))
    wait_for_a_sleeper(database)
    database.query("SELECT pg_terminate_backend(%s)", int(pid))

    assert client.end()["C"] == "57P01"


def test_a_free_server_that_dies_is_nobodys_affair(pool: Agroal, database: Database) -> None:
    with pool.connect() as client:
        pid = backend_pid(client)
    wait_until(lambda: [slot.state for slot in pool.snapshot().slots] == ["free"], "the server is free")
    database.query("SELECT pg_terminate_backend(%s)", pid)
    wait_until(lambda: pid not in [one.pid for one in database.activity()], "it is gone")
    with pool.connect() as client:
        assert backend_pid(client) != pid


# Cancelling


def wait_for_a_sleeper(database: Database) -> None:
    def sleeping() -> bool:
        return any(one.state == "active" and FOR_EVER in one.query for one in database.activity(database.scram))

    wait_until(sleeping, "the query runs that runs for ever")


@pytest.mark.parametrize("sleep", [query(FOR_EVER), batch(FOR_EVER) + SYNC], ids=["Query", "batch"])
def test_a_query_is_cancelled_and_its_client_goes_on(client: Guest, database: Database, sleep: bytes) -> None:
    """K01"""
    for _ in range(3):
        client.say(sleep)
        wait_for_a_sleeper(database)
        client.cancel()
        with pytest.raises(Refused, match=CANCELLED) as refused:
            client.answer()
        assert refused.value.sqlstate == "57014"
        client.answer()
        assert client.query("SELECT 1") == ["1"]


def test_a_cancel_in_a_transaction_fails_it(client: Guest, database: Database) -> None:
    client.query("BEGIN")
    client.say(query(FOR_EVER))
    wait_for_a_sleeper(database)
    client.cancel()
    with pytest.raises(Refused, match=CANCELLED):
        client.answer()
    assert client.answer() == [("Z", b"E")]
    client.query("ROLLBACK")


def test_a_cancel_without_a_query_does_nothing(client: Guest) -> None:
    """K05"""
    for _ in range(5):
        client.cancel()
        assert client.query("SELECT pg_sleep(0.002)") == [""]


def test_a_cancel_hits_nobody_else(double: Agroal, database: Database) -> None:
    """K03"""
    with Guest(double, database.scram) as client, Guest(double, database.scram) as other:
        client.enter()
        other.enter()
        for _ in range(5):
            client.query("SELECT 1")
            other.say(query("SELECT pg_sleep(0.03)"))
            client.cancel()
            other.answer()


# Whoever does not read


def test_who_does_not_read_holds_up_nobody(double: Agroal, database: Database) -> None:
    """D04"""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'ClientWrite'"
    with Guest(double, database.scram) as client, bounded(double.pid):
        client.enter().say(query("SELECT repeat('x', 1000000) FROM generate_series(1, 60)"))
        wait_until(lambda: database.query(waiting), "PostgreSQL waits for its client to read")
        with double.connect() as other:
            for n in range(20):
                assert other.execute("SELECT %s::int", (n,)).fetchone() == (n,)
        rows = [body for kind, body in client.answer() if kind == "D"]
        assert [len(row) for row in rows] == [1_000_006] * 60
        assert client.query("SELECT 1") == ["1"]


def test_a_great_row_and_a_great_parameter_stream(double: Agroal, database: Database) -> None:
    with Guest(double, database.scram) as client, bounded(double.pid):
        client.enter().say(query("SELECT repeat('x', 20000000)"))
        [row] = [body for kind, body in client.answer() if kind == "D"]
        assert len(row) == 20_000_006
        value = bytes(20_000_000)
        bind = message("B", b"\0\0" + struct.pack("!HHHI", 1, 1, 1, len(value)) + value + b"\0\0")
        client.say(message("P", b"\0SELECT length($1::bytea)\0\0\0") + bind + message("E", bytes(5)) + SYNC)
        assert [body[6:] for kind, body in client.answer() if kind == "D"] == [b"20000000"]


# What is illegal


def test_what_no_client_may_say_ends_that_client_alone(double: Agroal, database: Database, pipeline: str) -> None:
    """Q18: without a word in the performance pipeline, where it may be in the middle of an answer."""
    with double.connect() as other, Guest(double, database.scram) as client:
        other.execute("BEGIN")
        pid = backend_pid(other)
        client.enter().query("SELECT 1")
        told = client.say(message("y", b"what?")).end()
        assert told.get("C") == (None if pipeline == "performance" else "08P01")
        assert backend_pid(other) == pid
        with double.connect() as newcomer:
            assert newcomer.execute("SELECT 1").fetchone() == (1,)


# Counting


def test_queries_transactions_and_bytes_are_counted(double: Agroal, database: Database, pipeline: str) -> None:
    """Bytes alone in the performance pipeline, which does not look at messages."""
    before = double.snapshot().counters
    requests = [query("SELECT 1"), query("BEGIN"), batch("SELECT 2") + SYNC, query("SELECT 3"), query("COMMIT")]
    with Guest(double, database.scram) as client:
        client.enter()
        answers = [message for request in requests for message in client.say(request).answer()]
    wait_until(lambda: not double.snapshot().clients, "the client has gone")
    after = double.snapshot().counters

    assert after.queries - before.queries == (len(requests) if pipeline in COUNTING else 0)
    assert after.transactions - before.transactions == (2 if pipeline in COUNTING else 0)
    assert after.bytes_in - before.bytes_in == sum(map(len, requests))
    assert after.bytes_out - before.bytes_out == sum(5 + len(body) for _, body in answers)
