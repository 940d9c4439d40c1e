"""Administrators pause, replace and flush, and no server escapes them from hand to hand."""

from __future__ import annotations

from agroal.daemon.state import State
from agroal.pool.flushing import FlushMode
from tests.unit.daemon.lobby import ANSWER, QUERY
from tests.unit.daemon.scene import KEY, scene
from tests.unit.daemon.turning import BEGIN, BEGUN, COMMIT, COMMITTED, Floor, floor
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import TERMINATE


def stands_by(at: Floor) -> int:
    return len(at.on.shell.standby.rank(KEY).leases)


class TestPauses:
    @in_a_loop
    async def test_a_server_that_stands_by_is_closed(self) -> None:
        async with floor() as at:
            client = await at.join()
            await at.exchange(client)
            assert stands_by(at) == 1
            at.on.shell.pause("shop")
            await settle()
            assert (stands_by(at), at.on.states()) == (0, ["flush"])
            assert received(at.server()) == TERMINATE
            at.server().close()
            await until(lambda: at.on.states() == [])
            at.on.shell.resume(None)
            await at.leave(client)

    @in_a_loop
    async def test_a_transaction_under_way_is_finished_and_its_server_is_nobodys_after_it(self) -> None:
        async with floor() as at:
            first, second = await at.join(), await at.join()
            await at.exchange(first, BEGIN, BEGUN)
            at.on.shell.pause("shop")
            second.send(QUERY)
            await until(lambda: at.session(2).situation is State.WAITING)
            await at.exchange(first, COMMIT, COMMITTED)
            await until(lambda: at.on.states() == ["flush"])
            assert received(at.server()) == TERMINATE
            first.send(QUERY)
            await until(lambda: at.session(1).situation is State.WAITING)
            at.server().close()
            await until(lambda: at.on.states() == [])
            assert list(at.on.dialler.peers) == [1], "nothing is opened"
            at.on.shell.resume("shop")
            await until(lambda: 2 in at.on.dialler.peers)
            for client in (second, first):  # in the order in which they came
                await play(Script() << QUERY >> ANSWER, at.server(2))
                assert await read(client, len(ANSWER)) == ANSWER
            await at.leave(first, second)

    @in_a_loop
    async def test_who_waits_is_told_that_the_database_is_paused(self) -> None:
        async with scene(wait_notice_timeout=0.01) as on:
            on.shell.pause(None)
            [waiter] = await on.queue(1)
            await until(lambda: waiter.notices)
            assert (waiter.notices, waiter.told_of_pause) == ([(1, None)], 1)
            on.shell.resume(None)
            lease = await waiter.task
            await on.give_back(lease)

    @in_a_loop
    async def test_whoever_waits_for_connections_to_go_hears_of_each(self) -> None:
        async with scene() as on:
            await on.give_back(await on.lease())
            on.shell.vacated.clear()
            on.shell.pause(None)
            on.dialler.peers[1].close()
            await on.shell.vacated.wait()
            assert on.states() == []
            on.shell.resume(None)
            on.shell.vacated.clear()
            on.dialler.failures.append(ValueError("no luck"))
            with_luck = on.session().ask()
            await on.shell.vacated.wait()
            assert with_luck.exception() or await with_luck


class TestReplacements:
    @in_a_loop
    async def test_a_busy_server_is_replaced_though_it_never_rests(self) -> None:
        async with floor() as at:
            client = await at.join()
            await at.exchange(client, BEGIN, BEGUN)
            at.on.shell.flush(FlushMode.REPLACE)
            await at.exchange(client, COMMIT, COMMITTED)
            assert stands_by(at) == 0
            assert at.on.states() == ["flush"]
            client.send(QUERY)
            at.server().close()
            await until(lambda: 2 in at.on.dialler.peers)
            await play(Script() << QUERY >> ANSWER, at.server(2))
            assert await read(client, len(ANSWER)) == ANSWER
            await at.exchange(client, pid=2)
            assert stands_by(at) == 1, "and all is as before"
            await at.leave(client)

    @in_a_loop
    async def test_a_graceful_flush_reaches_it_as_well(self) -> None:
        async with floor() as at:
            client = await at.join()
            await at.exchange(client, BEGIN, BEGUN)
            at.on.shell.flush(FlushMode.GRACEFULLY)
            await at.exchange(client, COMMIT, COMMITTED)
            assert at.on.states() == ["flush"]
            at.server().close()
            await at.leave(client)
