"""Rules 1 and 2 of room.py. A key's pool is named by its letter."""

from __future__ import annotations

from agroal.pool.effects import Close, CloseReason
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from agroal.pool.slot import PoolKey
from tests.unit.pool.shell import Shell

A, B, C = (PoolKey("shop", user) for user in "abc")
PATIENCE = 0.125
TENURE = 2.0


def shell(seats: int, *limits: Limit, at_once: int = 16) -> Shell:
    settings = PoolSettings(seats, wait_notice_timeout=0, patience=PATIENCE, tenure=TENURE, connects_at_once=at_once)
    return Shell(settings, list(limits))


def room_made(shell: Shell) -> list[int]:
    return [close.slot for close in shell.closes if close.reason is CloseReason.MAKING_ROOM]


# -- an empty seat


def test_a_vacated_seat_goes_to_the_oldest_waiter() -> None:
    world = shell(1)
    held = world.lease(A)
    world.ask(C)
    world.ask(B)
    world.pool.closed(held.slot, 0.0)
    world.do(world.pool.tick(0.0))
    assert world.pool.snapshot(0.0).slots[0].user == "c"


def test_a_vacated_seat_goes_first_to_who_has_nothing() -> None:
    world = shell(2)
    held, _ = world.leases(2, A)
    world.ask(A)
    world.ask(B)
    world.do(world.pool.closed(held.slot, 0.0))
    assert [connect.key for connect in world.connects] == [B]


def test_a_vacated_seat_goes_to_the_pool_that_has_least_though_another_has_an_older_waiter() -> None:
    world = shell(4)
    held, *_ = world.leases(3, A)
    world.lease(B)
    world.ask(A)
    world.ask(B)
    world.do(world.pool.closed(held.slot, 0.0))
    assert [connect.key for connect in world.connects] == [B]


def test_of_pools_that_have_as_many_a_vacated_seat_goes_to_the_one_that_has_had_no_more_for_longest() -> None:
    world = shell(4)
    for key in (B, A, C):
        world.now += 1.0
        world.lease(key)
    held = world.lease(C)
    for key in (C, A, B):
        world.ask(key)
    world.now += 1.0
    world.do(world.pool.closed(held.slot, world.now))
    assert [connect.key for connect in world.connects] == [B]
    world.connects.clear()
    world.do(world.pool.connected(held.slot, world.now))
    world.do(world.pool.closed(held.slot, world.now))
    assert [connect.key for connect in world.connects] == [A]


def test_an_older_waiter_whose_own_limit_is_full_does_not_hold_up_the_others() -> None:
    world = shell(3, Limit("shop", (), "a", 1))
    world.lease(A)
    world.ask(A)
    world.ask(B)
    assert [connect.key for connect in world.connects] == [B]


def test_a_seat_under_a_limit_is_of_use_only_under_it() -> None:
    world = shell(9, Limit("shop", (), "a", 1), Limit("shop", (), "b", 1))
    held = world.lease(A)
    world.lease(B)
    world.ask(B)
    world.release(held)
    world.wait(1.0)
    assert world.states() == ["free", "in-use"]
    assert world.closes == []


# -- a free connection


def test_a_connection_that_has_been_free_for_long_makes_room_at_once_the_longest_free_first() -> None:
    world = shell(2)
    first, second = world.leases(2, A)
    world.release(second)
    world.now = 1.0
    world.release(first)
    world.now = 5.0
    world.ask(B)
    assert world.closes == [Close(second.slot, CloseReason.MAKING_ROOM)]


def test_a_connection_just_freed_makes_room_at_once_for_a_pool_that_has_two_fewer() -> None:
    world = shell(2)
    world.free(1, A)
    held, other = world.leases(2, A)
    world.release(held)
    world.ask(B)
    assert room_made(world) == [held.slot]
    world.release(other)
    assert room_made(world) == [held.slot]


def test_a_connection_just_freed_is_kept_for_its_pool_while_patience_lasts() -> None:
    world = shell(1)
    world.free(1, A)
    waiter = world.ask(B)
    assert world.closes == []
    assert world.pool.next_deadline() == PATIENCE
    again = world.lease(A)
    world.now = PATIENCE / 2
    world.release(again)
    world.wait(PATIENCE / 4)
    assert world.closes == []
    world.wait(PATIENCE / 4)  # the waiter has waited for so long
    assert room_made(world) == [0]
    world.close()
    world.connect()
    assert waiter in world.grants


def test_a_pool_that_has_as_many_connections_gets_another_only_from_one_left_free_for_long() -> None:
    world = shell(2)
    held = world.lease(A)
    world.lease(B)
    world.ask(B)
    world.now = 5.0
    world.release(held)
    assert world.closes == []
    assert world.pool.next_deadline() == 5.0 + PATIENCE
    world.wait(PATIENCE)
    assert room_made(world) == [held.slot]


def test_only_as_many_connections_make_room_as_somebody_needs() -> None:
    world = shell(4)
    for grant in world.leases(4, A):
        world.release(grant)
    world.now = 5.0
    world.ask(B)
    world.wait(5.0)
    assert len(room_made(world)) == 1


def test_connections_of_others_are_not_closed_for_a_pool_that_its_own_limit_holds_back() -> None:
    world = shell(4, Limit("shop", (), "b", 2))
    for grant in world.leases(3, A):
        world.release(grant)
    world.lease(B)
    world.now = 5.0
    for _ in range(3):
        world.ask(B)
    assert len(room_made(world)) == 1


def test_a_connection_that_is_being_closed_anyway_is_waited_for() -> None:
    world = shell(2)
    free, dirty = world.leases(2, A)
    world.release(free)
    world.do(world.pool.release(dirty.slot, dirty.lease, 0.0, clean=False))
    world.now = 5.0
    world.ask(B)
    assert room_made(world) == []


def test_min_size_of_another_limit_is_kept() -> None:
    world = shell(2, Limit("shop", (), "a", 2, 2, 1))
    for grant in world.leases(2, A):
        world.release(grant)
    world.now = 5.0
    world.ask(B)
    world.ask(B)
    world.wait(5.0)
    assert len(room_made(world)) == 1


def test_min_size_of_the_same_limit_is_no_hindrance_for_the_seat_stays_under_it() -> None:
    world = shell(5, Limit("shop", (), "a", 1, 1, 1))
    world.free(1, A)
    world.now = 5.0
    world.ask(A._replace(secret="another password"))
    assert room_made(world) == [0]


def test_nothing_makes_room_while_no_connect_may_begin() -> None:
    world = shell(3, at_once=1)
    for grant in world.leases(2, A):
        world.release(grant)
    world.now = 5.0
    world.ask(B)
    world.ask(C)
    assert room_made(world) == []
    world.connect()
    assert len(room_made(world)) == 1
