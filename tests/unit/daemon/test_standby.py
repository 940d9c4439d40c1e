from __future__ import annotations

import asyncio
import socket

import pytest

from agroal.daemon import standby
from agroal.daemon.session import Session
from agroal.daemon.state import State
from agroal.pool import passing
from agroal.pool.flushing import FlushMode
from agroal.pool.slot import FREE, PoolKey
from agroal.pool.waiters import WaitReason
from tests.unit.daemon.lobby import ANSWER, QUERY
from tests.unit.daemon.scene import KEY
from tests.unit.daemon.turning import BEGIN, BEGUN, COMMIT, COMMITTED, Floor, floor
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import READY, adopting, message, parameter

SET = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + message("3") + READY


BOOKS = KEY._replace(database="books")


def line_of(at: Floor, key: PoolKey = KEY) -> list[int]:
    """Who stands in line, by number."""
    return [hand.holder.number for hand in at.on.shell.standby.rank(key).line]


async def busy(at: Floor, clients: int) -> list[socket.socket]:
    """The first client is in a transaction on the only server, and the others wait, in this order."""
    joined = [await at.join() for _ in range(clients)]
    await at.exchange(joined[0], BEGIN, BEGUN)
    for number, client in enumerate(joined[1:], 2):
        client.send(QUERY)
        await until(lambda number=number: at.session(number).situation is State.WAITING)
    return joined


async def served(at: Floor, client: socket.socket, pid: int = 1) -> None:
    """The server is asked, and its answer reaches this client."""
    await play(Script() << QUERY >> ANSWER, at.server(pid))
    assert await read(client, len(ANSWER)) == ANSWER


async def crowds(at: Floor, **shares: int) -> list[list[socket.socket]]:
    """Of each database, clients in transactions on so many servers, and two who wait: the last database's first."""
    joined: list[list[socket.socket]] = []
    session: dict[socket.socket, Session] = {}

    async def send(client: socket.socket, request: bytes, situation: State) -> None:
        client.send(request)
        await until(lambda: session[client].situation is situation)

    for database, servers in shares.items():
        joined.append([await at.join(database=database) for _ in range(servers + 2)])
        session.update(zip(joined[-1], at.sessions[-servers - 2 :], strict=True))
        for client in joined[-1][:servers]:
            await send(client, BEGIN, State.ACTIVE)
            await play(Script() << BEGIN >> BEGUN, at.server(len(at.on.dialler.peers)))
            assert await read(client, len(BEGUN)) == BEGUN
    for waiting in zip(*(clients[-2:] for clients in reversed(joined)), strict=True):
        for client in waiting:
            await send(client, QUERY, State.WAITING)
    return joined


async def give_up(at: Floor, *clients: socket.socket) -> None:
    """They hang up, and so do the servers."""
    for peer in at.on.dialler.peers.values():
        peer.close()
    for client in clients:
        client.close()
    await asyncio.gather(*at.lives)


