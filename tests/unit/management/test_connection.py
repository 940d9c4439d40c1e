"""Subscriptions, on a clock that the tests turn. What a connection does otherwise is tested in test_server.py."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.management.conftest import Run
from tests.unit.management.fake import FakeControls, request
from tests.unit.management.sample import NOW, STARTED, snapshot
from tests.unit.management.visiting import Clock, Visitor, error_of, received, serving, subscription, visiting

BIG = snapshot(slots=snapshot().slots * 50_000)
"""Several megabytes: more than a socket takes."""


def add(controls: FakeControls, *seqs: int) -> None:
    controls.happened += [replace(STARTED, seq=seq) for seq in seqs]


def seqs(push: dict[str, Any]) -> list[int]:
    assert push["push"] == "events"
    return [event["seq"] for event in push["result"]["events"]]


async def ask(visitor: Visitor, frame: bytes, id: object) -> list[dict[str, Any]]:
    """What comes until a request is answered, the answer at last."""
    await visitor.send(frame)
    came = [await visitor.answer()]
    while "push" in came[-1] or came[-1]["id"] != id:
        came.append(await visitor.answer())
    return came


@asynccontextmanager
async def turning(path: Path, controls: FakeControls) -> AsyncIterator[tuple[Clock, Visitor]]:
    """A clock to turn, and a visitor of a server that goes by it."""
    clock = Clock(controls)
    async with serving(path, controls, sleep=clock.sleep), visiting(path) as visitor:
        yield clock, visitor


def test_a_subscriber_gets_a_snapshot_at_once_and_then_one_each_interval(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            answer = await visitor.ask(subscription("snapshot", interval_ms=500))
            assert answer["result"] == {"topics": ["snapshot"], "interval_ms": 500, "after": 2}
            expected = {"v": 1, "id": "s", "push": "snapshot", "skipped": 0, "result": snapshot().to_json()}
            assert await visitor.answer() == expected
            for number in (813, 814):
                controls.picture = snapshot(seq=number)
                await clock.pass_once_all_sleep(0.5)
                push = await visitor.answer()
                assert (push["result"]["seq"], push["skipped"]) == (number, 0)

    run(main())


def test_nothing_comes_before_the_interval_is_over(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("snapshot"))
            await visitor.answer()
            await clock.pass_once_all_sleep(0.999)
            [answer] = await ask(visitor, request("hello", 2), 2)
            assert answer["ok"]
            clock.pass_(0.001)
            assert (await visitor.answer())["push"] == "snapshot"

    run(main())


def test_events_come_when_there_are_some_each_once(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("events"))
            await clock.pass_once_all_sleep(1)
            add(controls, 3, 4)
            await clock.pass_once_all_sleep(1)
            assert seqs(await visitor.answer()) == [3, 4]
            await clock.pass_once_all_sleep(1)
            add(controls, 5)
            await clock.pass_once_all_sleep(1)
            push = await visitor.answer()
            assert (seqs(push), push["skipped"], push["id"]) == ([5], 0, "s")

    run(main())


def test_events_may_begin_in_the_past_and_a_gap_is_told(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(happened=[])
        add(controls, 7, 8)
        async with turning(path, controls) as (_, visitor):
            await visitor.ask(subscription("events", after=7))
            push = await visitor.answer()
            assert (seqs(push), push["skipped"]) == ([8], 0)
            await visitor.ask(subscription("events", after=2))
            push = await visitor.answer()
            assert (seqs(push), push["skipped"]) == ([7, 8], 4)

    run(main())


def test_both_topics_come_on_one_subscription(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("events", "snapshot", after=0))
            assert [(await visitor.answer())["push"] for _ in range(2)] == ["snapshot", "events"]
            await clock.pass_once_all_sleep(1)
            assert (await visitor.answer())["push"] == "snapshot"

    run(main())


def test_requests_are_answered_meanwhile(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        assert controls.hold
        assert controls.pinged
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("snapshot"))
            assert (await visitor.answer())["push"] == "snapshot"
            await visitor.send(request("ping", 2))
            await controls.pinged.wait()
            await clock.pass_once_all_sleep(1)
            assert (await visitor.answer())["push"] == "snapshot"  # a request under way holds up no push
            controls.hold.set()
            assert (await visitor.answer())["id"] == 2
            assert error_of(await visitor.ask(request("pong", 3))) == (3, "unknown-verb")

    run(main())


def test_a_second_subscription_takes_the_place_of_the_first(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("snapshot", id="first"))
            assert (await visitor.answer())["id"] == "first"
            await ask(visitor, subscription("snapshot", id="second"), "second")
            ids = {(await visitor.answer())["id"]}
            for _ in range(3):
                await clock.pass_once_all_sleep(1)
                ids.add((await visitor.answer())["id"])
            assert ids == {"second"}

    run(main())


def test_a_subscription_that_is_refused_leaves_the_first_alone(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("snapshot", id="first"))
            assert (await visitor.answer())["id"] == "first"
            assert error_of(await visitor.ask(subscription("weather", id="second"))) == ("second", "bad-argument")
            await clock.pass_once_all_sleep(1)
            assert (await visitor.answer())["id"] == "first"

    run(main())


def test_after_unsubscribe_is_answered_nothing_comes(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        async with turning(path, controls) as (clock, visitor):
            await visitor.ask(subscription("snapshot"))
            await visitor.answer()
            await ask(visitor, request("unsubscribe", 2), 2)
            clock.pass_(10)
            assert [answer["id"] for answer in await ask(visitor, request("hello", 3), 3)] == [3]
            assert (await visitor.ask(request("unsubscribe", 4)))["ok"]  # twice does no harm

    run(main())


def test_a_slow_reader_misses_snapshots_and_gets_a_fresh_one(path: Path, run: Run) -> None:
    made = 0

    class Counting(FakeControls):
        def snapshot(self) -> Any:
            nonlocal made
            made += 1
            return super().snapshot()

    async def main() -> None:
        controls = Counting(picture=BIG)
        clock = Clock(controls)
        async with serving(path, controls, sleep=clock.sleep), visiting(path) as other:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(sock, str(path))
                await loop.sock_sendall(sock, subscription("snapshot"))
                await received(sock, 1)  # the answer
                assert (await other.ask(request("hello")))["ok"]  # and others are not disturbed
                clock.pass_(5.5)
                assert (await other.ask(request("hello")))["ok"]
                assert made == 1
                controls.picture = snapshot(seq=900)
                [first, second] = await received(sock, 2)
                assert (first["result"]["seq"], first["skipped"]) == (812, 0)
                assert (second["result"]["seq"], second["skipped"]) == (900, 4)
                await clock.pass_once_all_sleep(0.5)  # and the beat is kept
                [third] = await received(sock, 1)
                assert third["skipped"] == 0
                assert controls.clock == NOW + 6

    run(main())


def test_a_subscriber_that_does_not_read_for_long_is_hung_up_on(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(picture=BIG)
        async with serving(path, controls, patience=0, max_connections=1):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(sock, str(path))
                await loop.sock_sendall(sock, subscription("snapshot"))
                read = 0
                while data := await loop.sock_recv(sock, 1 << 20):
                    read += len(data)
            assert 0 < read < 1 << 20
            async with visiting(path) as visitor:  # its place is free
                assert (await visitor.ask(request("hello")))["ok"]

    run(main())


def test_many_subscribers_get_the_same_and_one_too_many_is_told_so(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        clock = Clock(controls)
        async with serving(path, controls, sleep=clock.sleep, max_connections=16):
            visits = [visiting(path) for _ in range(16)]
            visitors = [await visit.__aenter__() for visit in visits]
            for visitor in visitors:
                assert (await visitor.ask(subscription("snapshot", interval_ms=200)))["ok"]
            for _ in range(5):
                assert {(await visitor.answer())["push"] for visitor in visitors} == {"snapshot"}
                await clock.pass_once_all_sleep(0.2, sleepers=16)
            async with visiting(path) as late:
                assert error_of(await late.answer()) == (None, "busy")
            for visit in visits:
                await visit.__aexit__(None, None, None)

    run(main())


def test_a_subscriber_that_hangs_up_leaves_nothing_behind(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        clock = Clock(controls)
        async with serving(path, controls, sleep=clock.sleep, max_connections=1):
            async with visiting(path) as visitor:
                await visitor.ask(subscription("snapshot", "events"))
                visitor.writer.write_eof()
                while await visitor.reader.read(1 << 16):
                    pass  # what was pushed before we said goodbye
            async with visiting(path) as visitor:
                assert (await visitor.ask(request("hello")))["ok"]
        assert len(asyncio.all_tasks()) == 1

    run(main())


@pytest.mark.parametrize("reading", [True, False])
def test_closing_ends_subscriptions_and_waits_for_no_reader(path: Path, run: Run, reading: bool) -> None:
    async def main() -> None:
        controls = FakeControls(picture=snapshot() if reading else BIG)
        clock = Clock(controls)
        async with serving(path, controls, sleep=clock.sleep, patience=3600) as server, visiting(path) as visitor:
            await visitor.ask(subscription("snapshot"))
            if reading:
                await visitor.answer()
            await server.close()
            while await visitor.reader.read(1 << 16):
                pass
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_our_own_mistake_ends_that_connection_only_and_is_logged(
    path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        controls = FakeControls(picture=snapshot(version=float("nan")))
        async with serving(path, controls), visiting(path) as other, visiting(path) as visitor:
            assert (await visitor.ask(subscription("snapshot")))["ok"]
            assert await visitor.is_hung_up_on()
            assert (await other.ask(request("hello")))["ok"]

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "a subscription ended by our mistake" in caplog.text
