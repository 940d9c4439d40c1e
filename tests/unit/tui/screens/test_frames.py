"""Every page at three sizes, as text, from one fixed daemon. `AGROAL_TOP_FRAMES=write` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from agroal_top.keymap import PAGES
from agroal_top.options import Options
from agroal_top.source import Lost

from tests.unit.tui.screens.scene import EVENTS, FakeSource, Scene, play

FRAMES = Path(__file__).parents[1] / "frames"
SIZES = ((80, 24), (120, 36), (200, 60))
NAMES = [name for name, _, _ in PAGES]
KEYS = {name: str(number % 10) for number, name in enumerate(NAMES, start=1)}


def compare(name: str, text: str) -> None:
    path = FRAMES / f"{name}.txt"
    if os.environ.get("AGROAL_TOP_FRAMES") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


async def shown(scene: Scene, page: str) -> str:
    await scene.press(KEYS[page])
    expected = {"log": "ERROR", "config": "blocking_timeout"}
    await scene.see(expected.get(page, "agroal-top"))
    await scene.pilot.pause()
    return scene.text()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_pages_look_as_they_did(size: tuple[int, int]) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.hear(EVENTS)
        for page in NAMES:
            compare(f"{page}_{size[0]}x{size[1]}", await shown(scene, page))

    play(scenario, size=size)


def test_ascii_only_means_it() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.hear(EVENTS)
        for page in NAMES:
            text = await shown(scene, page)
            compare(f"{page}_120x36_ascii", text)
            assert text.isascii()

    play(scenario, size=(120, 36), options=Options(ascii=True))


def test_a_lost_daemon_looks_as_it_did() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.away = "no agroal listens there"
        await scene.hear(Lost("agroal closed the connection"))
        scene.app.model.retry_at = scene.seconds[0] + 4
        scene.app.main.paint()
        await scene.pilot.pause()
        compare("lost_80x24", scene.text())

    play(scenario)


def test_read_only_looks_as_it_did() -> None:
    async def scenario(scene: Scene) -> None:
        compare("read_only_80x24", await shown(scene, "pools"))

    play(scenario, FakeSource(read_only=True))
