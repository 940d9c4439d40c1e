from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest

from agroal.auth.scram import MECHANISM
from agroal.auth.users import Users
from agroal.management.controls import Role
from agroal.management.proof import proof
from agroal.management.remote import Bounds
from agroal.management.wire import Code
from tests.certificates import Authority
from tests.unit.management.conftest import Run
from tests.unit.management.door import OPS, FakeDoor, at_the_door, offer_of
from tests.unit.management.fake import FakeControls, framed, request
from tests.unit.management.visiting import Visitor, subscription


@asynccontextmanager
async def calling(port: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Visitor]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        yield Visitor(reader, writer)
    finally:
        writer.transport.abort()


async def log_in(visitor: Visitor, user: str = "ops", password: str = OPS) -> dict[str, Any]:
    """The answer that ended it."""
    talk = proof(user, password, "abcdef")
    args = next(talk)
    while True:
        answer = await visitor.ask(request("authenticate", **args))
        if not answer["ok"]:
            return answer
        try:
            args = talk.send(answer["result"])
        except StopIteration:
            return answer


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("encrypted", [False, True])
def test_who_was_let_in_asks_as_at_the_socket(
    run: Run, authority: Authority, caplog: pytest.LogCaptureFixture, encrypted: bool
) -> None:
    caplog.set_level("INFO", logger="agroal.management")
    door = FakeDoor(offer=offer_of(authority.issue("agroal")) if encrypted else None)

    async def main() -> None:
        controls = FakeControls()
        async with (
            at_the_door(door, controls) as (_, port),
            calling(port, trusting() if encrypted else None) as visitor,
        ):
            assert (await log_in(visitor))["result"]["role"] == "admin"
            assert (await visitor.ask(request("hello")))["result"]["role"] == "admin"
            assert (await visitor.ask(request("flush all", database="shop")))["ok"]
        ((peer, command),) = controls.recorded
        assert re.fullmatch(r"ops@127\.0\.0\.1:\d+", peer)
        assert command == "flush all shop"

    run(main())
    assert re.search(rf"is let in as admin \({'TLSv1.3' if encrypted else 'no TLS'}\)", caplog.text)


def test_subscriptions_come_over_tls(run: Run, authority: Authority) -> None:
    door = FakeDoor(offer=offer_of(authority.issue("agroal")))

    async def main() -> None:
        async with at_the_door(door, FakeControls(), sleep=no_time) as (_, port), calling(port, trusting()) as visitor:
            await log_in(visitor)
            assert (await visitor.ask(subscription("snapshot")))["ok"]
            for _ in range(5):
                assert (await visitor.answer())["push"] == "snapshot"

    run(main())


async def no_time(_: float) -> None:
    await asyncio.sleep(0)


