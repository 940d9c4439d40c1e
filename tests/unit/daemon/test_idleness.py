from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from agroal.daemon.idleness import LOOKS, Idleness
from agroal.errors import ClientFacing, IdleTooLong
from agroal.net.link import Parting
from tests.unit.looping import in_a_loop

LONGEST = 60.0


@dataclass
class FakeSession:
    """A client on a link, as far as its idleness goes."""

    number: int = 1
    terminated: list[ClientFacing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.link: Any = SimpleNamespace(
            parting=None,
            requests=SimpleNamespace(passed=0),
            answers=SimpleNamespace(passed=0),
            tally=SimpleNamespace(owed=0),
        )

    def terminate(self, error: ClientFacing) -> None:
        self.terminated.append(error)


class Clock:
    """Looks once a second, as the watch does."""

    def __init__(self, *sessions: FakeSession) -> None:
        self.idleness = Idleness()
        self.sessions = list(sessions)
        self.settings: Any = SimpleNamespace(disconnect_client=LONGEST, disconnect_client_force=False)
        self.now = 1000.0

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now += 1
            self.idleness.look(self.sessions, self.settings, self.now)


@in_a_loop
async def test_a_client_that_says_and_hears_nothing_for_so_long_is_told_and_goes() -> None:
    session = FakeSession()
    clock = Clock(session)
    clock.run(LONGEST)
    assert session.terminated == []
    clock.run(LONGEST / LOOKS)
    (error,) = session.terminated
    assert isinstance(error, IdleTooLong)
    assert error.fields() == {
        "S": "FATAL",
        "V": "FATAL",
        "C": "57P05",
        "M": "terminating connection due to idle-session timeout",
        "D": "nothing crossed it for 1m (disconnect_client)",
    }


@pytest.mark.parametrize("direction", ["requests", "answers"])
@in_a_loop
async def test_whatever_crosses_begins_it_anew(direction: str) -> None:
    session = FakeSession()
    clock = Clock(session)
    for _ in range(5):
        clock.run(LONGEST / 2)
        getattr(session.link, direction).passed += 1
    assert session.terminated == []
    clock.run(LONGEST + 2 * LONGEST / LOOKS)
    assert session.terminated


@in_a_loop
async def test_a_client_that_waits_for_an_answer_is_not_idle() -> None:
    session = FakeSession()
    session.link.tally.owed = 1
    clock = Clock(session)
    clock.run(3 * LONGEST)
    assert session.terminated == []
    session.link.tally.owed = 0
    clock.run(LONGEST + 2 * LONGEST / LOOKS)
    assert session.terminated


@in_a_loop
async def test_unless_it_is_asked_to_go_by_force() -> None:
    session = FakeSession()
    session.link.tally.owed = 1
    clock = Clock(session)
    clock.settings.disconnect_client_force = True
    clock.run(LONGEST + 2 * LONGEST / LOOKS)
    assert session.terminated


@in_a_loop
async def test_who_is_not_being_served_is_left_alone() -> None:
    waiting, ended = FakeSession(1), FakeSession(2)
    waiting.link = None
    ended.link.parting = Parting.TERMINATED
    clock = Clock(waiting, ended)
    clock.run(3 * LONGEST)
    assert waiting.terminated + ended.terminated == []


@in_a_loop
async def test_each_client_has_its_own_time() -> None:
    idle, busy = FakeSession(1), FakeSession(2)
    clock = Clock(idle, busy)
    clock.run(LONGEST / 2)
    busy.link.requests.passed += 1
    clock.run(LONGEST / 2 + 2 * LONGEST / LOOKS)
    assert (bool(idle.terminated), bool(busy.terminated)) == (True, False)


@in_a_loop
async def test_without_a_time_nobody_goes_and_the_time_begins_when_there_is_one() -> None:
    session = FakeSession()
    clock = Clock(session)
    clock.run(LONGEST / 2)
    clock.settings.disconnect_client = 0
    clock.run(3 * LONGEST)
    clock.settings.disconnect_client = LONGEST
    clock.run(LONGEST)
    assert session.terminated == []


@in_a_loop
async def test_a_shorter_time_is_heeded_at_once() -> None:
    session = FakeSession()
    clock = Clock(session)
    clock.settings.disconnect_client = 3600
    clock.run(1)
    clock.settings.disconnect_client = 20
    clock.run(25)
    assert session.terminated


@in_a_loop
async def test_a_number_that_comes_again_is_another_client() -> None:
    """Numbers don't; but what was remembered of one that has gone must have gone, too."""
    clock = Clock(FakeSession())
    clock.run(LONGEST)
    clock.sessions.clear()
    clock.run(2 * LONGEST / LOOKS)
    again = FakeSession()
    clock.sessions.append(again)
    clock.run(LONGEST)
    assert again.terminated == []