class TestStandingInLine:
    @in_a_loop
    async def test_the_first_is_known_to_the_core_and_the_others_stand_in_line(self) -> None:
        async with floor() as at:
            first, *others = await busy(at, 4)
            assert line_of(at) == [3, 4]
            assert list(at.on.shell.asking.values()) == [at.session(2)]
            await at.exchange(first, COMMIT, COMMITTED)
            for client in others:
                await served(at, client)
            assert line_of(at) == []
            await at.leave(first, *others)

    @in_a_loop
    async def test_before_the_core_is_asked_anything_it_knows_of_all_since_they_came(self) -> None:
        async with floor() as at:
            first, *others = await busy(at, 4)
            since = [hand.since for hand in at.on.shell.standby.rank(KEY).line]
            waiters = at.on.snapshot().waiters
            assert [row.position for row in waiters] == [1, 2, 3]
            assert [row.since for row in waiters[1:]] == since
            assert (line_of(at), list(at.on.shell.asking.values())) == ([], at.sessions[1:])
            await at.exchange(first, COMMIT, COMMITTED)
            for client in others:
                await served(at, client)
            await at.leave(first, *others)

    @in_a_loop
    async def test_to_look_at_the_pool_sends_nobody_out_of_line(self) -> None:
        async with floor() as at:
            first, *others = await busy(at, 4)
            for _ in range(2):
                seen, lines = at.on.shell.seen(at.on.shell.standby.rank(KEY).line[0].since)
                assert [row.position for row in seen.waiters] == [1]
                assert [hand.holder.number for hand in lines[KEY]] == line_of(at) == [3, 4]
                assert at.on.shell.reason(KEY) is WaitReason.MAX_CONNECTIONS
                assert at.on.shell.exhausted == {"max_connections, all 1 of them"}
            await at.exchange(first, COMMIT, COMMITTED)
            for client in others:
                await served(at, client)
            assert at.on.shell.exhausted == set()
            (slot,) = at.on.shell.seen(0)[0].slots
            assert slot.state is FREE
            await at.leave(first, *others)

    @in_a_loop
    async def test_who_stands_for_long_is_the_cores_to_look_after(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(standby, "MOMENT", 0.002)
        async with floor() as at:
            clients = await busy(at, 3)
            await until(lambda: list(at.on.shell.asking.values()) == at.sessions[1:])
            assert line_of(at) == []
            await at.exchange(clients[0], COMMIT, COMMITTED)
            for client in clients[1:]:
                await served(at, client)
            await at.leave(*clients)

    @in_a_loop
    async def test_who_waits_too_long_is_told_as_anybody_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(standby, "MOMENT", 0.002)
        monkeypatch.setattr(passing, "SHORTEST_PATIENCE", 0.0)
        async with floor(blocking=0.05) as at:
            clients = await busy(at, 3)
            for waiter in clients[1:]:
                await until(lambda waiter=waiter: waiting_for(waiter))
                assert b"C53300\0" in received(waiter)
            await at.exchange(clients[0], COMMIT, COMMITTED)
            await at.exchange(clients[2])
            await at.leave(*clients)

    @in_a_loop
    async def test_with_little_patience_everybody_is_known_at_once(self) -> None:
        async with floor(blocking=0.9) as at:
            clients = await busy(at, 3)
            assert (line_of(at), len(at.on.shell.asking)) == ([], 2)
            await at.exchange(clients[0], COMMIT, COMMITTED)
            for client in clients[1:]:
                await served(at, client)
            await at.leave(*clients)

    @in_a_loop
    async def test_a_wait_in_line_can_be_cancelled(self) -> None:
        async with floor() as at:
            clients = await busy(at, 3)
            at.session(3).cancel_wait()
            await settle()
            answer = received(clients[2])
            assert b"C57014\0" in answer
            assert answer.endswith(READY)
            assert line_of(at) == []
            await at.exchange(clients[0], COMMIT, COMMITTED)
            await served(at, clients[1])
            await at.exchange(clients[2])
            await at.leave(*clients)

    @in_a_loop
    async def test_who_hangs_up_stands_in_line_no_more(self) -> None:
        async with floor() as at:
            clients = await busy(at, 4)
            clients[2].close()
            await at.lives[2]
            assert line_of(at) == [4]
            await at.exchange(clients[0], COMMIT, COMMITTED)
            await served(at, clients[1])
            await served(at, clients[3])
            await at.leave(clients[0], clients[1], clients[3])

    @in_a_loop
    async def test_one_with_other_settings_gets_them_first(self) -> None:
        async with floor() as at:
            other = await at.join()
            changed = parameter("application_name", "other") + message("C", b"SET\0") + READY
            await at.exchange(other, message("Q", b"SET application_name = 'other'\0"), changed)
            joined = [await at.join() for _ in range(2)]
            back = SET[:-6] + parameter("application_name", "psql") + READY
            joined[0].send(BEGIN)
            script = Script() << adopting("application_name", "psql") >> back << BEGIN >> BEGUN
            await play(script, at.server())
            for number, client in ((3, joined[1]), (1, other)):
                client.send(QUERY)
                await until(lambda number=number: at.session(number).situation is State.WAITING)
            assert line_of(at) == [1]
            joined[0].send(COMMIT)
            await play(Script() << COMMIT >> COMMITTED << QUERY >> ANSWER, at.server())
            again = SET[:-6] + parameter("application_name", "other") + READY
            await play(Script() << adopting("application_name", "other") >> again << QUERY >> ANSWER, at.server())
            assert await read(other, len(ANSWER)) == ANSWER
            await at.leave(other, *joined)

    @in_a_loop
    async def test_waits_in_line_are_counted(self) -> None:
        async with floor() as at:
            clients = await busy(at, 4)
            await at.exchange(clients[0], COMMIT, COMMITTED)
            for client in clients[1:]:
                await served(at, client)
            snapshot = at.on.snapshot()
            (pool,) = snapshot.pools
            assert (pool.waits, sum(pool.wait_histogram), snapshot.totals.waits) == (4, 4, 4)  # one for the connect
            assert snapshot.totals.leases == pool.leases == 5  # one to learn what its settings come to
            await at.leave(*clients)


class TestPoolsThatShareACap:
    """All their servers are in transactions, and more of their clients wait, in turn."""

    @in_a_loop
    async def test_both_stand_in_line_where_they_have_as_many(self) -> None:
        async with floor(2) as at:
            shop, books = await crowds(at, shop=1, books=1)
            assert (line_of(at), line_of(at, BOOKS)) == ([3], [6])
            assert list(at.on.shell.asking.values()) == [at.session(5), at.session(2)]
            for pid, (first, *others) in ((1, shop), (2, books)):
                await at.exchange(first, COMMIT, COMMITTED, pid)
                for client in others:
                    await served(at, client, pid)
            await at.leave(*shop, *books)

    @pytest.mark.parametrize("shares", [{"shop": 1, "books": 3}, {"shop": 3, "books": 1}])
    @in_a_loop
    async def test_nobody_does_where_one_has_far_more(self, shares: dict[str, int]) -> None:
        async with floor(4) as at:
            shop, books = await crowds(at, **shares)
            assert line_of(at) == line_of(at, BOOKS) == []
            assert len(at.on.shell.asking) == 4
            await give_up(at, *shop, *books)

    @pytest.mark.parametrize(("tenure", "known"), [(30.0, 2), (0.0, 4)])
    @in_a_loop
    async def test_the_core_is_told_of_those_in_line_when_an_odd_server_is_due(self, tenure: float, known: int) -> None:
        async with floor(3, tenure=tenure) as at:
            shop, books = await crowds(at, shop=2, books=1)
            assert (len(line_of(at)), len(line_of(at, BOOKS))) == (1, 1)
            at.on.shell.standby._moment_over()
            assert len(at.on.shell.asking) == known
            shop[0].send(COMMIT)
            await play(Script() << COMMIT >> COMMITTED, at.server(1))
            assert await read(shop[0], len(COMMITTED)) == COMMITTED
            await settle()
            assert at.on.states().count("remove") == (not tenure)
            await give_up(at, *shop, *books)


class TestServersThatGoOn:
    @in_a_loop
    async def test_one_that_is_to_be_closed_goes_to_nobody(self) -> None:
        async with floor() as at:
            clients = await busy(at, 3)
            at.on.shell.flush(FlushMode.GRACEFULLY)
            clients[0].send(COMMIT)
            await play(Script() << COMMIT >> COMMITTED, at.server())
            await until(lambda: waiting_for(at.server()))
            at.server().close()  # it was told goodbye
            await until(lambda: 2 in at.on.dialler.peers)
            for client in clients[1:]:
                await served(at, client, 2)
            await at.leave(*clients)

    @in_a_loop
    async def test_who_stood_in_line_for_a_server_that_dies_gets_another(self) -> None:
        async with floor() as at:
            clients = await busy(at, 3)
            at.server().close()
            await at.lives[0]
            await until(lambda: 2 in at.on.dialler.peers)
            for client in clients[1:]:
                await served(at, client, 2)
            await at.leave(*clients[1:])

    @in_a_loop
    async def test_one_that_nobody_wants_is_free_in_a_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(standby, "MOMENT", 0.002)
        async with floor() as at:
            client = await at.join()
            await at.exchange(client)
            rank = at.on.shell.standby.rank(KEY)
            await until(lambda: not rank.leases)
            assert at.on.states() == ["free"]
            await at.leave(client)

    @in_a_loop
    async def test_one_that_hangs_up_while_it_stands_by_is_given_up(self) -> None:
        async with floor() as at:
            client = await at.join()
            await at.exchange(client)
            await at.exchange(client)
            assert at.on.shell.standby.rank(KEY).leases
            at.server().close()
            await until(lambda: at.on.states() == [])
            client.send(QUERY)
            await until(lambda: 2 in at.on.dialler.peers)
            await served(at, client, 2)
            await at.leave(client)
