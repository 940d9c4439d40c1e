from __future__ import annotations

import pytest

from agroal.console.commands import BY_NAME, COMMANDS, Errand, Takes
from agroal.errors import ConsoleError
from agroal.management.controls import Role
from agroal.management.verbs import BY_NAME as VERBS

PAUSED = (Errand("pause", {}), Errand("pause", {"timeout": 0.0}, waits=True))


@pytest.mark.parametrize(
    ("name", "argument", "errands"),
    [
        ("PAUSE", "", PAUSED),
        (
            *("PAUSE", "shop"),
            (Errand("pause", {"database": "shop"}), Errand("pause", {"database": "shop", "timeout": 0.0}, waits=True)),
        ),
        ("RESUME", "", (Errand("resume", {}),)),
        ("RESUME", "shop", (Errand("resume", {"database": "shop"}),)),
        ("RECONNECT", "", (Errand("reconnect", {}),)),
        ("RECONNECT", "shop", (Errand("reconnect", {"database": "shop"}),)),
        ("RELOAD", "", (Errand("conf reload", {}),)),
        ("ENABLE", "shop", (Errand("enable", {"database": "shop"}),)),
        ("DISABLE", "shop", (Errand("disable", {"database": "shop"}),)),
        ("KILL", "shop", (Errand("pause", {"database": "shop"}), Errand("flush all", {"database": "shop"}))),
        ("KILL", "", (Errand("pause", {}), Errand("flush all", {}))),
        ("KILL_CLIENT", "7", (Errand("kill", {"client": 7}),)),
        ("SHUTDOWN", "", (Errand("shutdown immediate", {}),)),
        ("SHUTDOWN", "wait_for_clients", (Errand("shutdown gracefully", {"timeout": 0.0}),)),
        (
            *("SHUTDOWN", "WAIT_FOR_SERVERS"),
            (Errand("shutdown gracefully", {"timeout": 0.0}), *PAUSED, Errand("shutdown immediate", {})),
        ),
    ],
)
def test_a_command_is_a_row_of_verbs(name: str, argument: str, errands: tuple[Errand, ...]) -> None:
    assert BY_NAME[name].errands(argument) == errands
    for errand in errands:
        verb = VERBS[errand.verb]
        assert verb.role is Role.ADMIN
        assert not verb.read_only, "so that it is written down who has asked for it"
        verb.checked(errand.args)


def test_what_waits_can_be_taken_back() -> None:
    for command in COMMANDS:
        if command.takes is Takes.NUMBER or command.name in ("SUSPEND", "WAIT_CLOSE"):
            continue
        for argument in {Takes.MAYBE_HOW: ("", "WAIT_FOR_CLIENTS", "WAIT_FOR_SERVERS")}.get(command.takes, ("x",)):
            waits = any(errand.waits for errand in command.errands(argument))
            assert not waits or command.undo


def test_a_pause_is_undone_by_a_resume_of_the_same() -> None:
    undo = BY_NAME["PAUSE"].undo
    assert undo
    assert undo("shop") == (Errand("resume", {"database": "shop"}),)
    undo = BY_NAME["SHUTDOWN"].undo
    assert undo
    assert undo("WAIT_FOR_SERVERS") == (Errand("shutdown cancel", {}), Errand("resume", {}))


@pytest.mark.parametrize(
    ("name", "argument", "sqlstate"),
    [
        ("KILL_CLIENT", "x", "22023"),
        ("KILL_CLIENT", "-1", "22023"),
        ("KILL_CLIENT", "9" * 17, "22023"),
        ("KILL_CLIENT", "٣", "22023"),
        ("SHUTDOWN", "NOW", "42601"),
        ("SUSPEND", "", "0A000"),
        ("WAIT_CLOSE", "", "0A000"),
    ],
)
def test_what_can_not_be_done_is_refused(name: str, argument: str, sqlstate: str) -> None:
    with pytest.raises(ConsoleError) as refused:
        BY_NAME[name].errands(argument)
    assert refused.value.sqlstate == sqlstate


def test_a_usage_says_what_may_stand_behind() -> None:
    assert [command.usage for command in COMMANDS[:5]] == [
        "PAUSE [db]",
        "RESUME [db]",
        "RECONNECT [db]",
        "RELOAD",
        "ENABLE db",
    ]
