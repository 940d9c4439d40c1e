"""Rule 3 of room.py: whether a connection that comes back stays in its pool. A key's pool is named by its letter."""

from __future__ import annotations

from agroal.pool.effects import Close, CloseReason
from agroal.pool.limits import Limit
from tests.unit.pool.test_room import PATIENCE, TENURE, A, B, C, room_made, shell


def test_it_goes_to_the_first_of_its_own_pool_though_another_came_a_little_earlier() -> None:
    world = shell(1)
    held = world.lease(A)
    world.ask(B)
    world.now = PATIENCE
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_makes_room_for_who_has_none_and_came_earlier_by_more_than_patience() -> None:
    world = shell(1)
    held = world.lease(A)
    other = world.ask(B)
    world.now = PATIENCE + 0.01
    own = world.ask(A)
    world.release(held)
    assert world.closes == [Close(0, CloseReason.MAKING_ROOM)]
    world.close()
    assert [connect.key for connect in world.connects] == [B]
    world.connect()
    assert own not in world.grants
    assert other in world.grants


def test_it_makes_room_at_once_for_an_older_waiter_whose_pool_has_two_fewer() -> None:
    world = shell(3)
    held, *_ = world.leases(2, A)
    world.lease(B)
    world.ask(C)
    world.ask(A)
    world.release(held)
    assert room_made(world) == [held.slot]


def test_it_stays_when_the_other_came_later_however_few_it_has() -> None:
    world = shell(3)
    held, *_ = world.leases(3, A)
    own = world.ask(A)
    world.ask(B)
    world.release(held)
    assert own in world.grants


def test_it_stays_while_its_pool_has_not_had_one_more_for_long_however_long_the_other_waits() -> None:
    world = shell(3)
    world.lease(B)
    held, _ = world.leases(2, A)
    world.ask(B)
    world.now = TENURE - 0.01
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_makes_room_for_who_has_one_fewer_when_its_pool_has_had_one_more_for_long_enough() -> None:
    world = shell(3)
    world.lease(B)
    held, _ = world.leases(2, A)
    world.now = TENURE
    other = world.ask(B)
    world.ask(A)
    world.release(held)
    assert room_made(world) == [held.slot]
    world.close()
    world.connect()
    assert other in world.grants


def test_the_more_the_other_has_the_longer_it_takes() -> None:
    world = shell(5)
    world.leases(2, B)
    held, *_ = world.leases(3, A)
    world.now = 2 * TENURE - 0.01
    world.ask(B)
    own = world.ask(A)
    world.release(held)
    lease = world.grants.pop(own)
    world.now = 2 * TENURE
    world.ask(A)
    world.release(lease)
    assert room_made(world) == [held.slot]


def test_who_gave_an_odd_seat_away_is_the_last_to_have_one_again() -> None:
    world = shell(4)
    held = {}
    for key, number in ((B, 1), (C, 1), (A, 2)):
        world.now += 0.1
        held[key] = world.leases(number, key)
    for _ in range(10):
        for key in (C, B, A):
            world.ask(key)
    takers = [A]
    for _ in range(6):
        world.now += TENURE
        world.release(held[takers[-1]].pop())
        world.close()
        takers.append(world.connects[0].key)
        world.connect()
        held[takers[-1]].append(world.grants.popitem()[1])
    assert takers == [A, B, C, A, B, C, A]


def test_it_stays_when_the_other_has_as_many_however_long_it_waits() -> None:
    world = shell(2)
    held = world.lease(A)
    world.lease(B)
    world.ask(B)
    world.now = 20.0
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_makes_room_for_who_has_none_though_a_pool_with_as_many_waits_even_longer() -> None:
    world = shell(4)
    held, *_ = world.leases(2, A)
    world.leases(2, B)
    world.ask(B)
    world.ask(C)
    world.ask(A)
    world.release(held)
    assert room_made(world) == [held.slot]
    world.close()
    assert [connect.key for connect in world.connects] == [C]


def test_it_stays_when_a_seat_is_being_vacated_for_the_other_already() -> None:
    world = shell(4)
    one, other, *_ = world.leases(4, A)
    world.ask(B)
    first, second = world.ask(A), world.ask(A)
    world.release(one)
    assert room_made(world) == [one.slot]
    world.release(other)
    assert first in world.grants
    assert second not in world.grants


def test_it_stays_when_a_connect_is_under_way_for_the_other_already() -> None:
    world = shell(3)
    held, *_ = world.leases(2, A)
    world.ask(B)
    world.ask(B)
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_stays_when_the_others_server_is_left_alone_after_a_failure() -> None:
    world = shell(3)
    world.ask(B)
    world.fail()
    held, *_ = world.leases(3, A)
    world.ask(B)
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_stays_when_its_limit_would_fall_below_min_size() -> None:
    world = shell(2, Limit("shop", (), "a", 2, 2, 2))
    held, *_ = world.leases(2, A)
    world.ask(B)
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_stays_when_its_seat_would_not_help_the_other() -> None:
    world = shell(9, Limit("shop", (), "a", 3), Limit("shop", (), "b", 1))
    held, *_ = world.leases(3, A)
    world.lease(B)
    world.ask(B)
    own = world.ask(A)
    world.release(held)
    assert own in world.grants


def test_it_stays_when_no_connect_may_begin() -> None:
    world = shell(4, at_once=1)
    held, *_ = world.leases(3, A)
    world.ask(C)
    world.ask(B)
    own = world.ask(A)
    world.release(held)
    assert own in world.grants
