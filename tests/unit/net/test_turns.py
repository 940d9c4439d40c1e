from __future__ import annotations

import pytest

from agroal.errors import Cancelled
from agroal.net.link import Parting
from agroal.net.turns import Place
from tests.unit.looping import in_a_loop
from tests.unit.net.dancing import ANSWER, BEGIN, BEGUN, QUERY, dance
from tests.unit.net.pairs import received
from tests.unit.pipeline.model import bind, execute, parse
from tests.unit.wire.messages import READY, SYNC, TERMINATE, error, message


class TestTurns:
    @in_a_loop
    async def test_each_transaction_has_the_server_that_is_free(self) -> None:
        with dance() as on:
            for server in on.servers:
                on.client.send(QUERY)
                on.turn()
                assert (received(server), on.turns.place) == (QUERY, Place.JOINED)
                server.send(ANSWER)
                on.turn()
                assert (received(on.client), on.turns.place) == (ANSWER, Place.IDLE)
            assert (on.rests, on.parting) == (2, None)

    @in_a_loop
    async def test_one_server_for_a_whole_transaction(self) -> None:
        with dance() as on:
            on.client.send(BEGIN)
            on.turn()
            on.servers[0].send(BEGUN)
            on.turn()
            on.client.send(QUERY)
            on.turn()
            assert received(on.servers[0]) == BEGIN + QUERY
            assert (on.rests, on.turns.place) == (0, Place.JOINED)

    @in_a_loop
    async def test_bytes_may_come_one_by_one(self) -> None:
        with dance() as on:
            for byte in QUERY:
                on.client.send(bytes([byte]))
                on.turn(1)
            assert received(on.servers[0]) == QUERY
            for byte in ANSWER:
                on.servers[0].send(bytes([byte]))
                on.turn(1)
            assert (received(on.client), on.rests) == (ANSWER, 1)

    @in_a_loop
    async def test_what_the_client_sent_ahead_comes_first(self) -> None:
        with dance() as on:
            on.turns.client.unread = QUERY[:7]
            on.turns.start()
            on.client.send(QUERY[7:])
            on.turn()
            assert received(on.servers[0]) == QUERY

    @in_a_loop
    async def test_a_statement_goes_along_and_its_making_is_not_heard_twice(self) -> None:
        with dance() as on:
            on.client.send(parse("a", "SELECT 1") + SYNC)
            on.turn()
            on.servers[0].send(message("1") + READY)
            on.turn()
            on.client.send(bind("a") + execute() + SYNC)
            on.turn()
            assert received(on.servers[1]) == parse("agroal_1", "SELECT 1") + bind("agroal_1") + execute() + SYNC
            on.servers[1].send(message("1") + message("2") + ANSWER)
            on.turn()
            assert received(on.client) == message("1") + READY + message("2") + ANSWER

    @in_a_loop
    async def test_a_batch_that_can_be_healed_is_sent_again_once(self) -> None:
        lost = error("SERROR", "VERROR", "C26000", 'Mprepared statement "agroal_1" does not exist')
        run = bind("agroal_1") + execute() + SYNC
        with dance(free=(0, 0)) as on:
            on.client.send(parse("a", "SELECT 1") + SYNC)
            on.turn()
            on.servers[0].send(message("1") + READY)
            on.turn()
            received(on.servers[0])
            on.client.send(bind("a") + execute() + SYNC)
            on.turn()
            on.servers[0].send(lost + READY)
            on.turn()
            again = message("C", b"Sagroal_1\0") + parse("agroal_1", "SELECT 1") + run
            assert received(on.servers[0]) == run + again
            on.servers[0].send(message("3") + lost + READY)
            on.turn()
            told = error("SERROR", "VERROR", "C26000", 'Mprepared statement "a" does not exist')
            assert received(on.client) == message("1") + READY + told + READY
            assert received(on.servers[0]) == b""


class TestWaiting:
    @in_a_loop
    async def test_what_was_said_is_kept_and_more_stays_where_it_is(self) -> None:
        with dance(free=()) as on:
            on.client.send(BEGIN)
            on.turn()
            on.client.send(QUERY)
            on.turn()
            assert (on.turns.place, on.turns.client.unread) == (Place.WAITING, BEGIN)
            on.turns.hand.hold(on.leases[0])
            on.turns.go_on()
            on.turn()
            assert received(on.servers[0]) == BEGIN + QUERY

    @pytest.mark.parametrize("said_more", [False, True])
    @in_a_loop
    async def test_who_hangs_up_leaves_the_queue(self, said_more: bool) -> None:
        with dance(free=()) as on:
            on.client.send(BEGIN)
            on.turn()
            if said_more:
                on.client.send(QUERY)
                on.turn()
            on.client.close()
            on.turn()
            assert (on.parting, on.queue_left) == (Parting.CLIENT_GONE, 1)

    @in_a_loop
    async def test_one_that_is_refused_has_left_the_queue(self) -> None:
        refusal = Cancelled("canceling statement due to user request")
        with dance(free=()) as on:
            on.client.send(BEGIN)
            on.turn()
            on.turns.refuse(refusal)
            assert (on.parting, on.queue_left, on.turns.refusal) == (Parting.REFUSED, 1, refusal)

    @in_a_loop
    async def test_a_goodbye_asks_for_no_server(self) -> None:
        with dance() as on:
            on.client.send(TERMINATE)
            on.turn()
            assert (on.parting, on.free) == (Parting.TERMINATED, [0, 1])
