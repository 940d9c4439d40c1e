from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agroal.errors import ConfigurationError
from agroal.management.server import ManagementServer
from agroal.management.wire import MAX_REQUEST, Request, encode_request
from tests.unit.management.conftest import Run
from tests.unit.management.fake import FakeControls, framed, request
from tests.unit.management.sample import snapshot
from tests.unit.management.test_dispatch import requests
from tests.unit.management.visiting import error_of, no_time, serving, subscription, visiting


def test_a_request_is_answered(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()), visiting(path) as visitor:
            answer = await visitor.ask(request("ping", id="x"))
        assert (answer["id"], answer["ok"], answer["result"]["version"]) == ("x", True, "0.1.0")

    run(main())


def test_a_connection_carries_many_requests_and_answers_them_in_order(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()), visiting(path) as visitor:
            await visitor.send(b"".join(request(id=number) for number in range(50)))
            assert [(await visitor.answer())["id"] for _ in range(50)] == list(range(50))

    run(main())


def test_a_request_that_comes_byte_by_byte_is_answered(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()), visiting(path) as visitor:
            frame = request()
            answer = await visitor.ask(*(frame[i : i + 1] for i in range(len(frame))))
            assert answer["ok"]

    run(main())


def test_connections_do_not_wait_for_each_other(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        async with serving(path, controls), visiting(path) as slow, visiting(path) as quick:
            await slow.send(request("ping"))
            await controls.pinged.wait()
            assert (await quick.ask(request("hello")))["ok"]
            controls.hold.set()
            assert (await slow.answer())["ok"]

    run(main())


def test_what_is_malformed_is_answered_and_the_connection_goes_on(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()), visiting(path) as visitor:
            assert error_of(await visitor.ask(framed(b"\xff"))) == (None, "malformed")
            assert error_of(await visitor.ask(framed(b""))) == (None, "malformed")
            assert error_of(await visitor.ask(framed(b'{"v":3,"id":4,"verb":"ping"}'))) == (4, "version")
            assert error_of(await visitor.ask(request("pong", id=5))) == (5, "unknown-verb")
            assert (await visitor.ask(request("ping")))["ok"]

    run(main())


def test_what_is_too_long_is_answered_and_the_connection_ends(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()), visiting(path) as visitor:
            answer = await visitor.ask((MAX_REQUEST + 1).to_bytes(4, "big"))
            assert error_of(answer) == (None, "too-long")
            assert await visitor.is_hung_up_on()

    run(main())


def test_a_request_of_exactly_the_bound_is_read(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()), visiting(path) as visitor:
            body = b'{"v":1,"id":1,"verb":"ping"}'.ljust(MAX_REQUEST)
            assert (await visitor.ask(framed(body)))["ok"]

    run(main())


def test_a_request_that_is_begun_and_not_ended_ends_the_connection(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(), patience=0), visiting(path) as visitor:
            assert error_of(await visitor.ask(request()[:-1])) == (None, "timeout")
            assert await visitor.is_hung_up_on()

    run(main())


def test_a_program_that_hangs_up_in_the_middle_of_a_request_harms_nobody(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()):
            async with visiting(path) as visitor:
                await visitor.send(request()[:-1])
            async with visiting(path) as visitor:
                assert (await visitor.ask(request()))["ok"]

    run(main())


def test_a_program_that_does_not_read_its_answer_is_hung_up_on(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(picture=snapshot(slots=snapshot().slots * 50_000))
        async with serving(path, controls, patience=0):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(sock, str(path))
                await loop.sock_sendall(sock, request("snapshot"))
                async with visiting(path) as other:
                    assert (await other.ask(request()))["ok"]
                received = 0
                while data := await loop.sock_recv(sock, 1 << 20):
                    received += len(data)
            assert 0 < received < 1 << 20  # what the kernel had taken; the answer has several megabytes

    run(main())


def test_a_program_that_has_nothing_more_to_ask_gets_the_whole_of_its_answer(path: Path, run: Run) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        taken_by_the_kernel = ours.send(b"x" * (1 << 22))

    async def main() -> None:
        wall = "x" * (taken_by_the_kernel + 4096)  # a little is left over
        async with serving(path, FakeControls(picture=snapshot(wall=wall))), visiting(path) as visitor:
            visitor.writer.write(request("snapshot"))
            visitor.writer.write_eof()
            assert (await visitor.answer())["result"]["wall"] == wall

    run(main())


def test_one_connection_too_many_is_told_so(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(), max_connections=1), visiting(path) as first:
            assert (await first.ask(request()))["ok"]
            async with visiting(path) as second:
                assert error_of(await second.answer()) == (None, "busy")
                assert await second.is_hung_up_on()
            assert (await first.ask(request()))["ok"]

    run(main())


def test_a_connection_that_ended_makes_room(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(), max_connections=1):
            for _ in range(3):
                async with visiting(path) as visitor:
                    assert (await visitor.ask(request()))["ok"]
                    visitor.writer.write_eof()
                    assert await visitor.is_hung_up_on()

    run(main())


def test_our_own_mistake_is_answered_and_logged(path: Path, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(error=ZeroDivisionError("secret"))), visiting(path) as visitor:
            answer = await visitor.ask(request("ping"))
            assert error_of(answer) == (1, "internal")
            assert "secret" not in str(answer)
            assert (await visitor.ask(request("hello")))["ok"]

    run(main())
    assert "ZeroDivisionError" in caplog.text


def test_a_result_that_json_can_not_carry_ends_the_connection_and_is_logged(
    path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(picture=snapshot(version=float("nan")))), visiting(path) as visitor:
            await visitor.send(request("snapshot"))
            assert await visitor.is_hung_up_on()

    run(main())
    assert "a connection ended by our mistake" in caplog.text


def test_closing_hangs_up_on_who_rests_and_removes_the_socket(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(), patience=3600) as server, visiting(path) as visitor:
            assert (await visitor.ask(request()))["ok"]
            await server.close()
            assert await visitor.is_hung_up_on()

    run(main())
    assert not path.exists()


def test_closing_does_not_wait_for_a_request_that_may_never_end(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(), patience=3600) as server, visiting(path) as visitor:
            await visitor.ask(request() + request()[:-1])
            await server.close()
            assert await visitor.is_hung_up_on()

    run(main())


def test_closing_twice_leaves_a_successor_alone(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()) as server:
            await server.close()
            async with serving(path, FakeControls()), visiting(path) as visitor:
                await server.close()
                assert path.exists()  # noqa: ASYNC240
                assert (await visitor.ask(request()))["ok"]

    run(main())


def test_closing_lets_a_request_under_way_have_its_answer(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        async with serving(path, controls, patience=3600) as server, visiting(path) as visitor:
            await visitor.send(request("ping"))
            await controls.pinged.wait()
            closing = asyncio.create_task(server.close())
            await asyncio.sleep(0)
            controls.hold.set()
            assert (await visitor.answer())["ok"]
            assert await visitor.is_hung_up_on()
            await closing

    run(main())


def test_closing_does_not_wait_for_ever(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        async with serving(path, controls, patience=0) as server, visiting(path) as visitor:
            await visitor.send(request("ping"))
            await controls.pinged.wait()
            await server.close()
            assert await visitor.is_hung_up_on()

    run(main())


def test_closing_what_was_never_started_does_nothing(path: Path, run: Run) -> None:
    run(ManagementServer(path, FakeControls()).close())


def test_a_second_daemon_is_told_that_one_is_running_and_harms_it_not(path: Path, run: Run) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()):
            with pytest.raises(ConfigurationError, match="another agroal is running"):
                await ManagementServer(path, FakeControls()).start()
            async with visiting(path) as visitor:
                assert (await visitor.ask(request()))["ok"]

    run(main())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.binary(max_size=80), max_size=5), framing=st.booleans())
def test_no_noise_ends_the_daemon(path: Path, noise: list[bytes], framing: bool) -> None:
    async def main() -> None:
        async with serving(path, FakeControls()):
            async with visiting(path) as visitor:
                await visitor.send(*map(framed, noise) if framing else noise)
                visitor.writer.write_eof()
                await visitor.is_hung_up_on()
            async with visiting(path) as visitor:
                assert (await visitor.ask(request()))["ok"]

    asyncio.run(main())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(requests(), min_size=1, max_size=12))
def test_whatever_is_asked_is_answered_in_order_whatever_is_pushed(path: Path, asked: list[Request]) -> None:
    async def main() -> None:
        async with serving(path, FakeControls(), sleep=no_time), visiting(path) as visitor:
            await visitor.send(subscription("snapshot", "events", after=0))
            await visitor.send(*(encode_request(replace(one, id=at)) for at, one in enumerate(asked)))
            answered: list[object] = []
            while len(answered) <= len(asked):
                came = await visitor.answer()
                answered += [] if "push" in came else [came["id"]]
            assert answered == ["s", *range(len(asked))]

    asyncio.run(main())
