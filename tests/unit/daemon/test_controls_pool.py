"""The verbs that act on server connections and on who may have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from agroal.daemon.controls import DaemonControls
from agroal.errors import ManagementError
from agroal.management.controls import Flushed, Switched
from agroal.pool.flushing import FlushMode
from agroal.pool.slot import PoolKey
from tests.unit.daemon.scene import FakeSession, Scene, scene
from tests.unit.looping import in_a_loop, settle
from tests.unit.net.pairs import received
from tests.unit.wire.messages import TERMINATE


@dataclass(eq=False)
class Timer:
    armed: list[Timer] = field(repr=False)
    seconds: float
    call: Callable[[], None]

    def cancel(self) -> None:
        if self in self.armed:
            self.armed.remove(self)

    def fire(self) -> None:
        self.armed.remove(self)
        self.call()


class FakeDaemon:
    """A pool and who is in it. `store` is an alias of `shop`."""

    version, instance_id, started_wall, started_mono = "0.1.0", "5f0c9a12", 0.0, 0.0

    def __init__(self, on: Scene) -> None:
        self.pool = on.shell
        self.settings = SimpleNamespace(flush_timeout=60.0)
        self.sessions: dict[int, Any] = {}
        limit = SimpleNamespace(database="shop")
        self.configuration = SimpleNamespace(
            limits=[limit], alias=lambda database: "shop" if database == "store" else database
        )

    def connected(self, *databases: str) -> None:
        self.sessions = {n: SimpleNamespace(key=PoolKey(name, "ann")) for n, name in enumerate(databases)}


@dataclass
class Office:
    on: Scene
    daemon: FakeDaemon
    controls: DaemonControls
    timers: list[Timer]

    def flush(self, *what: Any, dry_run: bool = False) -> Flushed:
        return self.controls.flush(*what, dry_run=dry_run)

    async def leased(self) -> FakeSession:
        """A session that goes on until it is terminated, and then gives its server back."""
        session = self.on.session()
        lease = await session.ask()

        async def served() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                self.on.shell.give_back(lease, None)

        session.task = asyncio.create_task(served())  # type: ignore[assignment]
        await settle()
        return session


@asynccontextmanager
async def office(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    timers: list[Timer] = []

    def call_later(seconds: float, call: Callable[..., None], *given: object) -> Timer:
        timers.append(Timer(timers, seconds, lambda: call(*given)))
        return timers[-1]

    async with scene(max_connections=4) as on:
        daemon = FakeDaemon(on)
        at = Office(on, daemon, DaemonControls(daemon), timers)  # type: ignore[arg-type]
        with monkeypatch.context() as patched:
            patched.setattr(asyncio.get_running_loop(), "call_later", call_later)
            yield at


class TestFlush:
    @in_a_loop
    async def test_idle_closes_what_nobody_uses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            kept, freed = await at.on.lease(), await at.on.lease()
            await at.on.give_back(freed)
            expected = Flushed(closed=1, marked=0, killed=0, abandoned=0, timeout_us=None)
            assert at.flush(FlushMode.IDLE, None, None, dry_run=True) == expected
            assert sorted(at.on.states()) == ["free", "in-use"]
            assert at.flush(FlushMode.IDLE, None, None) == expected
            assert sorted(at.on.states()) == ["flush", "in-use"]
            await at.on.give_back(kept)

    @in_a_loop
    async def test_gracefully_waits_for_those_in_use_and_not_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            session = await at.leased()
            expected = Flushed(closed=0, marked=1, killed=0, abandoned=0, timeout_us=60_000_000)
            assert at.flush(FlushMode.GRACEFULLY, None, None, dry_run=True) == expected
            assert (at.on.states(), at.timers) == (["in-use"], [])
            assert at.flush(FlushMode.GRACEFULLY, None, None) == expected
            assert at.on.states() == ["gracefully"]
            (timer,) = at.timers
            assert timer.seconds == 60
            timer.fire()
            assert session.terminations == 1
            await settle()
            assert at.on.states() == ["flush"]
            assert received(at.on.dialler.peers[1]) == TERMINATE

    @in_a_loop
    async def test_who_is_back_in_time_is_not_looked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            session = await at.leased()
            at.flush(FlushMode.GRACEFULLY, "shop", 5.0)
            session.task.cancel()
            await settle()
            at.on.dialler.peers[1].close()
            await settle()
            assert at.on.states() == []
            again = await at.leased()
            (timer,) = at.timers
            timer.fire()
            assert (again.terminations, at.on.states()) == (0, ["in-use"])
            again.task.cancel()
            await settle()

    @pytest.mark.parametrize(("asked", "seconds"), [(5.0, [5.0]), (0.0, [])])
    @in_a_loop
    async def test_asked_again_the_new_time_counts(
        self, monkeypatch: pytest.MonkeyPatch, asked: float, seconds: list[float]
    ) -> None:
        async with office(monkeypatch) as at:
            session = await at.leased()
            at.flush(FlushMode.GRACEFULLY, "shop", 30.0)
            at.flush(FlushMode.GRACEFULLY, "shop", asked, dry_run=True)
            assert [timer.seconds for timer in at.timers] == [30]
            again = at.flush(FlushMode.GRACEFULLY, "store", asked)
            assert (again.marked, again.timeout_us) == (0, round(asked * 1e6) or None), "they are marked already"
            assert [timer.seconds for timer in at.timers] == seconds
            session.task.cancel()
            await settle()

    @in_a_loop
    async def test_when_nobody_has_one_there_is_no_time_to_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            await at.on.give_back(await at.on.lease())
            assert at.flush(FlushMode.GRACEFULLY, None, None) == Flushed(1, 0, 0, 0, None)
            assert at.timers == []

    @in_a_loop
    async def test_all_closes_them_under_their_clients(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            session = await at.leased()
            await at.on.give_back(await at.on.lease())
            at.on.dialler.open.clear()
            (waiter,) = await at.on.queue(1)
            lease = await waiter.task
            (opening,) = await at.on.queue(1)
            expected = Flushed(closed=0, marked=0, killed=2, abandoned=1, timeout_us=None)
            assert at.flush(FlushMode.ALL, "shop", None, dry_run=True) == expected
            assert session.terminations == 0
            assert at.flush(FlushMode.ALL, "shop", None) == expected
            assert session.terminations == 1
            opening.task.cancel()
            at.on.shell.give_back(lease, None)
            await settle()

    @in_a_loop
    async def test_one_database_leaves_the_others_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            for database in ("shop", "billing"):
                await at.on.give_back(await at.on.lease(PoolKey(database, "ann")))
            assert at.flush(FlushMode.IDLE, "store", None).closed == 1
            states = {slot.database: slot.state.value for slot in at.on.snapshot().slots}
            assert states == {"shop": "flush", "billing": "free"}

    @pytest.mark.parametrize("dry_run", [True, False])
    @in_a_loop
    async def test_a_database_that_nobody_knows_is_a_mistake(
        self, monkeypatch: pytest.MonkeyPatch, dry_run: bool
    ) -> None:
        async with office(monkeypatch) as at:
            with pytest.raises(ManagementError, match="for a database 'shpo'") as refusal:
                at.flush(FlushMode.IDLE, "shpo", None, dry_run=dry_run)
            assert refusal.value.code == "bad-argument"
            assert at.flush(FlushMode.IDLE, "shop", None) == Flushed(0, 0, 0, 0, None), "a limit is for it"


class TestSwitch:
    @in_a_loop
    async def test_one_database_is_closed_for_new_clients(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            at.daemon.connected("shop", "shop", "billing", "")
            gate = at.daemon.pool.core.gate
            assert at.controls.switch("store", False, dry_run=True) == Switched(("shop",), 2)
            assert gate.is_open("shop")
            assert at.controls.switch("store", False, dry_run=False) == Switched(("shop",), 2)
            assert (gate.is_open("shop"), gate.is_open("billing")) == (False, True)
            assert at.controls.switch("shop", False, dry_run=False) == Switched((), 0), "it is so already"
            assert at.controls.switch("shop", True, dry_run=False) == Switched(("shop",), 2)
            assert gate.is_open("shop")

    @in_a_loop
    async def test_all_of_them_are_those_that_were_not_named_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            at.daemon.connected("shop", "billing", "")
            at.controls.switch("shop", False, dry_run=False)
            expected = Switched(("all",), 1)
            assert at.controls.switch(None, False, dry_run=True) == expected
            assert at.controls.switch(None, False, dry_run=False) == expected
            assert not at.daemon.pool.core.gate.is_open("anything")
            at.controls.switch("billing", True, dry_run=False)
            assert at.controls.switch(None, True, dry_run=True) == Switched(("all",), 1)
            assert at.controls.switch(None, False, dry_run=True) == Switched(("billing",), 1)

    @in_a_loop
    async def test_who_has_not_come_in_yet_is_connected_to_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with office(monkeypatch) as at:
            at.daemon.connected("", "")
            assert at.controls.switch(None, False, dry_run=False) == Switched(("all",), 0)
