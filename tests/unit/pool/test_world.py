"""Whatever the world does, the pool keeps its promises."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import Phase, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agroal.config.choices import Validation
from agroal.pool.effects import CloseReason
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.lives import DATABASES, KEYS, LIMITS, live
from tests.unit.pool.notes import At, Connection
from tests.unit.pool.world import NO_DATABASE, World

DIRT = [None, None, None, CloseReason.DIRTY, CloseReason.LOST]
TIMES = [0.01, 0.01, 0.2, 1.0, 2.0]

keys = strategies.sampled_from(KEYS)
pick = strategies.integers(0, 1000)


def nth(things: Iterable[Connection], number: int) -> Connection:
    ordered = sorted(things, key=lambda one: one.slot)
    return ordered[number % len(ordered)]


class Life(RuleBasedStateMachine):
    """Everything that clients, PostgreSQL, time and administrators can do to the pool, in any order."""

    world: World

    @initialize(
        limits=strategies.sampled_from(LIMITS),
        seats=strategies.integers(1, 6),
        at_once=strategies.integers(1, 5),
        blocking=strategies.sampled_from([3.0, 3.0, 3.0, 0.0]),
        idle=strategies.sampled_from([1.0, 1.0, 0.0]),
        age=strategies.sampled_from([0.0, 2.0]),
        notice=strategies.sampled_from([0.0, 0.5]),
        validation=strategies.sampled_from(Validation),
        chance=strategies.sampled_from([0.0, 0.3, 1.0]),
    )
    def begin(
        self,
        limits: list[Limit],
        seats: int,
        at_once: int,
        blocking: float,
        idle: float,
        age: float,
        notice: float,
        validation: Validation,
        chance: float,
    ) -> None:
        chosen = PoolSettings(seats, blocking, idle, age, notice, validation, 1.5, at_once, validations_at_once=2)
        self.world = World(chosen, limits, chance)

    # -- clients

    @rule(key=keys, private=strategies.sampled_from([False, False, False, True]))
    def somebody_asks(self, key: PoolKey, private: bool) -> None:
        self.world.ask(key, private)

    @rule(key=keys, number=strategies.integers(2, 4))
    def many_ask(self, key: PoolKey, number: int) -> None:
        for _ in range(number):
            self.world.ask(key)
            self.world.check()

    @rule(key=keys, number=strategies.integers(2, 6), again=strategies.booleans())
    def a_crowd_comes_and_is_served(self, key: PoolKey, number: int, again: bool) -> None:
        self.many_ask(key, number)
        self.world.servers_answer()
        if again:
            self.world.come_and_go()
            self.many_ask(key, number)

    @precondition(lambda self: self.world.waiting)
    @rule(number=pick)
    def a_waiter_gives_up(self, number: int) -> None:
        client = self.world.waiting[number % len(self.world.waiting)]
        self.world.give_up(client)
        self.world.cancel_again(client.id)

    @precondition(lambda self: self.world.leased())
    @rule(number=pick, dirt=strategies.sampled_from(DIRT))
    def a_client_goes(self, number: int, dirt: CloseReason | None) -> None:
        self.world.release(nth(self.world.leased(), number), dirt)

    @precondition(lambda self: self.world.leased())
    @rule(number=pick)
    def a_turn_is_over(self, number: int) -> None:
        self.world.hand_on(nth(self.world.leased(), number))

    @precondition(lambda self: self.world.leased())
    @rule(number=pick)
    def a_waiter_was_gone_when_its_turn_came(self, number: int) -> None:
        self.world.decline(nth(self.world.leased(), number))

    # -- servers

    @precondition(lambda self: self.world.having(At.OPENING))
    @rule(number=pick)
    def a_connect_succeeds(self, number: int) -> None:
        self.world.connected(nth(self.world.having(At.OPENING), number))

    @precondition(lambda self: self.world.having(At.OPENING))
    @rule()
    def all_connects_succeed(self) -> None:
        for connection in self.world.having(At.OPENING):
            self.world.connected(connection)
            self.world.check()

    @precondition(lambda self: self.world.having(At.OPENING))
    @rule(number=pick)
    def a_connect_fails(self, number: int) -> None:
        self.world.connect_failed(nth(self.world.having(At.OPENING), number))

    @precondition(lambda self: self.world.having(At.OPENING))
    @rule(number=pick)
    def a_connect_fails_for_good(self, number: int) -> None:
        self.world.connect_failed(nth(self.world.having(At.OPENING), number), NO_DATABASE)

    @precondition(lambda self: self.world.having(At.ASKED))
    @rule(number=pick, alive=strategies.sampled_from([True, True, False]))
    def a_server_is_validated(self, number: int, alive: bool) -> None:
        self.world.validated(nth(self.world.having(At.ASKED), number), alive)

    @precondition(lambda self: self.world.having(At.CLOSING))
    @rule(number=pick)
    def a_connection_ends(self, number: int) -> None:
        self.world.closed(nth(self.world.having(At.CLOSING), number))

    @precondition(lambda self: self.world.having(At.IDLE, At.ASKED, At.LEASED))
    @rule(number=pick)
    def a_server_dies(self, number: int) -> None:
        self.world.closed(nth(self.world.having(At.IDLE, At.ASKED, At.LEASED), number))

    @precondition(lambda self: self.world.having(At.IDLE))
    @rule(number=pick)
    def a_free_server_speaks(self, number: int) -> None:
        self.world.spoiled(nth(self.world.having(At.IDLE), number))

    # -- time and administrators

    @rule(seconds=strategies.sampled_from(TIMES), late=strategies.booleans())
    def time_passes(self, seconds: float, late: bool) -> None:
        self.world.sleep(seconds) if late else self.world.wait(seconds)

    @rule(seconds=strategies.sampled_from(TIMES))
    def it_becomes_quiet(self, seconds: float) -> None:
        self.world.quiet(seconds)

    @rule(seconds=strategies.sampled_from([1, 1, 4]), key=keys)
    def every_server_is_down_for_a_while(self, seconds: int, key: PoolKey) -> None:
        self.world.outage(seconds, key)

    @rule(mode=strategies.sampled_from(FlushMode), database=strategies.sampled_from(DATABASES))
    def an_administrator_flushes(self, mode: FlushMode, database: str | None) -> None:
        self.world.flush(mode, database)

    @rule(database=strategies.sampled_from(DATABASES), is_open=strategies.booleans())
    def an_administrator_shuts_or_opens_the_gate(self, database: str | None, is_open: bool) -> None:
        self.world.switch(database, is_open)

    @rule(database=strategies.sampled_from(DATABASES))
    def an_administrator_pauses(self, database: str | None) -> None:
        self.world.pause(database)

    @rule(database=strategies.sampled_from(DATABASES))
    def an_administrator_resumes(self, database: str | None) -> None:
        self.world.resume(database)

    @rule(
        limits=strategies.sampled_from(LIMITS),
        blocking=strategies.sampled_from([3.0, 0.0]),
        age=strategies.sampled_from([0.0, 2.0]),
        validation=strategies.sampled_from(Validation),
    )
    def an_administrator_reloads(
        self, limits: list[Limit], blocking: float, age: float, validation: Validation
    ) -> None:
        chosen = replace(self.world.settings, blocking_timeout=blocking, max_connection_age=age, validation=validation)
        self.world.reload(chosen, limits)

    # -- what can't happen

    @rule(slot=strategies.integers(0, 5), lease=strategies.integers(0, 9))
    def news_of_nothing_are_refused(self, slot: int, lease: int) -> None:
        self.world.news_of_nothing(slot, lease)

    @invariant()
    def every_promise_holds(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world") and not sys.exception():
            self.world.go_home()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    deadline=None,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],  # to explain takes longer than to shrink, and says less
    report_multiple_bugs=False,
)


@pytest.mark.parametrize("seed", range(12))
def test_the_promises_hold_through_a_long_and_busy_life(seed: int) -> None:
    live(seed, steps=1500)
