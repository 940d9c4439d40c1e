from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from agroal.daemon.stop import Stop
from agroal.errors import ManagementError
from agroal.management.event import EventKind
from tests.unit.looping import in_a_loop

FLUSH_TIMEOUT = 60.0


class FakeDaemon:
    """Has so many clients; its loop's timers are in `timers` and expire when the test says so."""

    def __init__(self, clients: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sessions = dict.fromkeys(range(clients))
        self.settings = SimpleNamespace(flush_timeout=FLUSH_TIMEOUT)
        self.timers: list[Timer] = []
        self.events: list[tuple[EventKind, str]] = []
        self.consoles: tuple[object, ...] = ()
        self.supervision = self
        self.final = 0
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self.call_later)
        self.stop = Stop(self)  # type: ignore[arg-type]

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.timers, seconds, call))
        return self.timers[-1]

    def report(self, kind: EventKind, text: str) -> None:
        self.events.append((kind, text))

    def stopping(self) -> None:
        self.final += 1

    def leaves(self) -> None:
        """A client goes."""
        self.sessions.popitem()
        self.stop.reconsider()

    @property
    def stops(self) -> bool:
        return self.stop.asked_for.done()


@dataclass(eq=False)
class Timer:
    armed: list[Timer] = field(repr=False)
    seconds: float
    call: Callable[[], None]

    def cancel(self) -> None:
        self.armed.remove(self)


Made = Callable[[int], FakeDaemon]


@pytest.fixture
def daemon_of(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a daemon with so many clients."""
    return lambda clients: FakeDaemon(clients, monkeypatch)


@in_a_loop
async def test_a_daemon_runs_until_it_is_told_otherwise(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    assert (daemon.stop.status, daemon.stop.begun) == ("running", False)
    daemon.leaves()
    assert not daemon.stops, "that the last client has gone is no reason"


@in_a_loop
async def test_a_graceful_stop_waits_for_the_last_client(daemon_of: Made) -> None:
    daemon = daemon_of(2)
    daemon.stop.gracefully(5)
    assert (daemon.stop.status, daemon.stop.begun) == ("graceful", True)
    daemon.leaves()
    assert not daemon.stops
    daemon.leaves()
    assert daemon.stops
    assert daemon.stop.status == "stopping"
    assert daemon.timers == []


@in_a_loop
async def test_without_clients_there_is_nobody_to_wait_for(daemon_of: Made) -> None:
    daemon = daemon_of(0)
    daemon.stop.gracefully(5)
    assert daemon.stops
    assert daemon.timers == []


@in_a_loop
async def test_a_graceful_stop_ends_in_time(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.gracefully(5)
    (timer,) = daemon.timers
    assert timer.seconds == 5
    timer.call()
    assert daemon.stops


@in_a_loop
async def test_no_time_is_without_end(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.gracefully(0)
    assert (daemon.stop.status, daemon.timers) == ("graceful", [])


@in_a_loop
async def test_asked_again_the_new_time_counts(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.gracefully(5)
    daemon.stop.gracefully(7)
    assert [timer.seconds for timer in daemon.timers] == [7]
    daemon.stop.gracefully(0)
    assert daemon.timers == []


@in_a_loop
async def test_an_immediate_stop_waits_for_nobody(daemon_of: Made) -> None:
    daemon = daemon_of(3)
    daemon.stop.gracefully(5)
    daemon.stop.immediately()
    daemon.stop.immediately()
    assert daemon.stops
    assert daemon.timers == []


@in_a_loop
async def test_a_graceful_stop_can_be_taken_back(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.gracefully(5)
    daemon.stop.cancel()
    assert (daemon.stop.status, daemon.timers) == ("running", [])
    daemon.leaves()
    assert not daemon.stops


@in_a_loop
async def test_what_was_not_begun_can_not_be_taken_back(daemon_of: Made) -> None:
    with pytest.raises(ManagementError, match="no shutdown is under way"):
        daemon_of(1).stop.cancel()


@in_a_loop
async def test_in_the_end_it_is_too_late_to_take_it_back(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.immediately()
    with pytest.raises(ManagementError, match="too late"):
        daemon.stop.cancel()


@in_a_loop
async def test_the_first_signal_asks_and_the_second_does_not(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.signalled()
    assert daemon.stop.status == "graceful"
    assert [timer.seconds for timer in daemon.timers] == [FLUSH_TIMEOUT]
    daemon.stop.signalled()
    assert daemon.stops


@in_a_loop
async def test_administrators_are_told_of_each_step(daemon_of: Made) -> None:
    daemon = daemon_of(2)
    daemon.stop.gracefully(5)
    daemon.stop.cancel()
    daemon.leaves()
    daemon.stop.gracefully(0)
    daemon.stop.immediately()
    daemon.stop.immediately()
    assert daemon.events == [
        (EventKind.STOPPING, "a graceful shutdown waits for 2 clients, for 5 s"),
        (EventKind.STOP_CANCELLED, "the shutdown is taken back"),
        (EventKind.STOPPING, "a graceful shutdown waits for 1 client"),
        (EventKind.STOPPING, "agroal stops now"),
    ]


@in_a_loop
async def test_what_stops_already_does_not_begin_to_wait(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.immediately()
    daemon.stop.gracefully(5)
    assert (daemon.stop.status, daemon.timers) == ("stopping", [])
    assert daemon.events == [(EventKind.STOPPING, "agroal stops now")]


@in_a_loop
async def test_whether_it_can_be_taken_back_can_be_asked_without_doing_it(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    with pytest.raises(ManagementError, match="no shutdown is under way"):
        daemon.stop.check_cancel()
    daemon.stop.gracefully(5)
    daemon.stop.check_cancel()
    assert (daemon.stop.status, len(daemon.timers)) == ("graceful", 1)
    daemon.stop.immediately()
    with pytest.raises(ManagementError, match="too late"):
        daemon.stop.check_cancel()


@in_a_loop
async def test_systemd_hears_of_a_stop_that_nothing_takes_back(daemon_of: Made) -> None:
    daemon = daemon_of(1)
    daemon.stop.gracefully(5)
    daemon.stop.cancel()
    assert daemon.final == 0
    daemon.stop.signalled()
    assert daemon.final == 1, "it may be systemd that stops us"
    other = daemon_of(1)
    other.stop.gracefully(5)
    other.leaves()
    assert (other.stops, other.final) == (True, 1)
