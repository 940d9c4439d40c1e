from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agroal.errors import PeerGone, ProtocolViolation
from agroal.net.alarm import alarms
from agroal.net.chosen import Channel
from agroal.net.converse import READ_AT_ONCE, Dialogue, converse
from agroal.wire.talk import Talk, read_only
from tests.unit.looping import in_a_loop, pumping, settle, until
from tests.unit.net.pairs import break_off, channel, received, waiting_for
from tests.unit.script import Script, play
from tests.unit.wire.messages import message

HELLO, ANSWER = message("h", b"hello"), message("a", b"answer")
SCRIPT = Script() << HELLO >> ANSWER << HELLO >> ANSWER


def ask(times: int = 1) -> Talk[list[bytes]]:
    answers = []
    for _ in range(times):
        yield HELLO
        answers.append((yield from read_only(ord("a"), "an answer")))
    return answers


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[socket.socket, Channel]]:
    """A peer's socket and our channel to it, on a pump that turns."""
    async with pumping() as pump:
        with channel(pump, "the peer") as both:
            yield both


@in_a_loop
async def test_the_outcome_of_a_talk_comes_over_the_socket() -> None:
    async with connected() as (peer, ours):
        answers, _ = await asyncio.gather(converse(ours, ask(2)), play(SCRIPT, peer))
        assert answers == [b"answer", b"answer"]


@in_a_loop
async def test_what_comes_behind_is_left_to_the_next_talk() -> None:
    async with connected() as (peer, ours):
        peer.send(ANSWER + ANSWER + b"rest")
        assert await converse(ours, ask()) == [b"answer"]
        assert ours.unread == ANSWER + b"rest"
        assert await converse(ours, ask()) == [b"answer"]
        assert ours.unread == b"rest"
        assert received(peer) == HELLO + HELLO


@pytest.mark.parametrize("said", [b"", ANSWER[:3], ANSWER])
@in_a_loop
async def test_what_the_peer_has_said_already_is_heard_at_once(said: bytes) -> None:
    async with connected() as (peer, ours):
        peer.send(said)
        waiting = asyncio.create_task(converse(ours, ask(), at_once=True))
        await asyncio.sleep(0)
        assert waiting.done() == (said == ANSWER), "the pump has not turned yet"
        peer.send(ANSWER[len(said) :])
        assert await waiting == [b"answer"]


@in_a_loop
async def test_what_comes_after_the_end_stays_in_the_kernel() -> None:
    async with connected() as (peer, ours):
        peer.send(ANSWER)
        await converse(ours, ask())
        peer.send(b"later")
        await settle()
        assert (ours.unread, ours.peek()) == (b"", b"l")


@in_a_loop
async def test_a_long_answer_is_read_in_pieces() -> None:
    body = bytes(3 * READ_AT_ONCE)
    async with connected() as (peer, ours):
        answers, _ = await asyncio.gather(converse(ours, ask()), play(Script() << HELLO >> message("a", body), peer))
        assert answers == [body]


@in_a_loop
async def test_the_limit_of_a_message_is_the_callers() -> None:
    async with connected() as (peer, ours):
        peer.send(message("a", bytes(100)))
        with pytest.raises(ProtocolViolation, match="invalid message length"):
            await converse(ours, ask(), limit=103)


@in_a_loop
async def test_a_talk_that_fails_has_said_what_it_had_to_say() -> None:
    async with connected() as (peer, ours):
        peer.send(message("b"))
        with pytest.raises(ProtocolViolation, match="expected an answer"):
            await converse(ours, ask())
        assert received(peer) == HELLO
        assert not ours.attended


@in_a_loop
async def test_a_talk_that_fails_at_once_needs_no_peer() -> None:
    def impossible() -> Talk[None]:
        yield b""
        raise ProtocolViolation("no")

    async with connected() as (_, ours):
        with pytest.raises(ProtocolViolation, match="no"):
            await converse(ours, impossible())


@in_a_loop
async def test_a_mistake_of_ours_is_raised_as_it_is() -> None:
    def mistaken() -> Talk[None]:
        yield from read_only(ord("a"), "an answer")
        raise KeyError("oops")

    async with connected() as (peer, ours):
        peer.send(ANSWER)
        with pytest.raises(KeyError, match="oops"):
            await converse(ours, mistaken())


