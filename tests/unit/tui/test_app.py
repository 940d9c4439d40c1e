"""The app as a whole: what comes from the source, and what becomes of it when nothing does."""

from __future__ import annotations

from dataclasses import replace

from agroal_top.options import Options
from agroal_top.source import Lost
from agroal_top.themes import THEMES

from tests.unit.tui.screens.scene import EVENTS, FakeSource, Scene, play, snapshot

HOSTILE = "[bold red]x[/] [link=a]\\[ \u6f22\u5b57"


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


def test_names_are_never_markup() -> None:
    now = snapshot(5)
    pools = tuple(replace(pool, database=HOSTILE, error=HOSTILE) for pool in now.pools[:1])
    clients = tuple(replace(client, database=HOSTILE, application_name=HOSTILE) for client in now.clients)
    slots = tuple(replace(slot, database=HOSTILE, application_name=HOSTILE) for slot in now.slots)
    servers = tuple(replace(server, name=HOSTILE, error=HOSTILE) for server in now.servers)
    waiters = tuple(replace(waiter, database=HOSTILE) for waiter in now.waiters)
    hostile = replace(now, pools=pools, clients=clients, slots=slots, servers=servers, waiters=waiters)

    async def scenario(scene: Scene) -> None:
        await scene.hear((replace(EVENTS[0], text=HOSTILE),))
        for key in "1234567890":
            await scene.press(key, "enter", "y", "escape", "a", "escape")
        await scene.press("2")
        await scene.see("[bold red]x[/]")

    play(scenario, size=(200, 60), snapshots=(hostile,))


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
