from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

import pytest

from agroal.net.alarm import Alarm, Alarms, alarm, alarms_of
from tests.unit.looping import in_a_loop, until


class Clock(asyncio.SelectorEventLoop):
    """A loop that never runs: its time is what it is told, and it has one timer at most."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    @property
    def rings_at(self) -> float:
        [timer] = [timer for timer in self._scheduled if not timer.cancelled()] or [None]  # type: ignore[attr-defined]
        return timer.when() if timer else math.inf


class Scene:
    def __init__(self, loop: Clock) -> None:
        self.loop = loop
        self.alarms = Alarms(loop)
        self.rung: list[str] = []

    def set(self, name: str, seconds: float) -> Alarm:
        return self.alarms.set(seconds, lambda: self.rung.append(name))

    def wait_until(self, now: float) -> list[str]:
        """What rings until then."""
        while (at := self.loop.rings_at) <= now:
            self.loop.now = at
            self.alarms._timer._run()  # type: ignore[union-attr]
        self.loop.now = now
        rung, self.rung = self.rung, []
        return rung


@pytest.fixture
def scene() -> Iterator[Scene]:
    loop = Clock()
    yield Scene(loop)
    loop.close()


def test_each_rings_at_its_time_and_once(scene: Scene) -> None:
    scene.set("long", 60)
    scene.set("short", 5)
    scene.loop.now = 1
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
    assert (scene.loop.rings_at, scene.alarms._rows) == (math.inf, {})


def test_one_that_fails_does_not_keep_the_others_from_ringing(scene: Scene) -> None:
    def fail() -> None:
        raise RuntimeError("planted")

    failures: list[object] = []
    scene.loop.set_exception_handler(lambda _, context: failures.append(context.get("exception")))
    scene.alarms.set(5, fail)
    scene.set("other", 5)
    assert scene.wait_until(5) == ["other"]
    assert len(failures) == 1


@in_a_loop
async def test_a_loop_has_its_own() -> None:
    rung: list[bool] = []
    alarm(0.001, lambda: rung.append(True))
    assert len(alarms_of(asyncio.get_running_loop())) == 1
    await until(lambda: rung)
