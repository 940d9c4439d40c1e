from __future__ import annotations

import pytest

from agroal.auth.accept import Accepted
from agroal.config.model import Method
from agroal.errors import AgroalError, Internal, PeerGone, PoolIsFull, ServerRefused, ServerUnavailable
from agroal.pool.slot import PoolKey
from tests.unit.daemon.scene import KEY, scene
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.wire.messages import TERMINATE

UNPROVED = Accepted(Method.ALL, unproved=True)
REFUSED = ServerRefused({"C": "3D000", "M": 'database "shop" does not exist'})


class TestLeases:
    @in_a_loop
    async def test_a_server_is_used_again(self) -> None:
        async with scene() as on:
            first = await on.lease()
            assert on.states() == ["in-use"]
            await on.give_back(first)
            assert on.states() == ["free"]
            second = await on.lease()
            assert second.server is first.server
            assert (second.slot, second.number) == (first.slot, first.number + 1)
            assert on.dialler.asked == [(KEY, None)]
            await on.give_back(second)

    @in_a_loop
    async def test_a_server_that_comes_back_goes_to_the_first_in_the_queue(self) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            queue = await on.queue(3)
            assert list(on.shell.asking.values()) == queue
            for session in queue:
                await on.give_back(lease)
                lease = session.task.result()
                assert on.shell.holder(0) is session
            assert len(on.dialler.asked) == 1
            await on.give_back(lease)

    @in_a_loop
    async def test_whoever_waits_too_long_is_told_what_stood_in_the_way(self) -> None:
        async with scene(max_connections=1, blocking_timeout=0.02) as on:
            lease = await on.lease()
            with pytest.raises(PoolIsFull) as refusal:
                await on.lease()
            assert "max_connections is reached: 1 of 1" in refusal.value.detail
            assert on.shell.asking == {}
            await on.give_back(lease)

    @in_a_loop
    async def test_a_free_server_that_nobody_wants_is_closed_in_time(self) -> None:
        async with scene(idle_timeout=0.02) as on:
            await on.give_back(await on.lease())
            await until(lambda: on.states() == ["idle-check"])
            await settle()
            assert received(on.dialler.peers[1]) == TERMINATE


class TestWaiters:
    @in_a_loop
    async def test_one_that_hangs_up_leaves_the_queue(self) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            leaves, stays = await on.queue(2)
            leaves.waits.set_exception(PeerGone("it hung up"))
            with pytest.raises(PeerGone):
                await leaves.task
            assert list(on.shell.asking.values()) == [stays]
            assert len(on.snapshot().waiters) == 1
            await on.give_back(lease)
            await on.give_back(stays.task.result())

    @in_a_loop
    async def test_one_that_is_cancelled_loses_no_slot(self) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            leaves, stays = await on.queue(2)
            leaves.terminate()
            await settle()
            assert len(on.snapshot().waiters) == 1
            await on.give_back(lease)
            assert leaves.task.cancelled()
            await on.give_back(stays.task.result())

    @pytest.mark.parametrize("way", ["hangs up", "is cancelled"])
    @in_a_loop
    async def test_one_that_leaves_at_the_moment_of_the_grant_hands_it_on(self, way: str) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            leaves, stays = await on.queue(2)
            if way == "hangs up":
                leaves.waits.set_exception(PeerGone("it hung up"))
            on.shell.give_back(lease, None)
            if way == "is cancelled":
                await until(leaves.waits.done)
                leaves.task.cancel()  # the lease is there, and it has not seen it yet
            await settle()
            passed_on = stays.task.result()
            assert passed_on.server is lease.server
            assert on.shell.holder(0) is stays
            await on.give_back(passed_on)
            assert on.states() == ["free"]


class TestConnecting:
    @in_a_loop
    async def test_a_refusal_reaches_those_who_wait_in_the_words_of_the_server(self) -> None:
        async with scene() as on:
            on.dialler.failures = [REFUSED, REFUSED]
            one, other = await on.queue(2)
            for session in (one, other):
                with pytest.raises(ServerRefused, match="does not exist"):
                    await session.task

    @pytest.mark.parametrize(
        ("failure", "told"),
        [(PeerGone("it hung up"), ServerUnavailable), (RuntimeError("a mistake"), Internal)],
    )
    @in_a_loop
    async def test_any_other_failure_reaches_them_too(
        self, failure: Exception, told: type[AgroalError], caplog: pytest.LogCaptureFixture
    ) -> None:
        async with scene() as on:
            on.dialler.failures = [failure]
            with pytest.raises(told):
                await on.lease()
        assert ("internal error" in caplog.text) is (told is Internal)

    @in_a_loop
    async def test_what_a_client_said_is_tried_for_a_key_of_its_own(self) -> None:
        async with scene() as on:
            on.dialler.open.clear()
            session = on.session(PoolKey("shop", "eve", "a digest"), Accepted(Method.PASSWORD, password="pencil"))
            asked = session.ask()
            await settle()
            assert on.dialler.asked == [(session.key, session)]
            on.dialler.open.set()
            await on.give_back(await asked)

    @in_a_loop
    async def test_a_client_that_postgresql_has_to_ask_has_a_server_to_itself(self) -> None:
        async with scene() as on:
            session = on.session(accepted=UNPROVED)
            lease = await session.ask()
            assert on.dialler.asked == [(KEY, session)]
            on.shell.give_back(lease, None)
            await settle()
            assert received(on.dialler.peers[1]) == TERMINATE
            assert on.states() == ["remove"]

    @in_a_loop
    async def test_a_client_that_leaves_while_it_is_asked_leaves_nothing_behind(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with scene() as on:
            on.dialler.open.clear()
            asked = on.session(accepted=UNPROVED).ask()
            await settle()
            asked.cancel()
            await settle()
            assert on.states() == ["init"]
            on.dialler.open.set()
            await settle()
            assert on.states() == ["remove"]
            assert received(on.dialler.peers[1]) == TERMINATE
        assert "internal error" not in caplog.text
