from __future__ import annotations

import math

import pytest

from agroal.pool.effects import Close, CloseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.upkeep import pauses, retirement
from tests.unit.pool.shell import BATCH, WEB, Shell


def test_a_connection_that_nobody_uses_for_idle_timeout_is_closed_then() -> None:
    shell = Shell(PoolSettings(idle_timeout=60))
    held = shell.lease()
    shell.wait(100)
    shell.release(held)
    shell.wait(59.9)
    assert shell.states() == ["free"]
    shell.wait(0.1)
    assert shell.states() == ["idle-check"]
    assert shell.closes == [Close(0, CloseReason.IDLE)]


def test_use_starts_the_idle_time_anew() -> None:
    shell = Shell(PoolSettings(idle_timeout=60))
    shell.free(1)
    shell.wait(59)
    shell.release(shell.lease())
    shell.wait(59)
    assert shell.states() == ["free"]


def test_the_deadline_is_when_the_longest_free_connection_has_been_idle_for_too_long() -> None:
    shell = Shell(PoolSettings(idle_timeout=60, max_connections=10))
    first, second = shell.leases(2)
    shell.now = 10.0
    shell.release(first)
    shell.now = 20.0
    shell.release(second)
    shell.wait(41)  # the first sweep was due at 60: it finds the next
    assert shell.pool.next_deadline() == 70.0
    shell.wait(9)
    assert shell.states() == ["idle-check", "free"]
    assert shell.pool.next_deadline() == 80.0


def test_idle_connections_that_min_size_asks_for_stay() -> None:
    shell = Shell(PoolSettings(idle_timeout=60), [Limit("shop", (), "web", 5, 2, 2)])
    shell.free(1, WEB)
    for grant in shell.leases(3, WEB):
        shell.release(grant)
    shell.wait(60)
    assert sorted(shell.states()) == ["free", "free", "idle-check"]
    shell.wait(60)
    assert sorted(shell.states()) == ["free", "free", "idle-check"]


def test_a_free_connection_that_is_too_old_is_closed_whatever_min_size_says() -> None:
    shell = Shell(PoolSettings(max_connection_age=100), [Limit("shop", (), "web", 5, 1, 1)])
    shell.free(1)
    shell.wait(99.9)
    assert shell.states() == ["free"]
    shell.wait(0.1)
    assert shell.states() == ["max-connection-age", "init"]  # the other is for min_size
    assert shell.closes == [Close(0, CloseReason.TOO_OLD)]


def test_a_connection_that_became_too_old_in_use_is_closed_when_it_comes_back() -> None:
    shell = Shell(PoolSettings(max_connection_age=100))
    held = shell.lease()
    waiter = shell.ask(WEB)
    shell.connect()
    shell.wait(150)
    assert shell.states() == ["in-use", "in-use"]
    shell.release(held)
    assert shell.states() == ["max-connection-age", "in-use"]
    assert waiter in shell.grants


def test_chance_takes_up_to_a_tenth_of_the_age() -> None:
    settings = PoolSettings(max_connection_age=100)
    assert retirement(settings, lambda: 0.0, 5.0) == 105.0
    assert retirement(settings, lambda: 1.0, 5.0) == 95.0
    assert retirement(PoolSettings(), lambda: 1.0, 5.0) == math.inf


def test_sweeps_of_many_slots_are_rare() -> None:
    shell = Shell(PoolSettings(max_connections=10_000, idle_timeout=10))
    first, second = shell.leases(2)
    shell.release(first)
    shell.now = 0.001
    shell.release(second)
    shell.wait(9.999)
    assert shell.states() == ["idle-check", "free"]
    assert shell.pool.next_deadline() == pytest.approx(11.0)


def test_without_timeouts_nothing_is_due() -> None:
    shell = Shell()
    shell.free(2, WEB)
    shell.lease(BATCH)
    assert shell.pool.next_deadline() is None
    shell.wait(1e9)
    assert shell.states() == ["free", "free", "in-use"]


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 1.0), (5000, 1.0)])
def test_a_pause_doubles_with_every_failure_up_to_the_cap(failures: int, longest: float) -> None:
    settings = PoolSettings(retry_first=0.25, retry_cap=1.0)
    assert pauses(failures, settings, lambda: 0.0)[0] == longest
    assert pauses(failures, settings, lambda: 1.0)[0] == longest / 2
