"""Requests that are repeated with their key, through the dispatcher that remembers them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from agroal.errors import ManagementError
from agroal.management.controls import Call, Role
from agroal.management.dispatch import Dispatcher
from agroal.management.memory import KEPT, Memory, Outcome
from agroal.management.wire import Answer, Failure, Request, encode_request
from tests.unit.management.conftest import Run
from tests.unit.management.fake import FakeControls
from tests.unit.management.test_dispatch import failure, replies
from tests.unit.management.visiting import serving, visiting


def keyed(verb: str, key: str | None = "k", id: int = 1, dry_run: bool = False, **args: object) -> Request:
    return Request(id, verb, args, dry_run, key)


def test_a_request_with_the_same_key_is_not_executed_again() -> None:
    controls = FakeControls()
    first, second = replies(controls, keyed("kill", client=7), keyed("kill", id=2, client=7))
    assert controls.done == [("kill", 7)]
    assert len(controls.recorded) == 1
    assert second == Answer(2, first.outcome, first.took_us, repeated=True)
    assert not first.repeated


def test_a_refusal_is_remembered_too() -> None:
    controls = FakeControls()
    first, _, second = replies(
        controls, keyed("shutdown cancel"), keyed("shutdown gracefully", key=None), keyed("shutdown cancel")
    )
    assert failure(first) == failure(second)
    assert second.repeated


def test_without_a_key_everything_is_executed() -> None:
    controls = FakeControls()
    replies(controls, keyed("kill", key=None, client=7), keyed("kill", key=None, client=7))
    assert len(controls.done) == 2


@pytest.mark.parametrize("other", [keyed("kill", client=8), keyed("clear statistics")], ids=["args", "verb"])
def test_a_key_belongs_to_one_command(other: Request) -> None:
    controls = FakeControls()
    _, reply = replies(controls, keyed("kill", client=7), other)
    assert failure(reply).code == "bad-argument"
    assert "was used for another request, “kill”" in failure(reply).message
    assert len(controls.done) == 1


def test_a_dry_run_does_not_use_a_key_up() -> None:
    controls = FakeControls()
    tried, done, again = replies(
        controls, keyed("kill", dry_run=True, client=7), keyed("kill", client=7), keyed("kill", dry_run=True, client=7)
    )
    assert [reply.repeated for reply in (tried, done, again)] == [False] * 3
    assert controls.done == [("kill", 7)]


def test_what_only_looks_is_asked_every_time() -> None:
    controls = FakeControls()
    replies(controls, keyed("ping"))
    first, second = replies(controls, keyed("ping"), keyed("status"))
    assert not first.repeated
    assert not isinstance(second.outcome, Failure)


def test_what_was_not_even_begun_is_not_remembered() -> None:
    controls = FakeControls()
    wrong, right = replies(controls, keyed("kill", client="x"), keyed("kill", client=7))
    assert failure(wrong).code == "bad-argument"
    assert not isinstance(right.outcome, Failure)


@pytest.mark.parametrize(("others", "executed"), [(255, 1), (256, 2)])
def test_so_many_keys_are_remembered(others: int, executed: int) -> None:
    controls = FakeControls()
    first = keyed("kill", key="first", client=7)
    replies(controls, first, *(keyed("clear statistics", key=f"{n}") for n in range(others)), first)
    assert controls.done.count(("kill", 7)) == executed


def test_a_request_that_is_repeated_while_it_is_executed_gets_the_same_outcome() -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        assert controls.hold
        assert controls.pinged
        dispatcher, call = Dispatcher(), Call(controls, Role.ADMIN)
        first = asyncio.create_task(dispatcher.answer(keyed("conf reload"), call))
        await controls.pinged.wait()
        second = asyncio.create_task(dispatcher.answer(keyed("conf reload", id=2), call))
        third = asyncio.create_task(dispatcher.answer(keyed("conf reload", id=3), call))
        await asyncio.sleep(0)
        third.cancel()  # one that gives up takes nothing away from the others
        controls.hold.set()
        answers = await asyncio.gather(first, second)
        assert controls.done == [("reload",)]
        assert [(answer.id, answer.repeated) for answer in answers] == [(1, False), (2, True)]
        assert answers[0].outcome == answers[1].outcome

    asyncio.run(main())


def test_one_under_way_is_not_forgotten_for_others() -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        assert controls.hold
        assert controls.pinged
        dispatcher, call = Dispatcher(), Call(controls, Role.ADMIN)
        first = asyncio.create_task(dispatcher.answer(keyed("conf reload"), call))
        await controls.pinged.wait()
        for n in range(300):
            await dispatcher.answer(keyed("clear statistics", key=f"{n}"), call)
        second = asyncio.create_task(dispatcher.answer(keyed("conf reload", id=2), call))
        await asyncio.sleep(0)
        controls.hold.set()
        assert (await second).repeated
        assert not (await first).repeated

    asyncio.run(main())


def test_one_that_was_cut_short_may_be_tried_again() -> None:
    async def main() -> None:
        controls = FakeControls(hold=asyncio.Event(), pinged=asyncio.Event())
        assert controls.hold
        assert controls.pinged
        dispatcher, call = Dispatcher(), Call(controls, Role.ADMIN)
        first = asyncio.create_task(dispatcher.answer(keyed("conf reload"), call))
        await controls.pinged.wait()
        second = asyncio.create_task(dispatcher.answer(keyed("conf reload"), call))
        await asyncio.sleep(0)
        first.cancel()
        for task in (first, second):
            with suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()
        controls.hold.set()
        assert not (await dispatcher.answer(keyed("conf reload"), call)).repeated

    asyncio.run(main())


def test_the_oldest_are_forgotten_and_their_keys_are_free() -> None:
    async def done() -> Outcome:
        return Outcome({}, 0)

    async def main() -> None:
        memory = Memory()
        for number in range(KEPT + 1):
            await memory.once(f"{number}", ("kill", {}), done)
        with pytest.raises(ManagementError):
            await memory.once("1", ("flush all", {}), done)
        assert await memory.once("0", ("flush all", {}), done) == (Outcome({}, 0), False)

    asyncio.run(main())


def test_keys_are_remembered_across_connections(path: Path, run: Run) -> None:
    async def main() -> None:
        controls = FakeControls()
        frame = encode_request(Request(1, "kill", {"client": 7}, key="k"))
        async with serving(path, controls):
            async with visiting(path) as visitor:
                assert "repeated" not in await visitor.ask(frame)
            async with visiting(path) as visitor:
                assert (await visitor.ask(frame))["repeated"] is True
        assert controls.done == [("kill", 7)]

    run(main())
