from __future__ import annotations

import logging
import socket

import pytest

from agroal.config.choices import SessionState
from agroal.daemon.state import State
from agroal.pipeline.evidence import Trace
from tests.unit.daemon.lobby import ANSWER, QUERY, let_in, told
from tests.unit.daemon.turning import BEGIN, BEGUN, COMMIT, COMMITTED, DISCARD, DISCARDED, floor
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.pipeline.model import bind, execute, parse
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import READY, SYNC, TERMINATE, adopting, error, message, parameter, startup

LISTEN, LISTENING = message("Q", b"LISTEN news\0"), message("C", b"LISTEN\0") + READY
UNLISTEN, SILENT = message("Q", b"UNLISTEN *\0"), message("C", b"UNLISTEN\0") + READY
MINE = message("Q", b"SET application_name = 'mine'\0")
MADE_MINE = parameter("application_name", "mine") + message("C", b"SET\0") + READY
SET = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + message("3") + READY


class TestTurns:
    @in_a_loop
    async def test_clients_take_turns_on_one_server(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            for client in (first, second, first):
                await at.exchange(client)
            assert (list(at.on.dialler.peers), at.session(1).situation) == ([1], State.IDLE)
            await at.leave(first, second)

    @in_a_loop
    async def test_in_a_transaction_a_client_keeps_its_server_and_others_wait(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            second.send(QUERY)
            await until(lambda: at.session(2).situation is State.WAITING)
            assert at.session(1).situation is State.ACTIVE
            assert waiting_for(at.server()) == 0
            await at.exchange(first, COMMIT, COMMITTED)
            await play(Script() << QUERY >> ANSWER, at.server())
            assert await read(second, len(ANSWER)) == ANSWER
            await at.leave(first, second)

    @in_a_loop
    async def test_two_at_once_have_two_servers(self) -> None:
        async with floor(max_connections=2) as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            second.send(BEGIN)
            await until(lambda: 2 in at.on.dialler.peers)
            await play(Script() << BEGIN >> BEGUN, at.server(2))
            assert await read(second, len(BEGUN)) == BEGUN
            await at.exchange(first, COMMIT, COMMITTED)
            await at.exchange(second, COMMIT, COMMITTED, pid=2)
            await at.leave(first, second)

    @in_a_loop
    async def test_a_prepared_statement_goes_along(self) -> None:
        async with floor(max_connections=2) as at:
            first, second = await at.join(), await at.join()
            prepare, bound = parse("agroal_1", "SELECT 1"), bind("agroal_1") + execute() + SYNC
            first.send(parse("a", "SELECT 1") + SYNC)
            await play(Script() << prepare + SYNC >> message("1") + READY, at.server(1))
            assert await read(first, 11) == message("1") + READY
            await at.exchange(second, BEGIN, BEGUN)
            first.send(bind("a") + execute() + SYNC)
            await until(lambda: 2 in at.on.dialler.peers)
            done = message("2") + message("C", b"SELECT 0\0") + READY
            await play(Script() << prepare + bound >> message("1") + done, at.server(2))
            assert await read(first, len(done)) == done
            await at.exchange(second, COMMIT, COMMITTED)
            await at.leave(first, second)


class TestWaiting:
    @in_a_loop
    async def test_a_wait_that_is_cancelled_is_an_error_and_no_end(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            second.send(QUERY)
            await until(lambda: at.session(2).situation is State.WAITING)
            at.session(2).cancel_wait()
            await settle()
            answer = received(second)
            assert b"C57014\0" in answer
            assert answer.endswith(READY)
            await at.exchange(first, COMMIT, COMMITTED)
            await at.exchange(second)
            await at.leave(first, second)

    @in_a_loop
    async def test_who_asked_for_more_than_one_thing_has_to_go(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            second.send(QUERY * 2)
            await until(lambda: at.session(2).situation is State.WAITING)
            at.session(2).cancel_wait()
            await at.lives[1]
            assert told(second)["C"] == "57014"
            await at.exchange(first, COMMIT, COMMITTED)
            await at.leave(first)

    @in_a_loop
    async def test_who_hangs_up_is_not_waited_for(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            second.send(QUERY)
            await until(lambda: at.session(2).situation is State.WAITING)
            second.close()
            await at.lives[1]
            assert at.on.shell.asking == {}
            await at.exchange(first, COMMIT, COMMITTED)
            await at.exchange(first)
            await at.leave(first)


class TestEnds:
    @in_a_loop
    async def test_who_hangs_up_in_a_transaction_leaves_a_clean_server(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            first.close()
            rolled_back = message("C", b"ROLLBACK\0") + READY
            script = Script() << message("Q", b"ROLLBACK\0") >> rolled_back << DISCARD >> DISCARDED
            await play(script, at.server())
            await at.exchange(second)
            await at.leave(second)

    @in_a_loop
    @pytest.mark.parametrize("goodbye", [TERMINATE, b""])
    async def test_who_asks_and_goes_while_its_server_is_prepared_is_heard_all_the_same(self, goodbye: bytes) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, MINE, MADE_MINE)
            second.send(QUERY)
            await play(Script() << adopting("application_name", "psql"), at.server())
            second.send(goodbye)
            second.shutdown(socket.SHUT_WR)
            await settle()
            back = SET[:-6] + parameter("application_name", "psql") + READY
            await play(Script() >> back << QUERY >> ANSWER, at.server())
            if goodbye:
                await play(Script() << DISCARD >> DISCARDED, at.server())
            await at.lives[1]
            await at.leave(first)

    @in_a_loop
    async def test_the_last_words_of_a_server_reach_its_client_and_others_go_on(self) -> None:
        last = error("SFATAL", "VFATAL", "C57P01", "Mterminating connection")
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            at.server().send(last)
            at.server().close()
            await at.lives[0]
            assert received(first).startswith(last)
            second.send(QUERY)
            await until(lambda: 2 in at.on.dialler.peers)
            await play(Script() << QUERY >> ANSWER, at.server(2))
            await at.leave(second)

    @in_a_loop
    async def test_a_server_that_dies_between_two_turns_is_nobodys_end(self) -> None:
        async with floor() as at:
            client = await at.join()
            await at.exchange(client)
            at.server().close()
            await settle()
            client.send(QUERY)
            await until(lambda: 2 in at.on.dialler.peers)
            await play(Script() << QUERY >> ANSWER, at.server(2))
            assert await read(client, len(ANSWER)) == ANSWER
            await at.leave(client)

    @in_a_loop
    @pytest.mark.parametrize(
        "wrong",
        [b"D\0\0\0\1", SET[:-6] + parameter("application_name", "psql") + READY + message("N", b"\0")],
        ids=["it breaks the protocol", "it says more"],
    )
    async def test_a_server_that_is_lost_while_it_is_prepared_is_nobodys_end(self, wrong: bytes) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, MINE, MADE_MINE)
            second.send(QUERY)
            await play(Script() << adopting("application_name", "psql") >> wrong << TERMINATE, at.server())
            at.server().close()
            await until(lambda: 2 in at.on.dialler.peers)
            await play(Script() << QUERY >> ANSWER, at.server(2))
            assert await read(second, len(ANSWER)) == ANSWER
            await at.leave(first, second)

    @in_a_loop
    async def test_a_client_that_breaks_the_protocol_is_told(self) -> None:
        async with floor() as at:
            client = await at.join()
            client.send(b"!!!!!!!!")
            await at.lives[0]
            assert told(client)["C"] == "08P01"


class TestSettings:
    @in_a_loop
    async def test_each_client_finds_its_own(self) -> None:
        async with floor() as at:
            first = await at.join()
            await at.exchange(first)
            second = at.enter()
            changed = SET[:-6] + parameter("application_name", "other") + READY
            second.send(startup("user", "ann", "database", "shop", "application_name", "other"))
            await play(Script() << adopting("application_name", "other") >> changed, at.server())
            welcome = let_in(2) + parameter("application_name", "other") + READY
            assert await read(second, len(welcome)) == welcome
            await at.exchange(second)
            back = SET[:-6] + parameter("application_name", "psql") + READY
            first.send(QUERY)
            await play(Script() << adopting("application_name", "psql") >> back << QUERY >> ANSWER, at.server())
            assert await read(first, len(ANSWER)) == ANSWER
            await at.leave(first, second)

    @in_a_loop
    async def test_what_a_client_sets_of_the_reported_ones_goes_with_it(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, MINE, MADE_MINE)
            assert at.session(1).situation is State.IDLE
            second.send(QUERY)
            back = SET[:-6] + parameter("application_name", "psql") + READY
            await play(Script() << adopting("application_name", "psql") >> back << QUERY >> ANSWER, at.server())
            first.send(QUERY)
            again = SET[:-6] + parameter("application_name", "mine") + READY
            await play(Script() << adopting("application_name", "mine") >> again << QUERY >> ANSWER, at.server())
            await at.leave(first, second)


class TestSessionState:
    @in_a_loop
    async def test_pin_lets_a_client_keep_its_server_while_it_has_something_there(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            with caplog.at_level(logging.INFO, "agroal.session"):
                await at.exchange(first, LISTEN, LISTENING)
            assert at.session(1).situation is State.ACTIVE
            assert at.daemon.pins == {(Trace.LISTEN, "ann", "psql"): 1}
            assert any("keeps its server: it listens" in line for line in caplog.messages)
            second.send(QUERY)
            await until(lambda: at.session(2).situation is State.WAITING)
            await at.exchange(first, UNLISTEN, SILENT)
            await play(Script() << QUERY >> ANSWER, at.server())
            await at.leave(first, second)

    @in_a_loop
    async def test_reject_ends_the_client(self) -> None:
        async with floor(session_state=SessionState.REJECT) as at:
            client = await at.join()
            client.send(LISTEN)
            await play(Script() << LISTEN >> LISTENING << DISCARD >> DISCARDED, at.server())
            await at.lives[0]
            assert b"it listens to notifications" in received(client)

    @in_a_loop
    async def test_reset_takes_it_away(self) -> None:
        async with floor(session_state=SessionState.RESET) as at:
            client = await at.join()
            client.send(LISTEN)
            await play(Script() << LISTEN >> LISTENING << DISCARD >> DISCARDED, at.server())
            assert await read(client, len(LISTENING)) == LISTENING
            await at.exchange(client)
            await at.leave(client)

    @in_a_loop
    async def test_warn_says_so(self, caplog: pytest.LogCaptureFixture) -> None:
        async with floor(session_state=SessionState.WARN) as at:
            client = await at.join()
            await at.exchange(client, LISTEN, LISTENING)
            assert any("leaves something behind for others" in line for line in caplog.messages)
            assert at.session(1).situation is State.IDLE
            await at.leave(client)

    @in_a_loop
    async def test_a_reset_query_may_run_after_each_turn(self) -> None:
        async with floor(server_reset_query_always=True, server_reset_query="DISCARD ALL") as at:
            client = await at.join()
            for _ in range(2):
                client.send(QUERY)
                await play(Script() << QUERY >> ANSWER << DISCARD >> DISCARDED, at.server())
                assert await read(client, len(ANSWER)) == ANSWER
            await at.leave(client)


@in_a_loop
async def test_each_hand_over_can_be_proved_by_a_canary() -> None:
    async with floor(canary=True) as at:
        client = await at.join()
        client.send(QUERY)
        sql = "SELECT 1/(pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) 1)::pg_catalog.int4"
        await play(Script() << message("Q", sql.encode() + b"\0") >> ANSWER << QUERY >> ANSWER, at.server())
        assert await read(client, len(ANSWER)) == ANSWER
        await at.leave(client)


@in_a_loop
async def test_what_is_relayed_is_counted_for_the_client_and_its_servers() -> None:
    async with floor() as at:
        first, second = await at.join(), await at.join()
        await at.exchange(first)
        await at.exchange(second)
        traffic = at.session(1).traffic
        assert (traffic.queries, traffic.transactions, traffic.bytes_in) == (1, 1, len(QUERY))
        await at.leave(first, second)
        await at.lives[0]
        await at.lives[1]
        totals = at.on.shell.servers[0].totals
        assert (totals.queries, totals.transactions, totals.bytes_out) == (2, 2, 2 * len(ANSWER))
