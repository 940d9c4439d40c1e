"""The page Config: the parameters, and what else the configuration has."""

from __future__ import annotations

from agroal_top.source import Refused
from agroal_top.widgets.live_table import LiveTable

from tests.unit.tui.screens.scene import FakeSource, Scene, play


def test_t_turns_to_the_lines_of_the_databases_file_and_to_the_files() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("0", "slash", *"port", "enter", "t")
        await scene.see("lines of the databases file 1")
        await scene.see("store")
        assert scene.app.main.page.filter == ""  # its columns were of another table
        await scene.press("enter")
        assert scene.app.screen is scene.app.main
        await scene.press("t")
        await scene.see("/etc/agroal/agroal_hba.conf")
        await scene.press("t")
        await scene.see("blocking_timeout")

    play(scenario, size=(120, 36))


def test_what_the_daemon_does_not_tell_is_said() -> None:
    source = FakeSource()

    async def scenario(scene: Scene) -> None:
        await scene.press("0")
        await scene.until(lambda: scene.app.main.query_one("#config-table", LiveTable).items)
        source.refusal = Refused("unsupported", "that is not in a recording")
        await scene.press("t")
        await scene.see("that is not in a recording")

    play(scenario, source, size=(120, 36))
