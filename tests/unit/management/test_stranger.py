from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from agroal.auth.guesses import FREE, LONGEST, SHORTEST, Guesses
from agroal.auth.hba import peer_at
from agroal.management.admission import Admitted, Arrival
from agroal.management.proof import proof
from agroal.management.stranger import MAX_FRAME, Stranger, Watch
from agroal.management.stream import Stream
from tests.unit.looping import in_a_loop, until
from tests.unit.management.door import EYE, OPS, FakeDoor
from tests.unit.management.fake import document, framed, request

FAR = Arrival(peer_at("10.0.3.7"))


class FakeWriter:
    """What was written."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def write(self, frame: bytes) -> None:
        self.frames.append(document(frame))

    async def drain(self) -> None:
        pass

    async def more_than(self, count: int) -> None:
        await until(lambda: len(self.frames) > count)


@dataclass
class Scene:
    door: FakeDoor = field(default_factory=FakeDoor)
    guesses: Guesses = field(default_factory=Guesses)
    waited: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.door.clock += seconds

    def stranger(self, arrival: Arrival = FAR) -> tuple[Stranger, asyncio.StreamReader, FakeWriter]:
        reader, writer = asyncio.StreamReader(), FakeWriter()
        watch = Watch(self.door, self.guesses, self.sleep)
        stream = Stream(reader, writer)  # type: ignore[arg-type]
        return Stranger(stream, arrival, "10.0.3.7:51422", watch, self.door.clock + self.door.timeout), reader, writer

    async def says(self, *data: bytes, arrival: Arrival = FAR) -> tuple[Admitted | None, list[dict[str, Any]]]:
        """Who comes of it, and what they were told."""
        stranger, reader, writer = self.stranger(arrival)
        for piece in data:
            reader.feed_data(piece)
        reader.feed_eof()
        return await stranger.admitted(), writer.frames

    async def tries(self, password: str, user: str = "ops") -> str:
        """How it ends for who logs in: `admitted`, or the code of the refusal."""
        stranger, reader, writer = self.stranger()
        coming = asyncio.create_task(stranger.admitted())
        talk = proof(user, password, "abcdef")
        args = next(talk)
        while True:
            told = len(writer.frames)
            reader.feed_data(request("authenticate", **args))
            await writer.more_than(told)
            answer = writer.frames[-1]
            if not answer["ok"]:
                assert await coming is None
                return str(answer["error"]["code"])
            try:
                args = talk.send(answer["result"])
            except StopIteration:
                return "admitted" if await coming else "?"


def errors(frames: list[dict[str, Any]]) -> list[tuple[object, str]]:
    return [(frame["id"], frame["error"]["code"]) for frame in frames if not frame["ok"]]


@in_a_loop
async def test_who_knows_the_password_comes_in() -> None:
    scene = Scene()
    assert [await scene.tries(OPS), await scene.tries(EYE, "eye")] == ["admitted", "admitted"]
    assert (scene.door.turned_away, scene.waited) == ([], [])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (request("hello", id=7), (7, "denied")),
        (request("shutdown immediate", id="x"), ("x", "denied")),
        (framed(b"nonsense"), (None, "malformed")),
        (framed(b'{"v":2,"id":3,"verb":"authenticate"}'), (3, "version")),
        ((MAX_FRAME + 1).to_bytes(4, "big"), (None, "too-long")),
        (request("authenticate", id=9), (9, "malformed")),
    ],
)
@in_a_loop
async def test_nothing_else_is_listened_to_and_the_first_mistake_is_the_last(
    data: bytes, error: tuple[object, str]
) -> None:
    scene = Scene()
    admitted, told = await scene.says(data, request("authenticate", user="ops"))
    assert (admitted, errors(told), len(told)) == (None, [error], 1)
    assert scene.door.turned_away == []


@in_a_loop
async def test_a_frame_as_long_as_may_be_is_read() -> None:
    body = request("authenticate", user="ops")[4:]
    _, (answer,) = await Scene().says(framed(body + b" " * (MAX_FRAME - len(body))))
    assert answer["ok"]


@in_a_loop
async def test_a_frame_may_come_in_pieces_and_somebody_may_go() -> None:
    frame = request("authenticate", user="ops")
    assert await Scene().says(*(frame[at : at + 1] for at in range(len(frame) - 1))) == (None, [])
    assert await Scene().says() == (None, [])


@in_a_loop
async def test_nothing_may_follow_before_the_last_answer() -> None:
    stranger, reader, writer = Scene().stranger()
    coming = asyncio.create_task(stranger.admitted())
    talk = proof("ops", OPS, "abcdef")
    args = next(talk)
    for _ in range(2):
        told = len(writer.frames)
        reader.feed_data(request("authenticate", **args))
        await writer.more_than(told)
        args = talk.send(writer.frames[-1]["result"])
    reader.feed_data(request("authenticate", **args) + request("shutdown immediate"))
    assert await coming is None
    assert errors(writer.frames) == [(1, "malformed")]


@in_a_loop
async def test_who_fails_is_counted_by_name_and_place() -> None:
    scene = Scene()
    assert [await scene.tries("wrong"), await scene.tries("wrong", "nobody")] == ["denied", "denied"]
    assert [(user, host) for user, host, _ in scene.door.turned_away] == [("ops", "10.0.3.7"), ("nobody", "10.0.3.7")]


@in_a_loop
async def test_who_fails_again_and_again_has_to_wait_also_with_the_right_password() -> None:
    scene = Scene()
    for _ in range(FREE + 2):
        assert await scene.tries("wrong") == "denied"
    assert scene.waited == [SHORTEST]
    assert await scene.tries(OPS) == "admitted"
    assert scene.waited == [SHORTEST, 2 * SHORTEST]


@in_a_loop
async def test_who_would_wait_for_longer_than_there_is_time_is_told_so() -> None:
    scene = Scene()
    for _ in range(20):
        scene.guesses.failed(peer_at("10.0.3.7").address, scene.door.clock)  # type: ignore[arg-type]
    assert scene.door.timeout < LONGEST
    assert await scene.tries(OPS) == "busy"
    assert scene.waited == []


@in_a_loop
async def test_the_hba_file_is_no_guess() -> None:
    scene = Scene(FakeDoor(hba=None))
    for _ in range(FREE + 3):
        assert await scene.tries(OPS) == "denied"
    assert (len(scene.door.turned_away), scene.waited) == (FREE + 3, [])


@in_a_loop
async def test_names_can_not_write_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    await Scene(FakeDoor(hba=None)).says(request("authenticate", user="a\n\x1b[2Jb"))
    (record,) = caplog.records
    assert record.getMessage().isprintable()
    assert "user=a·␛[2Jb" in record.getMessage()
