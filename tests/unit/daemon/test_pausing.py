"""What the verbs say and do about pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from agroal.daemon.controls import DaemonControls
from agroal.daemon.pausing import Pausing, changed
from agroal.errors import ManagementError
from agroal.management.controls import Paused, Resumed
from agroal.management.event import EventKind
from agroal.pool.gate import Gate
from tests.unit.daemon.scene import Scene, scene
from tests.unit.looping import in_a_loop, settle


class FakeLookup:
    """Knows whether it may ask, and whom it was told to part with."""

    def __init__(self) -> None:
        self.is_open = True
        self.partings: list[object] = []

    def part(self, parted: object) -> None:
        self.partings.append(parted)


class Office:
    """A daemon as far as pauses go. `store` is an alias of `shop`; secrets are looked up in `postgres`."""

    def __init__(self, on: Scene) -> None:
        self.on = on
        self.pool = on.shell
        self.settings = SimpleNamespace(auth_query_database="postgres")
        self.configuration = SimpleNamespace(
            limits=[SimpleNamespace(database="shop"), SimpleNamespace(database="postgres")],
            alias=lambda database: "shop" if database == "store" else database,
        )
        self.lookup: FakeLookup | None = None
        self.said: list[tuple[EventKind, str]] = []
        self.version, self.instance_id, self.started_wall, self.started_mono = "0.1.0", "5f0c9a12", 0.0, 0.0
        self.pausing = Pausing(self)  # type: ignore[arg-type]
        self.controls = DaemonControls(self)  # type: ignore[arg-type]

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def report(self, kind: EventKind, text: str) -> None:
        self.said.append((kind, text))


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    async with scene(max_connections=4) as on:
        at = Office(on)
        yield at
        at.controls.resume(None, dry_run=False)


def ended(at: Office, pid: int) -> None:
    at.on.dialler.peers[pid].close()


class TestPause:
    @in_a_loop
    async def test_it_says_what_is_left_and_a_dry_run_the_same(self) -> None:
        async with office() as at:
            lease, free = await at.on.lease(), await at.on.lease()
            await at.on.give_back(free)
            expected = Paused(("shop",), leased=1, others=1, held=0, waited_us=None)
            assert await at.controls.pause("store", None, dry_run=True) == expected
            assert (at.on.states(), at.said) == (["in-use", "free"], [])
            assert await at.controls.pause("store", None, dry_run=False) == expected
            assert at.on.states() == ["gracefully", "flush"]
            [waiter] = await at.on.queue(1)
            again = await at.controls.pause("shop", None, dry_run=False)
            assert again == Paused((), leased=1, others=1, held=1, waited_us=None)
            assert at.said == [(EventKind.PAUSED, "database shop is paused: clients are held")]
            waiter.task.cancel()
            await at.on.give_back(lease)

    @in_a_loop
    async def test_a_dry_run_counts_those_who_would_be_held(self) -> None:
        async with office() as at:
            leases = [await at.on.lease() for _ in range(4)]
            waiters = await at.on.queue(2)
            assert (await at.controls.pause(None, None, dry_run=True)).held == 2
            for waiter in waiters:
                waiter.task.cancel()
            for lease in leases:
                await at.on.give_back(lease)

    @in_a_loop
    async def test_it_waits_until_no_connection_is_left(self) -> None:
        async with office() as at:
            lease = await at.on.lease()
            pausing = asyncio.create_task(at.controls.pause("shop", 0.0, dry_run=False))
            await settle()
            assert not pausing.done()
            await at.on.give_back(lease)
            assert not pausing.done(), "PostgreSQL still has it"
            ended(at, 1)
            done = await pausing
            assert (done.leased, done.others) == (0, 0)
            assert done.waited_us is not None

    @in_a_loop
    async def test_it_does_not_wait_for_ever(self) -> None:
        async with office() as at:
            lease = await at.on.lease()
            done = await at.controls.pause("shop", 0.01, dry_run=False)
            assert (done.leased, done.others) == (1, 0)
            assert done.waited_us is not None
            await at.on.give_back(lease)

    @in_a_loop
    async def test_nobody_waits_for_the_end_of_a_pause_that_was_taken_back(self) -> None:
        async with office() as at:
            lease = await at.on.lease()
            pausing = asyncio.create_task(at.controls.pause("shop", 0.0, dry_run=False))
            await settle()
            at.controls.resume("shop", dry_run=False)
            assert (await pausing).leased == 1
            await at.on.give_back(lease)

    @in_a_loop
    async def test_a_database_that_nobody_knows_is_an_error_unless_it_is_paused(self) -> None:
        async with office() as at:
            with pytest.raises(ManagementError, match="no pool and no limit is for a database 'nowhere'"):
                await at.controls.pause("nowhere", None, dry_run=False)
            with pytest.raises(ManagementError, match="nowhere"):
                at.controls.resume("nowhere", dry_run=True)
            with pytest.raises(ManagementError, match="nowhere"):
                await at.controls.reconnect("nowhere", None, dry_run=False)


class TestResume:
    @in_a_loop
    async def test_it_says_who_goes_on_and_to_resume_what_is_not_paused_is_no_error(self) -> None:
        async with office() as at:
            assert at.controls.resume("shop", dry_run=False) == Resumed((), 0)
            await at.controls.pause(None, None, dry_run=False)
            [waiter] = await at.on.queue(1)
            assert at.controls.resume(None, dry_run=True) == Resumed(("all",), 1)
            assert not waiter.task.done()
            assert at.controls.resume(None, dry_run=False) == Resumed(("all",), 1)
            await at.on.give_back(await waiter.task)
            assert at.said == [
                (EventKind.PAUSED, "all databases are paused: clients are held"),
                (EventKind.RESUMED, "all databases are resumed: 1 client waited for it"),
            ]


class TestReconnect:
    @in_a_loop
    async def test_it_waits_for_the_old_ones_only(self) -> None:
        async with office() as at:
            lease, free = await at.on.lease(), await at.on.lease()
            await at.on.give_back(free)
            tried = await at.controls.reconnect("shop", None, dry_run=True)
            assert (tried.leased, tried.others, at.on.states()) == (1, 1, ["in-use", "free"])
            replacing = asyncio.create_task(at.controls.reconnect("shop", 0.0, dry_run=False))
            await settle()
            assert at.on.states() == ["gracefully", "flush"]
            ended(at, 2)
            new = await at.on.lease()
            assert not replacing.done()
            await at.on.give_back(lease)
            ended(at, 1)
            done = await replacing
            assert (done.leased, done.others) == (0, 0)
            assert at.on.states() == ["in-use"]
            await at.on.give_back(new)


class TestLookups:
    @in_a_loop
    async def test_secrets_are_not_asked_for_while_their_database_is_paused(self) -> None:
        async with office() as at:
            at.lookup = FakeLookup()
            await at.controls.pause("shop", None, dry_run=False)
            assert (at.lookup.is_open, at.lookup.partings) == (True, [])
            pausing = asyncio.create_task(at.controls.pause("postgres", 0.0, dry_run=False))
            await settle()
            assert (at.lookup.is_open, len(at.lookup.partings)) == (False, 1)
            assert not pausing.done(), "its connection is one of those that have to go"
            at.lookup.partings.clear()
            at.on.shell.vacated.set()
            assert (await pausing).others == 0
            at.controls.resume("postgres", dry_run=False)
            assert at.lookup.is_open

    @in_a_loop
    async def test_they_are_asked_for_on_a_new_connection_after_a_replacement(self) -> None:
        async with office() as at:
            at.lookup = FakeLookup()
            assert (await at.controls.reconnect(None, None, dry_run=False)).others == 1
            assert at.lookup.is_open


def test_what_differs_is_named() -> None:
    gate = Gate()
    assert changed(gate, "shop", False) == ("shop",)
    assert changed(gate, "shop", True) == ()
    assert changed(gate, None, False) == ("all",)
    gate.set("shop", False)
    assert changed(gate, "shop", False) == ()
    assert changed(gate, None, True) == ("shop",)
    gate.set(None, False)
    gate.set("books", True)
    assert changed(gate, None, False) == ("books",)
    assert changed(gate, None, True) == ("all",)
