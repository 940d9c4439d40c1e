from __future__ import annotations

import pytest
from agroal_top.views import actions
from agroal_top.views.actions import Target, Tier

from tests.unit.tui.screens.scene import ANSWERS, snapshot

CLIENT = snapshot().clients[0]


def test_the_tiers_are_those_of_the_harm() -> None:
    tiers = {
        action.verb: (action.tier, action.word) for action in actions.menu(Target("shop", CLIENT), "db1", "running")
    }
    assert tiers == {
        "kill": (Tier.DESTRUCTIVE, "7"),
        "flush idle": (Tier.REVERSIBLE, ""),
        "flush gracefully": (Tier.REVERSIBLE, ""),
        "flush all": (Tier.DESTRUCTIVE, "all"),
        "enable": (Tier.REVERSIBLE, ""),
        "disable": (Tier.REVERSIBLE, ""),
        "pause": (Tier.REVERSIBLE, ""),
        "resume": (Tier.REVERSIBLE, ""),
        "reconnect": (Tier.REVERSIBLE, ""),
        "conf reload": (Tier.REVERSIBLE, ""),
        "clear statistics": (Tier.REVERSIBLE, ""),
        "shutdown gracefully": (Tier.DESTRUCTIVE, "db1"),
        "shutdown immediate": (Tier.STOP, "db1"),
    }


def test_a_shutdown_under_way_can_be_taken_back() -> None:
    assert [action.verb for action in actions.shutdown("db1", "graceful")] == ["shutdown cancel", "shutdown immediate"]


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (actions.flush("shop")[0], "agroal-cli flush idle shop"),
        (actions.flush(None)[2], "agroal-cli flush all"),
        (actions.kill(CLIENT), "agroal-cli kill 7"),
        (actions.switch("disable", "o'hara; rm"), "agroal-cli disable 'o'\\''hara; rm'"),
        (actions.RELOAD, "agroal-cli conf reload"),
    ],
)
def test_each_deed_has_its_command(action: actions.Action, line: str) -> None:
    assert actions.command_line(action) == line


@pytest.mark.parametrize("action", actions.menu(Target("shop", CLIENT), "db1", "running"))
def test_each_deed_says_what_it_does(action: actions.Action) -> None:
    assert actions.effects(action, ANSWERS[action.verb])


def test_the_numbers_of_a_flush_are_those_of_the_dry_run() -> None:
    lines = actions.effects(actions.flush("shop")[2], ANSWERS["flush all"])
    assert lines == ["3 closed now: nobody uses them", "2 KILLED under their clients (57P01)"]
    assert actions.effects(actions.flush("shop")[0], {}) == ["No connection is concerned."]


def test_many_changes_of_a_reload_are_cut_short() -> None:
    change = {"key": "a\x1b", "old": "1", "new": "2", "restart": True}
    lines = actions.effects(actions.RELOAD, {"changes": [change] * 9})
    assert lines[0] == "a␛: 1 → 2 (needs a restart)"
    assert lines[-1] == "… and 4 more"
    assert actions.effects(actions.RELOAD, {"changes": []}) == ["Nothing has changed in the files."]


def test_a_secret_is_written_down_nowhere() -> None:
    action = actions.conf_set("auth_query_password", "Hunter-2")
    assert actions.command_line(action) == "agroal-cli conf set auth_query_password Hunter-2"
    secret = actions.learnt(action, {"key": "auth_query_password", "old": "********", "new": "********"})
    assert "Hunter" not in actions.command_line(secret) + secret.title + secret.hint
    assert secret.args["value"] == "Hunter-2"
    assert actions.learnt(action, {"new": "Hunter-2"}) is action


def test_a_value_that_is_set_already_changes_nothing() -> None:
    action = actions.conf_set("port", "1")
    assert actions.effects(action, {"key": "port", "old": "1", "new": "1"}) == [
        "It has this value already: nothing changes."
    ]
