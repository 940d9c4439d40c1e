"""Every page at three sizes, as text and as SVG, from one fixed daemon.

`AGROAL_TOP_FRAMES=write` writes the frames anew. Of an SVG they have the colours, see drawing.py: thirty whole ones are
megabytes that change with every release of Rich. `AGROAL_TOP_PICTURES=DIR` draws them, to be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from agroal_top.keymap import PAGES
from agroal_top.options import Options
from agroal_top.source import Lost

from tests.unit.tui.screens.drawing import colours_of, text_of
from tests.unit.tui.screens.scene import EVENTS, FakeSource, Scene, play

FRAMES = Path(__file__).parents[1] / "frames"
SIZES = ((80, 24), (120, 36), (200, 60))
NAMES = [name for name, _, _ in PAGES]
KEYS = {name: str(number % 10) for number, name in enumerate(NAMES, start=1)}


def compare(name: str, text: str) -> None:
    path = FRAMES / name
    if os.environ.get("AGROAL_TOP_FRAMES") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def compare_picture(name: str, scene: Scene, size: tuple[int, int]) -> None:
    """Its SVG: the text that the frame has, in the colours that it had. AGROAL_TOP_PICTURES is where to see it."""
    svg = scene.app.export_screenshot(title=name)
    if folder := os.environ.get("AGROAL_TOP_PICTURES"):
        (Path(folder) / f"{name}.svg").write_text(svg, encoding="utf-8")
    assert text_of(svg, size) == scene.text()
    compare(f"{name}.colours", colours_of(svg, size))


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
            name = f"{page}_{size[0]}x{size[1]}"
            compare(f"{name}.txt", f"{await shown(scene, page)}\n")
            compare_picture(name, scene, size)

    play(scenario, size=size)


def test_ascii_only_means_it() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.hear(EVENTS)
        for page in NAMES:
            text = await shown(scene, page)
            compare(f"{page}_120x36_ascii.txt", f"{text}\n")
            assert text.isascii()

    play(scenario, size=(120, 36), options=Options(ascii=True))


def test_a_lost_daemon_looks_as_it_did() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.away = "no agroal listens there"
        await scene.hear(Lost("agroal closed the connection"))
        scene.app.model.retry_at = scene.seconds[0] + 4
        scene.app.main.paint()
        await scene.pilot.pause()
        compare("lost_80x24.txt", f"{scene.text()}\n")

    play(scenario)


def test_read_only_looks_as_it_did() -> None:
    async def scenario(scene: Scene) -> None:
        compare("read_only_80x24.txt", f"{await shown(scene, 'pools')}\n")

    play(scenario, FakeSource(read_only=True))
