"""The app as a whole: what comes from the source, and what becomes of it when nothing does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agroal_top.app import run
from agroal_top.options import Options
from agroal_top.preferences import BadPreferences
from agroal_top.source import Lost
from agroal_top.themes import THEMES

from tests.unit.tui.screens.scene import EVENTS, FakeSource, Scene, play, snapshot


def test_a_lost_daemon_leaves_its_data_and_says_why() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.away = "no agroal listens there"
        await scene.hear(Lost("agroal hung up"))
        await scene.see("✗ LOST")
        await scene.see("data frozen")
        assert "analytics" in scene.text()
        assert scene.app.main.has_class("-frozen")

    play(scenario)


def test_r_tries_again_now_and_the_data_comes_to_life() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.away = "no agroal listens there"
        await scene.hear(Lost("agroal hung up"))
        scene.source.away = ""
        await scene.press("r")
        scene.source.say(snapshot(9))
        await scene.until(lambda: scene.app.model.state == "live")
        await scene.see("● RUNNING")
        assert not scene.app.main.has_class("-frozen")

    play(scenario)


def test_a_daemon_that_was_away_from_the_start_is_awaited() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.see("no agroal listens there")
        await scene.press("2", "3", "4", "5", "6", "7", "8", "9", "0", "1")
        scene.source.away = ""
        await scene.press("r")
        scene.source.say(snapshot())
        await scene.see("● RUNNING")

    play(scenario, FakeSource(away="no agroal listens there"))


def test_another_instance_is_a_restart() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.hear(replace(snapshot(4), instance_id="77777777", mono_us=100, started_us=0))
        assert scene.app.model.restarts == 1
        assert "another agroal answers" in scene.notes[0]

    play(scenario)


def test_silence_is_called_stale() -> None:
    async def scenario(scene: Scene) -> None:
        scene.seconds[0] += 100
        await scene.see("STALE")

    play(scenario)


def test_a_graceful_shutdown_has_a_banner() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.hear(replace(snapshot(4), status="graceful"))
        await scene.see("SHUTTING DOWN (graceful) · 6 clients left")

    play(scenario)


def test_events_stand_on_the_overview() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.hear(EVENTS)
        await scene.see("server pg-d: connection refused")

    play(scenario)


def test_every_theme_of_ours_draws() -> None:
    async def scenario(scene: Scene) -> None:
        for theme in THEMES:
            scene.app.theme = theme.name
            await scene.pilot.pause()
        assert "analytics" in scene.text()

    play(scenario)


def test_an_unknown_theme_is_the_usual_one() -> None:
    async def scenario(scene: Scene) -> None:
        assert scene.app.theme == "agroal-dark"

    play(scenario, options=Options(theme="nosuch"))


def test_without_colours_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(scene: Scene) -> None:
        for key in "1234567890":
            await scene.press(key)
            styles = [
                segment.style
                for strip in scene.app.screen._compositor.render_strips()
                for segment in strip.apply_filter(scene.app._filters[-1], scene.app.screen.styles.background)
                if segment.style
            ]
            colours = {colour.name for style in styles for colour in (style.color, style.bgcolor) if colour}
            assert colours == {"default"}, "greys are colours, too"
        await scene.press("3")
        assert any(style.reverse for style in styles), "the cursor is still seen"

    play(scenario, size=(120, 36))


def test_a_profile_has_its_colour_and_its_keys() -> None:
    async def scenario(scene: Scene) -> None:
        assert scene.app.main.query_one("#status").styles.background.hex == "#FF0000"
        assert "f10 Quit" in scene.text()
        await scene.press("question_mark")
        await scene.see("f10")
        await scene.press("escape", "q")
        assert scene.app.return_value is None
        await scene.press("f10")
        assert scene.app.return_value == 0

    play(scenario, options=Options(colour="red", keymap={"main.quit": "f10"}))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(colour="reddish"), "“reddish” is no colour"),
        (Options(keymap={"main.leave": "x"}), "no key is called main.leave"),
    ],
)
def test_wishes_that_can_not_be_are_refused_at_once(options: Options, said: str) -> None:
    with pytest.raises(BadPreferences, match=said):
        run(FakeSource(), options)
