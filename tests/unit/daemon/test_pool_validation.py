from __future__ import annotations

import asyncio

import pytest

from agroal.config.choices import Validation
from agroal.daemon import cleaning, shell
from agroal.daemon.lease import Lease
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.settings import PoolSettings
from tests.unit.daemon.scene import Scene, scene
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, TERMINATE, error, message, parameter

QUESTION = message("Q", b"SELECT 1\0")
ANSWER = message("T", b"\0\0") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + READY
FOREGROUND = Validation.FOREGROUND


async def asked(on: Scene) -> asyncio.Task[Lease]:
    """Somebody wants the server, which is asked first whether it works."""
    await on.give_back(await on.lease())
    asking = on.session().ask()
    await settle()
    assert on.states() == ["validation"]
    assert received(on.dialler.peers[1]) == QUESTION
    return asking


class TestForeground:
    @in_a_loop
    async def test_a_server_that_works_is_leased(self) -> None:
        async with scene(validation=FOREGROUND) as on:
            asking = await asked(on)
            assert not asking.done()
            on.dialler.peers[1].send(parameter("TimeZone", "UTC") + ANSWER)
            lease = await asking
            assert (lease.server.pid, lease.server.parameters) == (1, {"TimeZone": "UTC"})
            await on.give_back(lease)
            assert on.states() == ["free"]

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            error("SFATAL", "C57P01", "Mterminating connection"),
            message("E", b"SERROR\0C53200\0Mout of memory\0\0") + READY,
            ANSWER[:-1] + b"T",
            ANSWER + READY,
            message("R", bytes(4)),
            b"E\0\0\0\3",
        ],
        ids=["gone", "last words", "refusal", "transaction", "more", "out of step", "nonsense"],
    )
    @in_a_loop
    async def test_one_that_does_not_is_replaced(self, said: bytes) -> None:
        async with scene(validation=FOREGROUND, max_connections=1) as on:
            asking = await asked(on)
            peer = on.dialler.peers[1]
            peer.send(said)
            peer.close()
            lease = await asking
            assert lease.server.pid == 2
            assert on.snapshot().totals.closes == {CloseReason.INVALID: 1}
            await on.give_back(lease)

    @in_a_loop
    async def test_one_that_does_not_answer_is_given_up_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cleaning, "VALIDATION_TIMEOUT", 0.02)
        async with scene(validation=FOREGROUND) as on:
            asking = await asked(on)
            lease = await asking
            assert lease.server.pid == 2
            assert received(on.dialler.peers[1]) == TERMINATE
            await on.give_back(lease)

    @in_a_loop
    async def test_a_mistake_of_ours_closes_the_server_and_loses_no_slot(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def broken(*_: object) -> None:
            raise RuntimeError("planted")

        async with scene(validation=FOREGROUND, max_connections=1) as on:
            await on.give_back(await on.lease())
            with monkeypatch.context() as patched:
                patched.setattr(shell, "works", broken)
                asking = on.session().ask()
                await settle()
            assert received(on.dialler.peers[1]) == TERMINATE
            on.dialler.peers[1].close()
            lease = await asking
            assert lease.server.pid == 2
            assert "planted" in caplog.text
            await on.give_back(lease)

    @in_a_loop
    async def test_who_goes_meanwhile_leaves_a_free_server(self) -> None:
        async with scene(validation=FOREGROUND) as on:
            asking = await asked(on)
            asking.cancel()
            await settle()
            await play(Script() >> ANSWER, on.dialler.peers[1])
            await until(lambda: on.states() == ["free"])


class TestMeanwhile:
    @in_a_loop
    async def test_a_server_that_is_flushed_is_not_asked_any_more(self) -> None:
        async with scene(validation=FOREGROUND) as on:
            asking = await asked(on)
            on.shell.flush(FlushMode.IDLE)
            assert on.states()[0] == "flush"
            lease = await asking
            assert lease.server.pid == 2
            assert received(on.dialler.peers[1]) == TERMINATE
            on.dialler.peers[1].close()
            await until(lambda: on.states() == ["in-use"])
            assert on.snapshot().totals.closes == {CloseReason.FLUSHED: 1}
            await on.give_back(lease)

    @in_a_loop
    async def test_flushed_as_its_answer_comes_it_is_closed_all_the_same(self) -> None:
        async with scene(validation=FOREGROUND) as on:
            asking = await asked(on)
            on.dialler.peers[1].send(ANSWER)
            on.pump.turn()  # the answer is known, and nobody has looked at it yet
            on.shell.flush(FlushMode.ALL)
            lease = await asking
            assert lease.server.pid == 2
            assert received(on.dialler.peers[1]) == TERMINATE
            await on.give_back(lease)

    @pytest.mark.parametrize("said", [b"", READY])
    @in_a_loop
    async def test_one_that_hangs_up_or_speaks_before_it_could_be_asked_is_invalid(self, said: bytes) -> None:
        """It must not be given up twice: once because it was lost, and once because it did not answer."""
        async with scene(validation=FOREGROUND, max_connections=1) as on:
            await on.give_back(await on.lease())
            session = on.session()
            on.shell._do(on.shell.core.acquire(77, session.key, on.snapshot().now))
            assert on.states() == ["validation"]
            peer = on.dialler.peers[1]
            peer.send(said) if said else peer.close()
            on.pump.turn()  # before the question was asked
            assert on.states() == ["validation"]
            on.shell._do(on.shell.core.cancel(77, on.snapshot().now))
            await settle()
            peer.close()
            await until(lambda: on.states() == [])
            assert on.snapshot().totals.closes == {CloseReason.INVALID: 1}

    @in_a_loop
    async def test_closing_the_pool_waits_for_no_answer(self) -> None:
        async with scene(validation=FOREGROUND) as on:
            asking = await asked(on)
            asking.cancel()
            await settle()
            closing = asyncio.create_task(on.shell.close())
            await settle()
            assert received(on.dialler.peers[1]) == TERMINATE
            on.dialler.peers[1].close()
            await closing


class TestBackground:
    @in_a_loop
    async def test_free_servers_are_asked_now_and_then(self) -> None:
        async with scene(validation=Validation.BACKGROUND, background_interval=0.02) as on:
            await on.give_back(await on.lease())
            await play(Script() << QUESTION >> ANSWER << QUESTION, on.dialler.peers[1])
            assert on.states() == ["validation"]
            assert on.snapshot().totals.validations == 2
            await play(Script() >> ANSWER, on.dialler.peers[1])
            await until(lambda: on.states() == ["free"])

    @in_a_loop
    async def test_one_that_does_not_work_is_closed_before_anybody_wants_it(self) -> None:
        async with scene(validation=Validation.BACKGROUND, background_interval=0.02) as on:
            await on.give_back(await on.lease())
            await play(Script() << QUESTION >> READY + READY << TERMINATE, on.dialler.peers[1])
            on.dialler.peers[1].close()
            await until(lambda: on.states() == [])
            assert on.snapshot().totals.closes == {CloseReason.INVALID: 1}

    @in_a_loop
    async def test_switched_off_it_ends(self) -> None:
        async with scene(validation=Validation.BACKGROUND, background_interval=0.02) as on:
            await on.give_back(await on.lease())
            settings = PoolSettings(max_connections=2)
            on.shell.reconfigure(settings, (), "")
            again = await on.lease()
            assert received(on.dialler.peers[1]) == b""
            await on.give_back(again)
            assert on.shell.core.next_deadline() is None or on.snapshot().totals.validations == 0
