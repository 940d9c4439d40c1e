from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from agroal.net.alarm import Alarm, Alarms, alarm, alarms
from tests.unit.looping import in_a_loop, until


@dataclass
class Timer:
    at: float
    call: Callable[[], None]
    waits: bool = True

    def cancel(self) -> None:
        self.waits = False


@dataclass
class Scene:
    """Alarms on a loop whose time is what it is told."""

    now: float = 0.0
    timers: list[Timer] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    failures: int = 0

    def __post_init__(self) -> None:
        self.alarms = Alarms(self)  # type: ignore[arg-type]

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> Timer:
        self.timers = [*(timer for timer in self.timers if timer.waits), Timer(at, call)]
        assert len(self.timers) == 1, "the loop knows only the next"
        return self.timers[0]

    def set(self, name: str, seconds: float) -> Alarm:
        return self.alarms.set(seconds, lambda: self.rung.append(name))

    def wait_until(self, now: float) -> list[str]:
        """What rings until then."""
        while self.timers and self.timers[0].at <= now:
            timer = self.timers.pop()
            self.now = max(self.now, timer.at)
            try:
                timer.call()
            except RuntimeError:
                self.failures += 1
        self.now = now
        rung, self.rung = self.rung, []
        return rung


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_each_rings_at_its_time_and_once(scene: Scene) -> None:
    scene.set("long", 60)
    scene.set("short", 5)
    scene.now = 1
    scene.set("later", 5)
    assert scene.wait_until(4.9) == []
    assert scene.wait_until(5) == ["short"]
    assert scene.wait_until(59) == ["later"]
    assert scene.wait_until(1000) == ["long"]
    assert len(scene.alarms) == 0


def test_who_is_cancelled_does_not_ring(scene: Scene) -> None:
    first, _ = scene.set("first", 5), scene.set("second", 5)
    first.cancel()
    first.cancel()
    assert scene.wait_until(6) == ["second"]


def test_who_is_cancelled_by_another_that_rings_does_not_ring(scene: Scene) -> None:
    victim: list[Alarm] = []
    scene.alarms.set(5, lambda: victim[0].cancel())
    victim.append(scene.set("victim", 5))
    assert scene.wait_until(6) == []


def test_one_may_set_the_next(scene: Scene) -> None:
    scene.alarms.set(5, lambda: scene.set("next", 5) and None)
    assert scene.wait_until(9) == []
    assert scene.wait_until(10) == ["next"]


def test_nothing_is_left_when_all_have_been_cancelled(scene: Scene) -> None:
    for seconds in range(1, 100):
        scene.set("never", seconds).cancel()
    assert scene.wait_until(100) == []
    assert (scene.timers, scene.alarms._rows) == ([], {})


def test_one_that_fails_does_not_keep_the_others_from_ringing(scene: Scene) -> None:
    def fail() -> None:
        raise RuntimeError("planted")

    scene.alarms.set(5, fail)
    scene.set("other", 5)
    assert scene.wait_until(5) == ["other"]
    assert scene.failures == 1


def test_one_that_is_cancelled_keeps_nothing(scene: Scene) -> None:
    class Owner:
        alarm: Alarm

        def ring(self) -> None:
            pytest.fail("it was cancelled")

    owner = Owner()
    owner.alarm = scene.alarms.set(5, owner.ring)
    owner.alarm.cancel()
    gone = weakref.ref(owner)
    del owner
    assert gone() is None
    assert scene.wait_until(10) == []


async def mine() -> Alarms:
    return alarms()


def test_a_later_loop_has_others() -> None:
    first, second = asyncio.run(mine()), asyncio.run(mine())
    assert first is not second


@in_a_loop
async def test_each_thread_has_those_of_its_own_loop() -> None:
    ours = alarms()
    theirs = await asyncio.to_thread(lambda: asyncio.run(mine()))
    assert theirs is not ours
    assert alarms().loop is asyncio.get_running_loop()


@in_a_loop
async def test_a_loop_has_its_own() -> None:
    rung: list[bool] = []
    alarm(0.001, lambda: rung.append(True))
    assert len(alarms()) == 1
    await until(lambda: rung)