@pytest.mark.parametrize("said", [b"", ANSWER[:3]])
@in_a_loop
async def test_a_peer_that_hangs_up_in_the_middle_is_gone(said: bytes) -> None:
    async with connected() as (peer, ours):
        peer.send(said)
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(PeerGone, match="the peer closed the connection"):
            await converse(ours, ask())


@in_a_loop
async def test_a_peer_that_hung_up_before_is_gone() -> None:
    async with connected() as (peer, ours):
        peer.close()
        with pytest.raises(PeerGone):
            await converse(ours, ask())


@in_a_loop
async def test_a_connection_that_breaks_is_a_peer_that_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    async with pumping() as pump:
        ours = Channel(pump, accepted, "the peer")
        waiting = asyncio.create_task(converse(ours, ask(2)))
        peer.send(ANSWER)
        await until(lambda: waiting_for(peer) == len(HELLO + HELLO))
        break_off(peer)
        with pytest.raises(PeerGone):
            await waiting
        ours.close()


@in_a_loop
async def test_what_the_peer_said_before_it_hung_up_counts() -> None:
    async with connected() as (peer, ours):
        peer.send(ANSWER)
        peer.shutdown(socket.SHUT_WR)
        assert await converse(ours, ask()) == [b"answer"]


@in_a_loop
async def test_a_peer_that_takes_too_long_is_not_waited_for() -> None:
    async with connected() as (_, ours):
        with pytest.raises(TimeoutError):
            await converse(ours, ask(), seconds=0.02)
        assert not ours.attended


@in_a_loop
async def test_the_time_for_a_conversation_ends_with_it() -> None:
    running = alarms()
    async with connected() as (peer, ours):
        waiting = asyncio.create_task(converse(ours, ask(), seconds=60))
        await settle()
        assert len(running) == 1
        peer.send(ANSWER)
        assert await waiting == [b"answer"]
    assert len(running) == 0, "else it would fall into the next conversation"


@in_a_loop
async def test_a_dialogue_tells_its_outcome_without_a_task() -> None:
    heard: list[tuple[object, object]] = []
    async with connected() as (peer, ours):
        Dialogue(ours, ask(), lambda *outcome: heard.append(outcome)).start()
        assert heard == []
        peer.send(ANSWER + b"rest")
        await until(lambda: heard)
        assert heard == [([b"answer"], None)]
        assert (ours.unread, ours.attended) == (b"rest", False)


@in_a_loop
async def test_a_dialogue_tells_what_ended_it() -> None:
    heard: list[tuple[object, Exception | None]] = []
    async with connected() as (peer, ours):
        Dialogue(ours, ask(), lambda *outcome: heard.append(outcome)).start()
        peer.close()
        await until(lambda: heard)
    [(result, error)] = heard
    assert result is None
    assert isinstance(error, PeerGone)


@in_a_loop
async def test_a_dialogue_that_was_ended_tells_nothing_more() -> None:
    heard: list[tuple[object, object]] = []
    async with connected() as (peer, ours):
        dialogue = Dialogue(ours, ask(), lambda *outcome: heard.append(outcome))
        dialogue.start(60)
        dialogue.end()
        dialogue.end()
        peer.send(ANSWER)
        await settle()
        assert (heard, ours.peek(), len(alarms())) == ([], b"a", 0)


@in_a_loop
async def test_a_conversation_that_is_given_up_hears_nothing_more() -> None:
    ended: list[bool] = []

    def noted() -> Talk[list[bytes]]:
        try:
            return (yield from ask())
        finally:
            ended.append(True)

    async with connected() as (peer, ours):
        given_up = asyncio.create_task(converse(ours, noted()))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert ended == [True]
        peer.send(ANSWER)
        await settle()
        assert ours.peek() == ANSWER[:1], "it is for whoever asks next"


@in_a_loop
async def test_a_peer_that_does_not_read_is_no_reason_to_stop() -> None:
    def long() -> Talk[bytes]:
        yield bytes(1 << 21)
        return (yield from read_only(ord("a"), "an answer"))

    async with pumping() as pump:
        with channel(pump, "the peer", small=True) as (peer, ours):
            peer.send(ANSWER)
            assert await converse(ours, long()) == b"answer"
            assert ours.unsent
