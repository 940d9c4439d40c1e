"""A client leaves in the middle of something, in any way. The next one gets a clean server, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.integration.by_hand import COPY_DONE, FLUSH, TRUSTING, Guest, Refused, batch, copy_data, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import SYNC, message

INSERT = "INSERT INTO marks VALUES (1)"
FOR_EVER = "SELECT pg_sleep(3600)"
ENDLESS = "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"

WAYS_TO_GO = [Guest.terminate, Guest.hang_up, Guest.break_off]

TRACES = """
SELECT (SELECT count(*) FROM marks),
       (SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
         WHERE locktype = 'advisory' AND datname = current_database()),
       (SELECT count(*) FROM pg_prepared_statements),
       (SELECT count(*) FROM pg_cursors),
       (SELECT count(*) FROM pg_listening_channels()),
       to_regclass('scratch'),
       current_setting('work_mem') = '7MB',
       now() = statement_timestamp()
"""
NO_TRACES = (0, 0, 0, 0, 0, None, False, True)


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    """A pool of one connection: what is wrong with it, the next client sees."""
    return module_agroal(database, max_connections=1, blocking_timeout=5, hba=TRUSTING)


@pytest.fixture(scope="module", autouse=True)
def marks(database: Database) -> None:
    """The table in which nobody leaves a row."""
    database.query("CREATE TABLE marks (n int)")
    database.query("GRANT ALL ON marks TO PUBLIC")


@pytest.fixture(autouse=True)
def see_that_the_next_client_is_alone_on_a_clean_server(pool: Agroal, database: Database) -> Iterator[None]:
    yield
    with pool.connect() as client:
        connections = database.activity(database.scram)
        assert [one.pid for one in connections] == [backend_pid(client)], connections
        assert client.execute(TRACES).fetchone() == NO_TRACES
        with client.transaction():
            client.execute("LOCK TABLE marks IN ACCESS EXCLUSIVE MODE NOWAIT")


# Where a client may be when it goes: each brings it there.


def idle_and_with_a_session_full_of_things(client: Guest, database: Database) -> None:
    client.query("SET work_mem = '7MB'; CREATE TEMP TABLE scratch (n int); LISTEN news; SELECT pg_advisory_lock(1)")
    client.query("PREPARE mine AS SELECT 1; BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT")


def in_a_transaction(client: Guest, database: Database) -> None:
    client.query(f"BEGIN; {INSERT}; LOCK TABLE marks; SELECT pg_advisory_xact_lock(1)")


def in_a_failed_transaction(client: Guest, database: Database) -> None:
    client.query(f"BEGIN; {INSERT}")
    with pytest.raises(Refused):
        client.query("SELECT 1 / 0")


def in_the_middle_of_a_result(client: Guest, database: Database) -> None:
    client.say(query(f"{INSERT}; {ENDLESS}"))
    client.answer("D")


def in_the_middle_of_a_copy_in(client: Guest, database: Database) -> None:
    client.say(query("COPY marks FROM STDIN"))
    client.answer("G")
    client.say(copy_data(b"1\n"))


def in_the_middle_of_a_message_of_a_copy_in(client: Guest, database: Database) -> None:
    in_the_middle_of_a_copy_in(client, database)
    client.say(copy_data(b"1\n" * 100)[:50])


def behind_the_end_of_a_copy_in_before_its_sync(client: Guest, database: Database) -> None:
    client.say(batch("COPY marks FROM STDIN"), FLUSH)
    client.answer("G")
    client.say(copy_data(b"1\n"), COPY_DONE, FLUSH)
    client.answer("C")


def in_the_middle_of_a_copy_out(client: Guest, database: Database) -> None:
    client.say(query(f"{INSERT}; COPY ({ENDLESS}) TO STDOUT"))
    client.answer("d")


def in_the_middle_of_a_query_message(client: Guest, database: Database) -> None:
    client.say(query(f"{INSERT};" * 100)[:200])


def in_the_middle_of_a_message_header(client: Guest, database: Database) -> None:
    client.say(query(INSERT)[:3])


def in_a_transaction_and_a_message(client: Guest, database: Database) -> None:
    in_a_transaction(client, database)
    client.say(query("COMMIT")[:-1])


def behind_parse_before_sync(client: Guest, database: Database) -> None:
    client.say(message("P", b"mine\0" + INSERT.encode() + b"\0\0\0"))


def behind_execute_before_sync(client: Guest, database: Database) -> None:
    client.say(batch(INSERT), FLUSH)
    client.answer("C")


def behind_a_failed_execute_before_sync(client: Guest, database: Database) -> None:
    client.say(batch(INSERT), batch("SELECT 1 / 0"), batch(INSERT), FLUSH)
    with pytest.raises(Refused):
        client.answer()


def behind_sync_before_its_results(client: Guest, database: Database) -> None:
    client.say(batch(INSERT), batch(FOR_EVER), SYNC)
    wait_for_the_sleeper(database)


def in_a_long_query(client: Guest, database: Database) -> None:
    client.say(query(f"{INSERT}; {FOR_EVER}"))
    wait_for_the_sleeper(database)


def in_a_long_query_in_a_transaction(client: Guest, database: Database) -> None:
    in_a_transaction(client, database)
    in_a_long_query(client, database)


def in_a_long_query_of_a_batch_before_sync(client: Guest, database: Database) -> None:
    client.say(batch(INSERT), batch(FOR_EVER), FLUSH)
    wait_for_the_sleeper(database)


def in_a_long_query_and_the_next_message(client: Guest, database: Database) -> None:
    in_a_long_query(client, database)
    client.say(query(INSERT)[:-1])


def in_a_long_query_with_another_behind_it(client: Guest, database: Database) -> None:
    in_a_long_query(client, database)
    client.say(query(f"{INSERT}; {FOR_EVER}"))


def in_a_long_query_with_more_behind_it_than_the_server_takes(client: Guest, database: Database) -> None:
    in_a_long_query(client, database)
    more = query("SELECT 1 -- " + "x" * 65_000)
    goal = relayed(client)
    while is_relayed(client, goal):
        client.say(more)
        goal += len(more)


SITUATIONS = [
    idle_and_with_a_session_full_of_things,
    in_a_transaction,
    in_a_failed_transaction,
    in_the_middle_of_a_result,
    in_the_middle_of_a_copy_in,
    in_the_middle_of_a_message_of_a_copy_in,
    behind_the_end_of_a_copy_in_before_its_sync,
    in_the_middle_of_a_copy_out,
    in_the_middle_of_a_query_message,
    in_the_middle_of_a_message_header,
    in_a_transaction_and_a_message,
    behind_parse_before_sync,
    behind_execute_before_sync,
    behind_a_failed_execute_before_sync,
    behind_sync_before_its_results,
    in_a_long_query,
    in_a_long_query_in_a_transaction,
    in_a_long_query_of_a_batch_before_sync,
    in_a_long_query_and_the_next_message,
    in_a_long_query_with_another_behind_it,
    in_a_long_query_with_more_behind_it_than_the_server_takes,
]


def relayed(client: Guest) -> int:
    """Bytes that have been passed on for the only client."""
    [slot] = client.pool.snapshot().slots
    return slot.bytes_in


def is_relayed(client: Guest, goal: int) -> bool:
    """Whether that many bytes have been passed on for it, or will be in a moment."""
    try:
        wait_until(lambda: relayed(client) == goal, f"{goal} bytes have been passed on", timeout=0.3)
    except AssertionError:
        return False
    return True


def wait_for_the_sleeper(database: Database) -> None:
    def sleeping() -> bool:
        return any(one.state == "active" and FOR_EVER in one.query for one in database.activity(database.scram))

    wait_until(sleeping, "the query runs that runs for ever")


@pytest.mark.parametrize("go", WAYS_TO_GO, ids=lambda go: go.__name__)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_a_client_goes(
    pool: Agroal, database: Database, situation: Callable[[Guest, Database], None], go: Callable[[Guest], None]
) -> None:
    client = Guest(pool, database.scram).enter()
    situation(client, database)
    go(client)


@pytest.mark.parametrize("go", WAYS_TO_GO, ids=lambda go: go.__name__)
def test_a_client_goes_while_it_waits_in_the_queue(
    pool: Agroal, database: Database, go: Callable[[Guest], None]
) -> None:
    with Guest(pool, database.scram).enter() as holder:
        waiting = Guest(pool, database.scram).queue()
        go(waiting)
        wait_until(lambda: not pool.snapshot().waiters, "nobody waits any more")
        assert holder.query("SELECT 1") == ["1"]


@pytest.mark.parametrize("go", WAYS_TO_GO, ids=lambda go: go.__name__)
def test_a_client_goes_at_the_moment_when_its_turn_comes(
    pool: Agroal, database: Database, go: Callable[[Guest], None]
) -> None:
    with ExitStack() as clients:
        holder = clients.enter_context(Guest(pool, database.scram)).enter()
        for _ in range(30):
            vanishing = Guest(pool, database.scram).queue()
            following = clients.enter_context(Guest(pool, database.scram))
            holder.terminate()
            go(vanishing)
            holder = following.enter()
            assert len(database.activity(database.scram)) == 1


def test_a_client_goes_that_has_sent_ahead_while_it_waited(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as holder:
        waiting = Guest(pool, database.scram)
        waiting.say(query(INSERT), query(FOR_EVER))
        waiting.queue().hang_up()
        holder.terminate()


def test_a_client_that_closes_its_half_of_the_connection_is_gone(pool: Agroal, database: Database) -> None:
    with Guest(pool, database.scram).enter() as client:
        in_a_long_query(client, database)
        client.say_no_more()
        assert client.hear() is None
