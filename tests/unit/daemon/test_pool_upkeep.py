"""Prefill, notices, and what a reload tells the pool."""

from __future__ import annotations

import pytest

from agroal.errors import ServerRefused
from agroal.management.event import EventKind
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from tests.unit.daemon.scene import KEY, scene
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, TERMINATE, message

FILLED = Limit("shop", (), "ann", 3, 2, 1)
REFUSED = ServerRefused({"C": "28P01", "M": 'password authentication failed for user "ann"'})


class TestPrefill:
    @in_a_loop
    async def test_connections_are_opened_before_there_are_clients(self) -> None:
        async with scene(limits=[FILLED], max_connections=4) as on:
            assert on.states() == []
            on.shell.start()
            await until(lambda: on.states() == ["free", "free"])
            assert on.dialler.asked == [(KEY, None)] * 2
            lease = await on.lease()
            assert len(on.dialler.asked) == 2, "it is there already"
            await on.give_back(lease)

    @in_a_loop
    async def test_what_is_missing_to_the_least_is_opened_again(self) -> None:
        async with scene(limits=[FILLED], max_connections=4) as on:
            on.shell.start()
            await until(lambda: on.states() == ["free", "free"])
            on.dialler.hang_up()
            await until(lambda: len(on.dialler.asked) == 3)
            await until(lambda: on.states() == ["free"])

    @in_a_loop
    async def test_one_that_can_not_be_filled_is_told_of_and_tried_again(self) -> None:
        async with scene(limits=[FILLED], max_connections=4, retry_first=0.01) as on:
            events: list[tuple[EventKind, str]] = []
            on.shell._connector._report = lambda *event: events.append(event)
            on.dialler.failures = [REFUSED, REFUSED, REFUSED]
            on.shell.start()
            await until(lambda: on.states() == ["free", "free"])
            assert [kind for kind, _ in events] == [EventKind.POOL_FAILING, EventKind.POOL_RECOVERED]
            assert events[0][1].endswith(REFUSED.message)

    @in_a_loop
    async def test_nothing_is_opened_for_a_database_that_is_disabled(self) -> None:
        async with scene(limits=[FILLED], max_connections=4) as on:
            on.shell.switch("shop", False)
            on.shell.start()
            await settle()
            assert on.dialler.asked == []
            on.shell.switch("shop", True)
            await until(lambda: on.states() == ["free", "free"])


class TestNotices:
    @in_a_loop
    async def test_whoever_waits_is_told_once_where_it_stands(self) -> None:
        async with scene(max_connections=1, wait_notice_timeout=0.02) as on:
            lease = await on.lease()
            first, second = await on.queue(2)
            await until(lambda: first.notices and second.notices)
            assert (first.notices, second.notices) == ([(1, None)], [(2, None)])
            await on.give_back(lease)
            await on.give_back(first.task.result())
            await on.give_back(second.task.result())
            assert (first.notices, second.notices) == ([(1, None)], [(2, None)])

    @in_a_loop
    async def test_and_what_the_server_said_if_that_is_why(self) -> None:
        down = ServerRefused({"C": "57P03", "M": "the database system is starting up"})
        async with scene(wait_notice_timeout=0.02, retry_first=0.01) as on:
            lease = await on.lease()
            on.dialler.failures = [down] * 1000
            (waiter,) = await on.queue(1)
            await until(lambda: waiter.notices)
            assert waiter.notices == [(1, down)]
            await on.give_back(lease)
            await on.give_back(await waiter.task)


class TestReconfigure:
    @in_a_loop
    async def test_leases_and_waiters_survive_it(self) -> None:
        async with scene(max_connections=1) as on:
            lease = await on.lease()
            (waiter,) = await on.queue(1)
            on.shell.reconfigure(PoolSettings(max_connections=1), (), "")
            await settle()
            assert on.states() == ["in-use"]
            await on.give_back(lease)
            assert waiter.task.result().server is lease.server
            await on.give_back(waiter.task.result())

    @in_a_loop
    async def test_the_new_reset_query_is_for_whoever_comes_back_next(self) -> None:
        async with scene("DISCARD ALL") as on:
            lease = await on.lease()
            on.shell.reconfigure(PoolSettings(max_connections=2), (), "RESET ALL")
            on.shell.give_back(lease, None)
            script = Script() << message("Q", b"RESET ALL\0") >> message("C", b"RESET\0") + READY
            await play(script, on.dialler.peers[1])
            await until(lambda: on.states() == ["free"])

    @in_a_loop
    async def test_free_connections_beyond_a_lower_limit_are_closed(self) -> None:
        async with scene(limits=[Limit("shop", (), "ann", 2)]) as on:
            leases = [await on.lease(), await on.lease()]
            for lease in leases:
                await on.give_back(lease)
            on.shell.reconfigure(PoolSettings(max_connections=2), [Limit("shop", (), "ann", 1)], "")
            await settle()
            assert sorted(on.states()) == ["free", "remove"]
            gone = next(peer for peer in on.dialler.peers.values() if received(peer) == TERMINATE)
            gone.close()
            await until(lambda: on.states() == ["free"])
            assert on.snapshot().totals.closes == {CloseReason.LIMIT_LOWERED: 1}

    @in_a_loop
    async def test_a_shorter_wait_is_heeded_by_those_who_wait(self) -> None:
        async with scene(max_connections=1, blocking_timeout=60) as on:
            lease = await on.lease()
            (waiter,) = await on.queue(1)
            on.shell.reconfigure(PoolSettings(max_connections=1, blocking_timeout=0.02), (), "")
            await until(waiter.task.done)
            assert waiter.task.exception() is not None
            await on.give_back(lease)


@pytest.mark.parametrize(("user", "closed"), [("ann", True), ("bob", False)])
@in_a_loop
async def test_a_flush_may_be_for_one_user(user: str, closed: bool) -> None:
    async with scene() as on:
        await on.give_back(await on.lease())
        on.shell.flush(FlushMode.GRACEFULLY, user=user)
        await settle()
        assert on.states() == (["flush"] if closed else ["free"])
