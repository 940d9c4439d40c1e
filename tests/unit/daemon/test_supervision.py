from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from agroal.daemon.notifier import Notifier
from agroal.daemon.supervision import PERIOD, Supervision
from agroal.daemon.systemd import Systemd
from agroal.errors import ManagementError
from tests.unit.daemon.ears import Ears, ears
from tests.unit.looping import in_a_loop

EXTENSION = "EXTEND_TIMEOUT_USEC=10000000"


class Timer:
    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.seconds = seconds
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Scene:
    """A supervised daemon of 100 connections. Its timers expire when the test says so."""

    def __init__(self, listener: Ears, address: str, watchdog: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listener = listener
        self.timers: list[Timer] = []
        self.sessions: dict[int, None] = {}
        self.pool = SimpleNamespace(servers={}, asking={})
        self.settings = SimpleNamespace(max_connections=100)
        self.stop = SimpleNamespace(begun=False)
        self.notifier = Notifier(address)
        self.supervision = Supervision(self, Systemd(notifier=self.notifier, watchdog=watchdog))  # type: ignore[arg-type]
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self.call_later)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(seconds, call))
        return self.timers[-1]

    def expires(self, seconds: float) -> list[list[str]]:
        """The timer of so many seconds; what was said then."""
        (timer,) = [timer for timer in self.timers if timer.seconds == seconds and not timer.cancelled]
        self.timers.remove(timer)
        timer.call()
        return self.listener.heard()


Made = Callable[..., Scene]


