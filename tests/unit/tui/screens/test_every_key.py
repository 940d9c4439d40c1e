"""Every key on every page: in front of a daemon, for who may only look, of one that is lost, and in a recording."""

from __future__ import annotations

import asyncio
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from agroal_top.app import AgroalTop
from agroal_top.keymap import KEYS, PAGES
from agroal_top.options import Options
from agroal_top.recording import Recorded
from agroal_top.replay import ReplaySource
from agroal_top.source import Lost
from textual.pilot import Pilot

from tests.unit.tui.screens.scene import EVENTS, FakeSource, Scene, play, snapshot

KEYS_THAT_STAY = [key.keys.split(",")[0] for key in KEYS if key.action != "quit" and not key.action.startswith("go(")]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def press_every_key(app: AgroalTop, pilot: Pilot[int]) -> None:
    """What comes up is left by esc, at once."""
    app.notify = lambda *_, **__: None  # type: ignore[method-assign]  # hundreds of toasts would pile up
    for number, (page, _, _) in enumerate(PAGES, start=1):
        for key in dict.fromkeys(KEYS_THAT_STAY):
            if app.main.current != page:
                app.main.go(page)
            app.simulate_key(key)
            await pilot._wait_for_screen()
            for _ in range(9):
                if app.screen is app.main:
                    break
                app.simulate_key("escape")
                await pilot._wait_for_screen()
            assert app.screen is app.main, f"{key} on {page}"
        await pilot.press(str(number % 10))
        assert app.main.current == page


def test_a_live_daemon_is_asked_and_nothing_is_done_unconfirmed() -> None:
    async def scenario(scene: Scene) -> None:
        await press_every_key(scene.app, scene.pilot)
        await scene.until(lambda: scene.source.asked)
        assert {verb for verb, _ in scene.source.done} <= {"ping", "conf alias", "conf ls"}

    play(scenario)


def test_who_may_only_look_asks_for_nothing_that_changes() -> None:
    async def scenario(scene: Scene) -> None:
        await press_every_key(scene.app, scene.pilot)
        assert {verb for verb, _, _ in scene.source.asked} <= {"ping", "conf alias", "conf ls"}

    play(scenario, FakeSource(read_only=True))


def test_a_lost_daemon_is_left_alone() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.away = "gone"
        await scene.hear(Lost("gone"))
        await press_every_key(scene.app, scene.pilot)
        assert {verb for verb, _, _ in scene.source.asked} <= {"ping", "conf alias", "conf ls"}
        await scene.press("2")
        assert "analytics" in scene.text()

    play(scenario)


def test_a_recording_takes_every_key(tmp_path: Path) -> None:
    source = FakeSource()
    source.say(*(snapshot(second) for second in range(9)), EVENTS)
    with closing(Recorded(source, tmp_path / "a.agrec")) as recorded:
        assert len(list(islice(recorded.snapshots(1.0), 10))) == 10
    replay = ReplaySource(tmp_path / "a.agrec")

    async def scene() -> None:
        app = AgroalTop(replay, Options())
        async with app.run_test(size=(80, 24)) as pilot:
            await press_every_key(app, pilot)
            assert app.read_only

    asyncio.run(scene())
