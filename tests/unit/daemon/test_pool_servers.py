from __future__ import annotations

import asyncio
import logging
import socket
import time

import pytest

from agroal.daemon import cleaning
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from tests.unit.daemon.scene import Scene, scene
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, TERMINATE, message

DISCARD = Script() << message("Q", b"DISCARD ALL\0")


class TestServers:
    @pytest.mark.parametrize("said", [b"", b"E", READY])
    @in_a_loop
    async def test_one_that_hangs_up_or_speaks_while_it_is_free_is_given_up(self, said: bytes) -> None:
        async with scene() as on:
            lease = await on.lease()
            await on.give_back(lease)
            peer = on.dialler.peers[1]
            if said:
                peer.send(said)
                await until(lambda: on.states() == ["remove"])  # it counts until its other end is gone
            peer.close()
            await until(lambda: on.states() == [])
            assert lease.server.channel.closed
            again = await on.lease()
            assert again.server.pid == 2
            await on.give_back(again)

    @pytest.mark.parametrize("said", [b"", b"E"])
    @in_a_loop
    async def test_one_found_dead_when_it_is_handed_over_is_replaced(self, said: bytes) -> None:
        async with scene() as on:
            await on.give_back(await on.lease())
            peer = on.dialler.peers[1]
            peer.send(said) if said else peer.close()
            lease = await on.lease()  # before the pump could notice
            assert lease.server.pid == 2
            peer.close()
            await until(lambda: on.states() == ["in-use"])
            await on.give_back(lease)

    @in_a_loop
    async def test_one_that_dies_between_grant_and_hand_over_is_replaced(self) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            (session,) = await on.queue(1)
            on.shell.give_back(lease, None)
            await until(session.waits.done)
            on.dialler.peers[1].close()
            on.pump.turn()
            assert on.states() == ["in-use"], "whoever has it will notice"
            again = await session.task
            assert again.server.pid == 2
            assert on.shell.holder(0) is session
            await on.give_back(again)

    @in_a_loop
    async def test_one_that_hangs_up_as_it_is_being_closed_is_closed_once(self) -> None:
        async with scene() as on:
            await on.give_back(await on.lease())
            flush(on, FlushMode.IDLE)
            on.dialler.peers[1].close()
            on.pump.turn()
            await settle()
            assert on.states() == []
            assert on.snapshot().totals.closes == {CloseReason.FLUSHED: 1}

    @in_a_loop
    async def test_one_is_reset_before_it_goes_to_the_next_client(self) -> None:
        async with scene("DISCARD ALL", max_connections=1) as on:
            lease = await on.lease()
            (session,) = await on.queue(1)
            on.shell.give_back(lease, None)
            await play(DISCARD, on.dialler.peers[1])
            await settle()
            assert not session.task.done(), "the server has not answered yet"
            await play(Script() >> message("C", b"DISCARD ALL\0") + READY, on.dialler.peers[1])
            lease = await session.task
            on.shell.give_back(lease, None)
            await play(DISCARD >> message("C", b"DISCARD ALL\0") + READY, on.dialler.peers[1])
            await until(lambda: on.states() == ["free"])

    @in_a_loop
    async def test_one_that_can_not_be_reset_is_closed(self, caplog: pytest.LogCaptureFixture) -> None:
        async with scene("DISCARD ALL") as on:
            with caplog.at_level(logging.INFO):
                on.shell.give_back(await on.lease(), None)
                refusal = message("E", b"SERROR\0C55000\0Mnot now\0\0")
                await play(DISCARD >> refusal + READY << TERMINATE, on.dialler.peers[1])
            assert "reset failed: not now" in caplog.text
            on.dialler.peers[1].close()
            await until(lambda: on.states() == [])
            closes = on.snapshot().totals.closes
            assert closes == {CloseReason.RESET_FAILED: 1}


def flush(on: Scene, mode: FlushMode) -> None:
    """As an administrator will."""
    on.shell._do(on.shell.core.flush(mode, None, time.monotonic()))


class TestFlushing:
    @in_a_loop
    async def test_all_ends_the_session_and_then_the_connection(self) -> None:
        async with scene() as on:
            session = on.session()
            lease = await session.ask()
            session.task = asyncio.create_task(asyncio.sleep(60, lease))  # it is being served
            flush(on, FlushMode.ALL)
            assert session.terminations == 1
            await settle()
            assert on.states() == ["flush"]
            assert received(on.dialler.peers[1]) == b"", "its client has not been told yet"
            on.shell.give_back(lease, None)
            await settle()
            assert received(on.dialler.peers[1]) == TERMINATE

    @in_a_loop
    async def test_all_between_grant_and_hand_over_closes_the_connection(self) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            (session,) = await on.queue(1)
            on.shell.give_back(lease, None)
            await until(session.waits.done)
            flush(on, FlushMode.ALL)
            await settle()
            assert session.task.cancelled()
            assert received(on.dialler.peers[1]) == TERMINATE
            assert (on.shell.holder(0), on.states()) == (None, ["flush"])

    @in_a_loop
    async def test_idle_leaves_the_leased_alone(self) -> None:
        async with scene() as on:
            kept, freed = await on.lease(), await on.lease()
            await on.give_back(freed)
            flush(on, FlushMode.IDLE)
            await settle()
            assert [received(peer) for peer in on.dialler.peers.values()] == [b"", TERMINATE]
            await on.give_back(kept)

    @in_a_loop
    async def test_closing_the_pool_waits_for_connects_under_way(self) -> None:
        async with scene() as on:
            on.dialler.open.clear()
            session = on.session()
            session.ask()
            await settle()
            closing = asyncio.create_task(on.shell.close())
            await settle()
            assert not closing.done()
            session.terminate()
            on.dialler.open.set()
            await until(lambda: on.dialler.peers)
            await settle()
            peer = on.dialler.peers[1]
            assert received(peer) == TERMINATE
            peer.shutdown(socket.SHUT_RDWR)
            await closing


@in_a_loop
async def test_a_mistake_of_ours_in_cleaning_closes_the_server_and_loses_no_slot(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    async with scene(max_connections=1) as on:
        first = await on.lease()
        monkeypatch.setattr(cleaning, "verdict", broken)
        await on.give_back(first)
        on.dialler.peers[1].close()
        await until(lambda: on.states() == [])
        assert "internal error" in caplog.text
