"""Whatever the world does, the pool keeps its promises."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agroal.errors import IllegalTransition
from agroal.pool.effects import CloseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from agroal.pool.upkeep import FlushMode
from tests.unit.pool.world import DOWN, At, Client, Connection, World

KEYS = [PoolKey("shop", "web"), PoolKey("shop", "batch"), PoolKey("books", "web"), PoolKey("books", "web", "secret")]
LIMITS = [
    [],
    [Limit("all", (), "all", 3)],
    [Limit("shop", (), "web", 2, 1, 1), Limit("all", (), "all", 3)],
    [Limit("all", (), "web", 2), Limit("shop", (), "all", 1), Limit("books", (), "web", 2, 2, 1)],
]
DIRT = [CloseReason.DIRTY, CloseReason.RESET_FAILED, CloseReason.LOST]

keys = strategies.sampled_from(KEYS)
pick = strategies.integers(0, 1000)


class Life(RuleBasedStateMachine):
    """Everything that clients, PostgreSQL, time and administrators can do to the pool, in any order."""

    world: World

    @initialize(
        limits=strategies.sampled_from(LIMITS),
        seats=strategies.integers(1, 6),
        at_once=strategies.integers(1, 5),
        blocking=strategies.sampled_from([0.0, 2.0, 2.0, 2.0]),
        idle=strategies.sampled_from([0.0, 1.0]),
        age=strategies.sampled_from([0.0, 2.0]),
        chance=strategies.sampled_from([0.0, 0.3, 1.0]),
    )
    def begin(
        self, limits: list[Limit], seats: int, at_once: int, blocking: float, idle: float, age: float, chance: float
    ) -> None:
        self.world = World(PoolSettings(seats, blocking, idle, age, at_once), limits, chance)

    def one(self, things: Iterable[Connection], number: int) -> Connection:
        ordered = sorted(things, key=lambda one: one.slot)
        return ordered[number % len(ordered)]

    # -- clients

    @rule(key=keys)
    def somebody_asks(self, key: PoolKey) -> None:
        self.world.ask(key)

    @rule(key=keys)
    def somebody_asks_for_a_connection_of_their_own(self, key: PoolKey) -> None:
        self.world.ask(key, private=True)

    @rule(key=keys, number=strategies.integers(2, 6))
    def many_ask(self, key: PoolKey, number: int) -> None:
        for _ in range(number):
            self.world.ask(key)
            self.world.check()

    @precondition(lambda self: self.world.waiting)
    @rule(number=pick)
    def a_waiter_gives_up(self, number: int) -> None:
        client: Client = self.world.waiting[number % len(self.world.waiting)]
        self.world.give_up(client)
        self.world.cancel_again(client.id)

    @precondition(lambda self: any(one.lease for one in self.world.connections.values()))
    @rule(number=pick)
    def a_client_goes(self, number: int) -> None:
        self.world.release(self.leased(number))

    @precondition(lambda self: any(one.lease for one in self.world.connections.values()))
    @rule(number=pick, dirt=strategies.sampled_from(DIRT))
    def a_client_goes_and_leaves_a_mess(self, number: int, dirt: CloseReason) -> None:
        self.world.release(self.leased(number), dirt)

    @precondition(lambda self: any(one.lease for one in self.world.connections.values()))
    @rule(number=pick)
    def a_waiter_was_gone_when_its_turn_came(self, number: int) -> None:
        self.world.decline(self.leased(number))

    def leased(self, number: int) -> Connection:
        return self.one((one for one in self.world.connections.values() if one.lease), number)

    # -- servers

    @precondition(lambda self: self.world.having(At.OPENING))
    @rule(number=pick)
    def a_connect_succeeds(self, number: int) -> None:
        self.world.connected(self.one(self.world.having(At.OPENING), number))

    @precondition(lambda self: self.world.having(At.OPENING))
    @rule(number=pick)
    def a_connect_fails(self, number: int) -> None:
        self.world.connect_failed(self.one(self.world.having(At.OPENING), number))

    @precondition(lambda self: self.world.having(At.CLOSING))
    @rule(number=pick)
    def a_connection_ends(self, number: int) -> None:
        self.world.closed(self.one(self.world.having(At.CLOSING), number))

    @precondition(lambda self: self.world.having(At.IDLE, At.LEASED))
    @rule(number=pick)
    def a_server_dies(self, number: int) -> None:
        self.world.closed(self.one(self.world.having(At.IDLE, At.LEASED), number))

    # -- time and administrators

    @rule(seconds=strategies.sampled_from([0.01, 0.2, 1.0, 2.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(seconds=strategies.sampled_from([0.05, 0.5, 3.0]))
    def the_shell_was_late(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.tick()

    @rule(mode=strategies.sampled_from(FlushMode), database=strategies.sampled_from([None, "shop", "books"]))
    def an_administrator_flushes(self, mode: FlushMode, database: str | None) -> None:
        self.world.flush(mode, database)

    # -- what can't happen

    @rule(slot=strategies.integers(0, 5), lease=strategies.integers(0, 50))
    def a_lease_that_is_over_is_refused(self, slot: int, lease: int) -> None:
        slot %= self.world.settings.max_connections
        connection = self.world.connections.get(slot)
        if connection is None or not lease or connection.lease != lease:
            with pytest.raises(IllegalTransition):
                self.world.pool.release(slot, lease, self.world.now)

    @rule(slot=strategies.integers(0, 5))
    def news_of_nothing_are_refused(self, slot: int) -> None:
        slot %= self.world.settings.max_connections
        connection = self.world.connections.get(slot)
        if connection is None or connection.at is At.OPENING:
            with pytest.raises(IllegalTransition):
                self.world.pool.closed(slot, self.world.now)
        if connection is None or connection.at is not At.OPENING:
            with pytest.raises(IllegalTransition):
                self.world.pool.connected(slot, self.world.now)
            with pytest.raises(IllegalTransition):
                self.world.pool.connect_failed(slot, DOWN, self.world.now)

    @invariant()
    def every_promise_holds(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world") and not self.world.event:
            self.world.go_home()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
