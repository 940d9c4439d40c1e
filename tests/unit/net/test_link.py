from __future__ import annotations

import asyncio

import pytest

from agroal.net import link
from agroal.net.link import Parting
from tests.unit.looping import in_a_loop
from tests.unit.net.pairs import Joined, joined, push, received
from tests.unit.wire.messages import READY, SYNC, TERMINATE, message

QUERY = message("Q", b"SELECT 1\0")
ANSWER = message("T", b"\0\0") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + READY


def parting(on: Joined) -> Parting | None:
    return on.link.ended.result() if on.link.ended.done() else None


@in_a_loop
async def test_bytes_cross_both_ways_as_they_are() -> None:
    with joined() as on:
        on.link.join()
        on.client.send(QUERY)
        on.turn()
        assert received(on.server) == QUERY
        on.server.send(ANSWER)
        on.turn()
        assert received(on.client) == ANSWER
        assert (on.tally.owed, on.link.requests.passed, on.link.answers.passed) == (0, len(QUERY), len(ANSWER))
        assert parting(on) is None


@in_a_loop
async def test_what_the_client_sent_ahead_crosses_first() -> None:
    with joined() as on:
        on.link.client.unread = QUERY[:7]
        on.link.join()
        on.client.send(QUERY[7:])
        on.turn()
        assert received(on.server) == QUERY
        assert on.tally.owed == 1


@in_a_loop
async def test_terminate_ends_the_link_and_stays_here() -> None:
    with joined() as on:
        on.link.join()
        on.client.send(QUERY + TERMINATE)
        on.turn()
        assert parting(on) is Parting.TERMINATED
        assert received(on.server) == QUERY


@in_a_loop
async def test_a_client_that_hangs_up_ends_the_link() -> None:
    with joined() as on:
        on.link.join()
        on.client.close()
        on.turn()
        assert parting(on) is Parting.CLIENT_GONE


@in_a_loop
async def test_a_client_that_breaks_the_protocol_ends_the_link_and_nothing_of_it_crosses() -> None:
    with joined() as on:
        on.link.join()
        on.client.send(b"!!!!!!!!")
        on.turn()
        assert parting(on) is Parting.CLIENT_VIOLATION
        assert on.link.violation is not None
        assert received(on.server) == b""


@in_a_loop
async def test_a_server_that_breaks_the_protocol_ends_the_link_and_nothing_of_it_crosses() -> None:
    with joined() as on:
        on.link.join()
        on.server.send(message("R", bytes(4)))
        on.turn()
        assert parting(on) is Parting.SERVER_VIOLATION
        assert received(on.client) == b""


@in_a_loop
async def test_the_last_words_of_a_server_reach_the_client() -> None:
    last = message("E", b"SFATAL\0VFATAL\0C57P01\0Mterminating\0\0")
    with joined() as on:
        on.link.join()
        on.server.send(last)
        on.server.close()
        on.turn()
        assert parting(on) is Parting.SERVER_LOST
        assert received(on.client) == last
        assert on.tally.fatal == "57P01 terminating"


@in_a_loop
async def test_the_last_words_are_heard_when_the_client_was_just_sending() -> None:
    last = message("E", b"SFATAL\0VFATAL\0C57P01\0Mterminating\0\0")
    with joined() as on:
        on.link.join()
        on.server.send(last)
        on.server.close()
        on.client.send(QUERY)
        on.link.requests.relay()  # the client's turn comes first, and there is nobody to send to
        assert parting(on) is Parting.SERVER_LOST
        assert received(on.client) == last


@in_a_loop
async def test_a_slow_client_is_waited_for_with_one_buffer_at_most() -> None:
    row = message("D", bytes(1 << 20))
    with joined(small=True) as on:
        on.link.join()
        unsent, got = row + READY, b""
        kept = 0
        while len(got) < len(row + READY):
            unsent = push(on.server, unsent)
            on.turn()
            kept = max(kept, len(on.link.client.unsent))
            got += received(on.client)
        assert got == row + READY
        assert kept <= len(on.pump.buffer)


@in_a_loop
async def test_neither_direction_blocks_the_other() -> None:
    """A client that sends a huge batch and does not read, before a server that answers and does not read."""
    requests, answers = message("P", bytes(1 << 19)) + SYNC, message("D", bytes(1 << 19)) + READY
    with joined(small=True) as on:
        on.link.join()
        to_server, to_client = requests, answers
        for _ in range(200):  # both write until nothing moves any more
            to_server, to_client = push(on.client, to_server), push(on.server, to_client)
            on.turn(1)
        assert to_server
        assert to_client
        got_server = got_client = b""
        while len(got_server) < len(requests) or len(got_client) < len(answers):
            got_server += received(on.server)
            got_client += received(on.client)
            to_server, to_client = push(on.client, to_server), push(on.server, to_client)
            on.turn(1)
        assert (got_server, got_client) == (requests, answers)


@in_a_loop
async def test_a_client_that_hangs_up_while_the_server_does_not_read_ends_the_link() -> None:
    with joined(small=True) as on:
        on.link.join()
        batch = message("P", bytes(1 << 20))
        while not on.link.server.unsent:
            batch, before = push(on.client, batch), batch
            assert batch != before, "the link does not read although nothing is kept"
            on.turn(1)
        on.client.close()
        on.turn()
        assert parting(on) is Parting.CLIENT_GONE


@in_a_loop
async def test_a_link_parts_once() -> None:
    with joined() as on:
        on.link.join()
        on.link.part(Parting.TERMINATED)
        on.link.part(Parting.SERVER_LOST)
        assert parting(on) is Parting.TERMINATED


@in_a_loop
async def test_a_server_that_is_gone_is_not_kept_for_a_client_that_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "LAST_WORDS_TIMEOUT", 0.02)
    with joined(small=True) as on:
        on.link.join()
        row = message("D", bytes(1 << 20))
        while not on.link.client.unsent:
            row = row[on.server.send(row) :]
            on.turn(1)
        on.server.close()
        on.turn()
        assert parting(on) is None
        async with asyncio.timeout(5):
            assert await on.link.ended is Parting.SERVER_LOST