def test_a_monitor_may_look(run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with at_the_door(FakeDoor(), controls) as (_, port), calling(port) as visitor:
            await log_in(visitor, "eye", "a word for eye")
            assert (await visitor.ask(request("status")))["ok"]
            assert (await visitor.ask(request("flush all")))["error"]["code"] == Code.FORBIDDEN
            assert controls.done == []

    run(main())


@pytest.mark.parametrize("encrypted", [False, True])
def test_who_is_refused_is_told_why_and_hung_up_on(run: Run, authority: Authority, encrypted: bool) -> None:
    door = FakeDoor(offer=offer_of(authority.issue("agroal")) if encrypted else None)

    async def main() -> None:
        async with (
            at_the_door(door, FakeControls()) as (_, port),
            calling(port, trusting() if encrypted else None) as visitor,
        ):
            answer = await log_in(visitor, "ops", "wrong")
            assert answer["error"] == {"code": "denied", "message": 'password authentication failed for user "ops"'}
            assert await visitor.is_hung_up_on()
        assert door.turned_away == [("ops", "127.0.0.1", 'password authentication failed for user "ops"')]

    run(main())


def test_whoever_comes_from_elsewhere_needs_tls_where_it_is_offered(run: Run, authority: Authority) -> None:
    door = FakeDoor(offer=offer_of(authority.issue("agroal")))

    async def main() -> None:
        async with at_the_door(door, FakeControls()) as (server, _):
            for context in (None, trusting()):
                listener = socket.create_server(("127.0.0.1", 0))
                with listener:
                    reaching = asyncio.create_task(_connected(listener.getsockname()[1], context))
                    taken = await asyncio.to_thread(listener.accept)
                    server.take(taken[0], ("10.0.3.7", 51422))
                    visitor = await reaching
                if context:
                    assert (await log_in(visitor))["ok"]
                else:
                    await visitor.send(request("authenticate", user="ops"))
                    answer = await visitor.answer()
                    assert answer["error"] == {"code": "denied", "message": "TLS is required at this port"}
                    assert await visitor.is_hung_up_on()
                visitor.writer.transport.abort()

    run(main())


async def _connected(port: int, context: ssl.SSLContext | None) -> Visitor:
    return Visitor(*await asyncio.open_connection("127.0.0.1", port, ssl=context))


@pytest.mark.parametrize("data", [b"", b"\x00", request("authenticate", user="ops")[:9]])
def test_who_takes_too_long_is_hung_up_on(run: Run, data: bytes) -> None:
    async def main() -> None:
        async with at_the_door(FakeDoor(timeout=0.05), FakeControls()) as (_, port), calling(port) as visitor:
            await visitor.send(data)
            if data:
                assert (await visitor.answer())["error"]["code"] == "timeout"
            assert await visitor.is_hung_up_on()

    run(main())


def test_a_handshake_that_comes_to_nothing_is_counted(run: Run, authority: Authority) -> None:
    door = FakeDoor(offer=offer_of(authority.issue("agroal")))

    async def main() -> None:
        async with at_the_door(door, FakeControls()) as (_, port), calling(port) as visitor:
            await visitor.send(b"\x16\x03\x01\x00\x04none")
            assert await _ended(visitor)
        assert door.handshakes == 1

    run(main())


async def _ended(visitor: Visitor) -> bool:
    """Whatever was said last."""
    with suppress(ConnectionResetError):
        await visitor.reader.read()
    return True


def test_tls_where_there_is_none_is_a_message_that_is_too_long(run: Run) -> None:
    async def main() -> None:
        async with at_the_door(FakeDoor(), FakeControls()) as (_, port), calling(port) as visitor:
            await visitor.send(b"\x16\x03\x01\x02\x00")
            assert (await visitor.answer())["error"]["code"] == "too-long"

    run(main())


def test_one_stranger_too_many_and_the_first_has_to_go(run: Run) -> None:
    async def main() -> None:
        async with (
            at_the_door(FakeDoor(), FakeControls(), bounds=Bounds(strangers=2)) as (_, port),
            AsyncExitStack() as all_,
        ):
            first = await all_.enter_async_context(calling(port))
            assert (await first.ask(request("authenticate", user="ops")))["result"] == {"mechanisms": [MECHANISM]}
            others = [await all_.enter_async_context(calling(port)) for _ in range(2)]
            assert await first.is_hung_up_on()
            assert [(await log_in(other))["ok"] for other in others] == [True, True]

    run(main())


def test_a_crowd_that_comes_at_once_is_bounded_as_well(run: Run) -> None:
    async def main() -> None:
        async with at_the_door(FakeDoor(), FakeControls(), bounds=Bounds(strangers=2)) as (server, _):
            for _ in range(9):
                server.take(_somebody(), ("127.0.0.1", 1))
                assert len(server._strangers) <= 2
            await asyncio.sleep(0)

    run(main())


def _somebody() -> socket.socket:
    """Who has gone again."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        return listener.accept()[0]


def test_one_program_too_many_is_told_so(run: Run) -> None:
    async def main() -> None:
        async with (
            at_the_door(FakeDoor(), FakeControls(), bounds=Bounds(programs=1)) as (_, port),
            calling(port) as one,
            calling(port) as other,
        ):
            await log_in(one)
            assert (await log_in(other))["ok"]
            assert (await other.answer())["error"]["code"] == "busy"
            assert await other.is_hung_up_on()
            assert (await one.ask(request("hello")))["ok"]

    run(main())


@pytest.mark.parametrize("change", ["gone", "demoted", "password"])
def test_who_may_not_come_in_any_more_as_they_did_has_to_go(run: Run, change: str) -> None:
    async def main() -> None:
        door = FakeDoor()
        async with at_the_door(door, FakeControls()) as (server, port), calling(port) as ops, calling(port) as eye:
            await log_in(ops)
            await log_in(eye, "eye", "a word for eye")
            server.review()
            assert (await ops.ask(request("hello")))["ok"]
            match change:
                case "gone":
                    del door.roles["ops"]
                case "demoted":
                    door.roles["ops"] = Role.MONITOR
                case "password":
                    door.users = Users({"ops": "another", "eye": "a word for eye"}, b"key")
            server.review()
            assert await ops.is_hung_up_on()
            assert (await eye.ask(request("hello")))["ok"]

    run(main())


def test_at_the_end_a_request_under_way_is_answered(run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        async with (
            at_the_door(FakeDoor(), controls) as (server, port),
            calling(port) as busy,
            calling(port) as resting,
            calling(port) as stranger,
        ):
            await log_in(busy)
            await log_in(resting)
            await busy.send(request("ping"))
            assert controls.pinged
            await controls.pinged.wait()
            closing = asyncio.create_task(server.close())
            assert await resting.is_hung_up_on()
            assert await stranger.is_hung_up_on()
            assert controls.hold
            controls.hold.set()
            assert (await busy.answer())["ok"]
            assert await busy.is_hung_up_on()
            busy.writer.transport.abort()
            await closing

    run(main())


def test_an_answer_reaches_who_is_still_sending(run: Run) -> None:
    async def main() -> None:
        async with at_the_door(FakeDoor(), FakeControls()) as (_, port), calling(port) as visitor:
            sending = asyncio.create_task(visitor.send(framed(bytes(1 << 20)) * 8))
            assert (await visitor.answer())["error"]["code"] == "too-long"
            sending.cancel()
            await asyncio.wait([sending])

    run(main())