@pytest.fixture
def scene(socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    with ears(socket_dir) as listener, ExitStack() as stack:

        def make(watchdog: float = 0, *, alone: bool = False) -> Scene:
            made = Scene(listener, "" if alone else listener.address, watchdog, monkeypatch)
            stack.callback(made.notifier.close)
            return made

        yield make


@contextmanager
def reloading(scene: Scene) -> Iterator[list[list[str]]]:
    """What is said about a reload, before and after."""
    said: list[list[str]] = []
    with scene.supervision.reloading():
        said += scene.listener.heard()
        yield said
    said += scene.listener.heard()


@in_a_loop
async def test_a_start_is_told_with_how_things_are(scene: Made) -> None:
    here = scene()
    await here.supervision.start()
    assert here.listener.heard() == [["STATUS=starting"]]
    here.supervision.ready()
    status = "STATUS=0 clients, 0 of 100 server connections, 0 waiting"
    assert here.listener.heard() == [["READY=1", f"MAINPID={os.getpid()}", status]]


@in_a_loop
async def test_without_systemd_nothing_is_done(scene: Made) -> None:
    here = scene(30, alone=True)
    await here.supervision.start()
    here.supervision.ready()
    with reloading(here) as said:
        here.supervision.stopping()
    assert (here.timers, said, here.listener.heard()) == ([], [], [])


@in_a_loop
async def test_the_status_follows_what_happens_and_says_nothing_twice(scene: Made) -> None:
    here = scene()
    here.supervision.ready()
    here.listener.heard()
    assert here.expires(PERIOD) == []
    here.sessions |= {1: None}
    here.pool.servers |= {0: None, 1: None}
    here.pool.asking |= {7: None}
    assert here.expires(PERIOD) == [["STATUS=1 client, 2 of 100 server connections, 1 waiting"]]
    assert here.expires(PERIOD) == []
    here.sessions |= {2: None}
    assert here.expires(PERIOD) == [["STATUS=2 clients, 2 of 100 server connections, 1 waiting"]]


@in_a_loop
async def test_a_status_that_there_was_no_room_for_is_said_later(scene: Made) -> None:
    here = scene()
    here.supervision.ready()
    filler = Notifier(here.listener.address)
    while filler.mention("STATUS=another service"):
        pass
    filler.close()
    here.sessions |= {1: None}
    assert not any("1 client," in line for datagram in here.expires(PERIOD) for line in datagram)
    assert here.expires(PERIOD) == [["STATUS=1 client, 0 of 100 server connections, 0 waiting"]]


@in_a_loop
async def test_there_is_a_sign_of_life_twice_in_the_time_that_it_has(scene: Made) -> None:
    here = scene(30)
    here.supervision.ready()
    here.listener.heard()
    assert here.expires(15) == [["WATCHDOG=1"]]
    assert here.expires(15) == [["WATCHDOG=1"]]


@in_a_loop
async def test_no_sign_of_life_is_given_where_none_is_wanted(scene: Made) -> None:
    here = scene(0)
    here.supervision.ready()
    assert [timer.seconds for timer in here.timers] == [PERIOD]


@in_a_loop
async def test_signs_of_life_do_not_keep_us_from_living(scene: Made) -> None:
    here = scene(0.000001)
    here.supervision.ready()
    assert sorted(timer.seconds for timer in here.timers) == [0.01, PERIOD]


@in_a_loop
async def test_a_reload_is_told_with_its_time(scene: Made) -> None:
    here = scene()
    before = time.monotonic_ns() // 1000
    with reloading(here) as said:
        pass
    (first, when), last = said
    assert first == "RELOADING=1"
    assert before <= int(when.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    assert last == ["READY=1", "STATUS=0 clients, 0 of 100 server connections, 0 waiting"]


@in_a_loop
async def test_a_reload_that_fails_is_over_too_and_the_status_says_why_until_one_succeeds(scene: Made) -> None:
    here = scene()
    here.supervision.ready()
    here.listener.heard()
    said: list[list[str]] = []
    why = "agroal.conf:7: port: expected\x1b[2J a number\nREADY=0\nx:1: y: z" + "z" * 5000
    with pytest.raises(ManagementError), here.supervision.reloading():
        raise ManagementError("configuration", why)
    said += here.listener.heard()
    ending = "nothing was reloaded: agroal.conf:7: port: expected␛[2J a number"
    assert said[-1] == ["READY=1", f"STATUS=0 clients, 0 of 100 server connections, 0 waiting; {ending}"]
    here.sessions |= {1: None}
    assert here.expires(PERIOD) == [[f"STATUS=1 client, 0 of 100 server connections, 0 waiting; {ending}"]]
    with reloading(here) as told:
        pass
    assert told[-1] == ["READY=1", "STATUS=1 client, 0 of 100 server connections, 0 waiting"]


@in_a_loop
async def test_a_long_reason_is_cut(scene: Made) -> None:
    here = scene()
    with pytest.raises(ManagementError), here.supervision.reloading():
        raise ManagementError("configuration", "ä" * 5000)
    assert len("\n".join(here.listener.heard()[-1]).encode()) < 1500, "systemd ignores more than 4096 bytes"


@in_a_loop
async def test_a_reload_that_fails_by_our_mistake_is_over_too(scene: Made) -> None:
    here = scene()
    with pytest.raises(ZeroDivisionError), here.supervision.reloading():
        raise ZeroDivisionError
    assert [datagram[0] for datagram in here.listener.heard()] == ["RELOADING=1", "READY=1"]


@in_a_loop
async def test_while_clients_are_waited_for_more_time_is_asked_for(scene: Made) -> None:
    here = scene()
    here.sessions |= {1: None}
    here.supervision.ready()
    here.listener.heard()
    here.stop.begun = True
    here.supervision.stopping()
    here.supervision.stopping()
    assert here.listener.heard() == [["STOPPING=1", EXTENSION]], "once"
    said = here.expires(PERIOD)
    assert said == [[EXTENSION], ["STATUS=stopping: 1 client, 0 of 100 server connections, 0 waiting"]]
    assert here.expires(PERIOD) == [[EXTENSION]]


@in_a_loop
async def test_a_stop_that_is_taken_back_asks_for_no_more_time(scene: Made) -> None:
    here = scene()
    here.supervision.ready()
    here.listener.heard()
    here.stop.begun = True
    assert [line for (line,) in here.expires(PERIOD) if re.match("EXTEND|STOPPING", line)] == [EXTENSION]
    here.stop.begun = False
    assert here.expires(PERIOD) == [["STATUS=0 clients, 0 of 100 server connections, 0 waiting"]]


@in_a_loop
async def test_who_stops_is_not_ready_again_after_a_reload(scene: Made) -> None:
    here = scene()
    with reloading(here) as said:
        here.supervision.stopping()
    assert [datagram[0] for datagram in said] == ["RELOADING=1", "STOPPING=1"]


@in_a_loop
async def test_in_the_end_there_are_no_timers(scene: Made) -> None:
    here = scene(30)
    here.supervision.ready()
    await here.supervision.close()
    assert [timer.seconds for timer in here.timers if not timer.cancelled] == []
    assert not here.notifier.listens
