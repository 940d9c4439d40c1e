from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from agroal.daemon.failures import BURST, Failures
from agroal.daemon.watch import CALM, PERIOD, Watch
from agroal.management.event import EventKind
from tests.unit.looping import in_a_loop

LIMIT = "the limit shop/all"


class FakeDaemon:
    """Its timer goes off when the test says so, as late as it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[tuple[EventKind, str]] = []
        self.failures = Failures()
        self.output: Any = None
        self.settings: Any = SimpleNamespace(disconnect_client=10.0, disconnect_client_force=False)
        self.sessions: dict[int, Any] = {}
        self.pool = SimpleNamespace(exhausted=set())
        self.timers: list[Timer] = []
        loop = asyncio.get_running_loop()
        self.time = 50.0
        monkeypatch.setattr(loop, "time", lambda: self.time)
        monkeypatch.setattr(loop, "call_at", self.call_at)
        self.watch = Watch(self)  # type: ignore[arg-type]

    def now(self) -> float:
        return self.time

    def report(self, kind: EventKind, text: str) -> None:
        self.events.append((kind, text))

    def call_at(self, when: float, call: Callable[..., None], *given: object) -> Timer:
        self.timers.append(Timer(self.timers, when, lambda: call(*given)))
        return self.timers[-1]

    def pass_seconds(self, seconds: int, late: float = 0.0) -> None:
        for _ in range(seconds):
            (timer,) = self.timers
            self.timers.clear()
            self.time = timer.when + late
            timer.call()

    @property
    def exhausted(self) -> set[str]:
        exhausted: set[str] = self.pool.exhausted
        return exhausted


class Timer:
    def __init__(self, armed: list[Timer], when: float, call: Callable[[], None]) -> None:
        self.armed, self.when, self.call = armed, when, call

    def cancel(self) -> None:
        self.armed.remove(self)


@in_a_loop
async def test_how_late_the_loop_was_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    daemon.watch.start()
    daemon.pass_seconds(3)
    daemon.pass_seconds(1, late=0.015)
    counts = daemon.watch.lag.counts
    assert (counts[0], counts[4], sum(counts)) == (3, 1, 4)


@in_a_loop
async def test_a_loop_that_was_late_is_not_looked_at_twice_as_often_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    daemon.watch.start()
    daemon.pass_seconds(1, late=30)
    assert [timer.when for timer in daemon.timers] == [daemon.time + PERIOD]


@in_a_loop
async def test_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    daemon.watch.stop()
    daemon.watch.start()
    daemon.watch.stop()
    assert daemon.timers == []


@in_a_loop
async def test_a_limit_that_makes_clients_wait_is_news_once(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    daemon.watch.start()
    daemon.exhausted.add(LIMIT)
    daemon.pass_seconds(1)
    assert daemon.events == [(EventKind.LIMIT_REACHED, f"clients wait, because this is used up: {LIMIT}")]
    daemon.pass_seconds(5)
    daemon.exhausted.clear()
    daemon.pass_seconds(round(CALM) - 1)
    daemon.exhausted.add(LIMIT)
    daemon.pass_seconds(1)
    assert len(daemon.events) == 1, "a queue that comes and goes is one piece of news"


@in_a_loop
async def test_that_nobody_waits_any_more_is_news_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    daemon.watch.start()
    daemon.exhausted.add(LIMIT)
    daemon.pass_seconds(1)
    daemon.exhausted.clear()
    daemon.pass_seconds(round(CALM))
    assert daemon.events[1:] == [(EventKind.LIMIT_CLEARED, f"nobody has waited any more for 10 s: {LIMIT}")]
    daemon.exhausted.add(LIMIT)
    daemon.pass_seconds(1)
    assert [kind for kind, _ in daemon.events[2:]] == [EventKind.LIMIT_REACHED]


@in_a_loop
async def test_a_burst_of_refused_logins_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    daemon.watch.start()
    for _ in range(BURST):
        daemon.failures.add("ann", "shop", "10.0.0.1", "wrong password", daemon.time)
    daemon.pass_seconds(2)
    assert daemon.events == [
        (
            EventKind.AUTHENTICATION_FAILURES,
            "many logins are refused, 10 so far; the last: user=ann database=shop address=10.0.0.1: wrong password",
        )
    ]


@in_a_loop
async def test_idle_clients_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon(monkeypatch)
    gone: list[object] = []
    silent = SimpleNamespace(passed=0)
    link = SimpleNamespace(parting=None, requests=silent, answers=silent, tally=SimpleNamespace(owed=0))
    daemon.sessions[1] = SimpleNamespace(number=1, link=link, terminate=gone.append)
    daemon.watch.start()
    daemon.pass_seconds(10)
    assert gone == []
    daemon.pass_seconds(1)
    assert len(gone) == 1
