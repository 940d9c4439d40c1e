"""A recording on the screen: its keys, and that it is for looking only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path

from agroal_top.app import AgroalTop
from agroal_top.options import Options
from agroal_top.recording import Recorded
from agroal_top.replay import ReplaySource
from agroal_top.screens.ask import Ask
from textual.pilot import Pilot

from agroal.management.recording import MEGABYTE
from tests.unit.tui.screens.scene import EVENTS, FakeSource, snapshot

LENGTH = 40


def recording(path: Path) -> ReplaySource:
    source = FakeSource()
    recorded = Recorded(source, path, MEGABYTE)
    source.say(*(snapshot(second) for second in range(20)), EVENTS, *(snapshot(second) for second in range(20, LENGTH)))
    for _ in islice(recorded.snapshots(1.0), LENGTH + 1):
        pass
    recorded.close()
    return ReplaySource(path)


def play(path: Path, scenario: Callable[[AgroalTop, Pilot[int], ReplaySource], Awaitable[None]]) -> None:
    async def scene() -> None:
        source = recording(path)
        source.play(False)
        app = AgroalTop(source, Options(), clock=lambda: 100.0)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: app.model.latest)
            await scenario(app, pilot, source)

    asyncio.run(scene())


async def until(pilot: Pilot[int], true: Callable[[], object]) -> None:
    for _ in range(300):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came to that")


def test_pictures_are_stepped_through(tmp_path: Path) -> None:
    async def scenario(app: AgroalTop, pilot: Pilot[int], source: ReplaySource) -> None:
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: app.model.latest == snapshot(2))
        await pilot.press("comma")
        await until(pilot, lambda: app.model.latest == snapshot(1))
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: app.model.latest == snapshot(LENGTH - 1))
        await pilot.press("left_curly_bracket")
        await until(pilot, lambda: app.model.latest == snapshot(0))

    play(tmp_path / "a.agrec", scenario)


def test_events_are_jumped_to(tmp_path: Path) -> None:
    async def scenario(app: AgroalTop, pilot: Pilot[int], source: ReplaySource) -> None:
        await pilot.press("n")
        await until(pilot, lambda: app.model.latest == snapshot(19))
        await pilot.press("N")
        assert "no event any more" in next(iter(app._notifications)).message

    play(tmp_path / "a.agrec", scenario)


def test_a_place_is_gone_to_by_its_time(tmp_path: Path) -> None:
    async def scenario(app: AgroalTop, pilot: Pilot[int], source: ReplaySource) -> None:
        await pilot.press("T", *"noon", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Ask)  # it was not understood, and is asked again
        await pilot.press(*["backspace"] * 4, *"12:04:07", "enter")
        await until(pilot, lambda: app.model.latest == snapshot(7))
        await pilot.press("T", *"+3s", "enter")
        await until(pilot, lambda: app.model.latest == snapshot(10))
        await pilot.press("T", "escape")
        assert source.position == 10

    play(tmp_path / "a.agrec", scenario)


def test_space_plays_and_x_makes_it_faster(tmp_path: Path) -> None:
    async def scenario(app: AgroalTop, pilot: Pilot[int], source: ReplaySource) -> None:
        await pilot.press("x", "x")
        assert source.speed == 5
        await pilot.press("space")
        assert source.playing
        await until(pilot, lambda: app.model.latest != snapshot(0))
        await pilot.press("space", "x", "x", "x")
        assert not source.playing
        assert source.speed == 1

    play(tmp_path / "a.agrec", scenario)


def test_a_recording_is_for_looking_only(tmp_path: Path) -> None:
    async def scenario(app: AgroalTop, pilot: Pilot[int], source: ReplaySource) -> None:
        for key in ("a", "F", "K", "S", "D"):
            await pilot.press(key)
        assert app.screen is app.main

    play(tmp_path / "a.agrec", scenario)
