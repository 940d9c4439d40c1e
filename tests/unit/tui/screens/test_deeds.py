"""What is done to the daemon: nothing by mistake, nothing twice, nothing without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from agroal_top.options import Options
from agroal_top.screens.ask import Ask
from agroal_top.screens.choice import Choice
from agroal_top.screens.confirm import Confirm
from agroal_top.source import Lost, Refused
from textual.widgets import Button, Input, OptionList

from tests.unit.tui.screens.scene import FakeSource, Scene, play


async def asked(scene: Scene) -> Confirm:
    await scene.until(lambda: isinstance(scene.app.screen, Confirm))
    await scene.pilot.pause()
    screen = scene.app.screen
    assert isinstance(screen, Confirm)
    return screen


async def chosen(scene: Scene, title: str) -> None:
    """The entry of the menu that begins so."""
    await scene.until(lambda: isinstance(scene.app.screen, Choice))
    options = scene.app.screen.query_one(OptionList)
    titles = [str(option.prompt) for option in options.options]
    options.highlighted = next(number for number, text in enumerate(titles) if title in text)
    await scene.press("enter")


@pytest.mark.parametrize(("key", "verb"), [("E", "enable"), ("D", "disable")])
def test_a_reversible_deed_shows_its_effect_and_wants_a_yes(key: str, verb: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", key)
        question = await asked(scene)
        assert scene.source.asked == [(verb, {"database": "analytics"}, True)]
        assert question.query_one("#cancel").has_focus
        assert f"agroal-cli {verb} analytics" in scene.text()
        await scene.press("y")
        await scene.until(lambda: scene.source.done == [(verb, {"database": "analytics"})])

    play(scenario)


@pytest.mark.parametrize(("key", "verb"), [("P", "pause"), ("R", "resume"), ("O", "reconnect")])
def test_what_holds_clients_or_replaces_connections_is_for_one_database_or_for_all(key: str, verb: str) -> None:
    async def scenario(scene: Scene) -> None:
        for title, args in ((f"{verb.capitalize()} database analytics", {"database": "analytics"}), ("all", {})):
            await scene.press("2", key)
            await chosen(scene, title)
            await asked(scene)
            await scene.press("y")
            await scene.until(lambda args=args: scene.source.done[-1:] == [(verb, args)])

    play(scenario)


@pytest.mark.parametrize("key", ["enter", "escape", "n"])
def test_whoever_does_not_say_yes_says_no(key: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "D")
        await asked(scene)
        await scene.press(key)
        await scene.until(lambda: scene.app.screen is scene.app.main)
        await scene.pilot.pause(0.05)
        assert scene.source.done == []

    play(scenario)


def test_flush_all_wants_the_name_typed_and_then_an_enter_of_its_own() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "F")
        await chosen(scene, "Flush all: database analytics")
        question = await asked(scene)
        assert "2 KILLED" in scene.text()
        ok = question.query_one("#ok", Button)
        assert ok.disabled
        await scene.press("y")
        assert scene.app.screen is question
        question.query_one(Input).value = ""
        await scene.press(*"analytic")
        assert ok.disabled
        await scene.press("s", "enter")
        assert ok.has_focus
        assert scene.source.done == []
        await scene.press("enter")
        await scene.until(lambda: scene.source.done == [("flush all", {"database": "analytics"})])

    play(scenario)


def test_enter_after_the_wrong_name_does_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "K")
        await asked(scene)
        await scene.press(*"8", "enter")
        await scene.until(lambda: scene.app.screen is scene.app.main)
        assert scene.source.done == []

    play(scenario)


def test_kill_is_of_the_client_under_the_cursor() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "K")
        await asked(scene)
        await scene.press("7", "enter", "enter")
        await scene.until(lambda: scene.source.done == [("kill", {"client": 7})])

    play(scenario)


def test_to_stop_it_the_instance_has_to_be_typed() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("S")
        await chosen(scene, "IMMEDIATELY")
        await asked(scene)
        await scene.press(*"agroal", "colon", *"2346", "enter", "enter")
        await scene.until(lambda: scene.source.done == [("shutdown immediate", {})])

    play(scenario)


@pytest.mark.parametrize(("key", "verb"), [("C", "conf reload"), ("Z", "clear statistics")])
def test_deeds_without_an_object(key: str, verb: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press(key)
        await asked(scene)
        await scene.press("y")
        await scene.until(lambda: scene.source.done == [(verb, {})])

    play(scenario)


def test_the_menu_does_what_the_keys_do() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "a")
        await chosen(scene, "Disable database analytics")
        await asked(scene)
        await scene.press("y")
        await scene.until(lambda: scene.source.done == [("disable", {"database": "analytics"})])

    play(scenario)


def test_a_refusal_in_the_dry_run_is_said_and_nothing_asked() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "D")
        await scene.until(lambda: scene.notes == ["there is no such [bold]database"])
        assert scene.app.screen is scene.app.main
        assert scene.source.done == []

    play(scenario, FakeSource(refusal=Refused("bad-argument", "there is no such [bold]database")))


def test_what_was_done_stands_in_the_action_log(tmp_path: Path) -> None:
    log = tmp_path / "state" / "actions.log"

    async def scenario(scene: Scene) -> None:
        await scene.press("2", "D")
        await asked(scene)
        await scene.press("y")
        await scene.until(lambda: scene.app.done)
        await scene.press("9", "t", "t")
        await scene.see("agroal-cli disable analytics")

    play(scenario, options=Options(action_log=log))
    assert log.read_text().startswith("2026-11-22T12:04:02.000Z agroal-cli disable analytics # done: New clients")


def test_what_failed_stands_there_too_and_is_not_tried_again() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "D")
        await asked(scene)
        scene.source.refusal = Refused("refused", "not now")
        await scene.press("y")
        await scene.until(lambda: scene.app.done)
        assert [(one.outcome, one.fine) for one in scene.app.done] == [("not now", False)]
        assert len(scene.source.done) == 1

    play(scenario)


def test_a_pool_that_a_key_needs_is_asked_for() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("5", "K")
        assert "there is nothing under the cursor" in scene.notes[0]
        assert scene.source.asked == []

    play(scenario)


def test_who_may_only_look_has_no_keys_that_act() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("4", "a", "F", "E", "D", "K", "C", "Z", "S")
        await scene.pilot.pause(0.05)
        assert scene.app.screen is scene.app.main
        assert scene.source.asked == []
        assert "Actions" not in scene.text()
        assert " RO " in scene.text()

    play(scenario, FakeSource(read_only=True))


def test_who_may_only_look_may_ping() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("p")
        await scene.until(lambda: scene.notes == ["pg-a: 0.4 ms"])

    play(scenario, FakeSource(read_only=True))


def test_while_agroal_is_lost_nothing_is_sent() -> None:
    async def scenario(scene: Scene) -> None:
        scene.source.away = "gone"
        await scene.hear(Lost("gone"))
        await scene.press("2", "D")
        await scene.pilot.pause(0.05)
        assert scene.source.asked == []

    play(scenario)


def test_nobody_answers_a_question_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroal_top.screens.confirm.PATIENCE", 1.0)

    async def scenario(scene: Scene) -> None:
        await scene.press("2", "D")
        await asked(scene)
        await scene.until(lambda: scene.app.screen is scene.app.main)
        assert scene.source.done == []

    play(scenario)


def test_a_parameter_is_set_after_its_value_was_asked_for() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("0")
        await scene.see("background")
        await scene.press("end", "V")
        await scene.until(lambda: isinstance(scene.app.screen, Ask))
        assert scene.app.screen.query_one(Input).value == "background"
        await scene.press(*["backspace"] * 10, *"off", "enter")
        question = await asked(scene)
        assert "validation: background → off" in scene.text()
        assert question.query_one("#cancel").has_focus
        assert scene.source.done == []
        await scene.press("y")
        await scene.until(lambda: scene.app.done)
        assert ("conf set", {"key": "validation", "value": "off"}) in scene.source.done
        assert scene.app.done[0].command == "agroal-cli conf set validation off"

    play(scenario, size=(120, 36))


def test_only_a_parameter_can_be_set() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.press("2", "V")
        assert "they are on the page Config" in scene.notes[0]
        assert scene.source.asked == []

    play(scenario)
