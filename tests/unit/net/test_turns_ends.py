from __future__ import annotations

import pytest

from agroal.net import link
from agroal.net.link import Parting
from tests.unit.looping import in_a_loop
from tests.unit.net.dancing import ANSWER, BEGIN, BEGUN, QUERY, dance
from tests.unit.net.pairs import push, received
from tests.unit.pipeline.model import query
from tests.unit.wire.messages import READY, TERMINATE, error, message

LAST = error("SFATAL", "VFATAL", "C57P01", "Mterminating connection")


class TestEnds:
    @in_a_loop
    async def test_a_goodbye_behind_a_query_stays_here(self) -> None:
        with dance() as on:
            on.client.send(QUERY + TERMINATE)
            on.turn()
            assert (on.parting, received(on.servers[0])) == (Parting.TERMINATED, QUERY)

    @pytest.mark.parametrize("said", [b"", BEGIN, QUERY[:4]])
    @in_a_loop
    async def test_a_client_that_hangs_up(self, said: bytes) -> None:
        with dance() as on:
            on.client.send(said)
            on.turn()
            on.client.close()
            on.turn()
            assert on.parting is Parting.CLIENT_GONE

    @pytest.mark.parametrize("before", [b"", BEGIN])
    @in_a_loop
    async def test_a_client_that_breaks_the_protocol(self, before: bytes) -> None:
        with dance() as on:
            on.client.send(before)
            on.turn()
            on.client.send(b"!!!!!!!!")
            on.turn()
            assert on.parting is Parting.CLIENT_VIOLATION
            assert received(on.servers[0]) == before

    @pytest.mark.parametrize("answer", [message("R", bytes(4)), READY + READY, message("1")])
    @in_a_loop
    async def test_a_server_that_breaks_the_protocol(self, answer: bytes) -> None:
        with dance() as on:
            on.client.send(QUERY)
            on.turn()
            on.servers[0].send(answer)
            on.turn()
            assert on.parting is Parting.SERVER_VIOLATION
            assert received(on.client) == b""

    @in_a_loop
    async def test_the_last_words_of_a_server_reach_the_client(self) -> None:
        with dance() as on:
            on.client.send(QUERY)
            on.turn()
            on.servers[0].send(LAST)
            on.servers[0].close()
            on.turn()
            assert (on.parting, received(on.client)) == (Parting.SERVER_LOST, LAST)
            assert on.turns.tally.fatal == "57P01 terminating connection"

    @in_a_loop
    async def test_they_are_heard_when_the_client_was_just_sending(self) -> None:
        with dance() as on:
            on.client.send(BEGIN)
            on.turn()
            on.servers[0].send(BEGUN + LAST)
            on.servers[0].close()
            on.client.send(QUERY)
            on.turns.requests.relay()
            assert (on.parting, received(on.client)) == (Parting.SERVER_LOST, BEGUN + LAST)

    @in_a_loop
    async def test_a_server_that_is_gone_is_not_kept_for_a_client_that_does_not_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(link, "LAST_WORDS_TIMEOUT", 0.02)
        with dance(small=True) as on:
            on.client.send(QUERY)
            on.turn()
            row = message("D", bytes(1 << 20))
            while not on.turns.client.unsent:
                row = push(on.servers[0], row)
                on.turn(1)
            on.servers[0].close()
            on.turn()
            assert on.parting is None
            assert await on.turns.ended is Parting.SERVER_LOST


class TestBackPressure:
    @in_a_loop
    async def test_a_slow_client_is_waited_for_with_one_buffer_at_most(self) -> None:
        answer = message("D", bytes(1 << 20)) + ANSWER
        with dance(small=True) as on:
            on.client.send(QUERY)
            on.turn()
            unsent, got, kept = answer, b"", 0
            while len(got) < len(answer):
                unsent = push(on.servers[0], unsent)
                on.turn()
                kept = max(kept, len(on.turns.client.unsent))
                got += received(on.client)
            assert got == answer
            assert kept <= len(on.pump.buffer)
            assert on.rests == 1

    @in_a_loop
    async def test_a_slow_server_is_waited_for_and_the_turn_is_over_later(self) -> None:
        request = query("SELECT '" + "x" * (1 << 20) + "'")
        with dance(small=True) as on:
            unsent, got = request, b""
            while len(got) < len(request):
                unsent = push(on.client, unsent)
                on.turn()
                got += received(on.servers[0])
            assert (got, on.rests) == (request, 0)
            on.servers[0].send(ANSWER)
            on.turn()
            assert (received(on.client), on.rests) == (ANSWER, 1)

    @in_a_loop
    async def test_the_next_server_waits_for_what_the_client_has_not_read_of_the_last(self) -> None:
        answer = message("D", bytes(500)) + ANSWER
        with dance(small=True) as on:
            turns = 0
            while not on.turns.client.unsent:
                on.free, turns = [0], turns + 1
                on.client.send(QUERY)
                on.turn()
                on.servers[0].send(answer)
                on.turn()
            assert on.rests == turns
            on.free = [1]
            on.client.send(QUERY)
            on.turn()
            on.servers[1].send(ANSWER)
            on.turn()
            assert on.rests == turns
            got, whole = b"", turns * answer + ANSWER
            while len(got) < len(whole):
                got += received(on.client)
                on.turn(1)
            assert (got, on.rests) == (whole, turns + 1)
