from __future__ import annotations

from agroal.pool.lanes import Cap, Lane, Lanes
from agroal.pool.slot import PoolKey
from agroal.pool.waiters import Waiter, Waiters


def lane(lanes: Lanes, user: str) -> Lane:
    return lanes.get(PoolKey("shop", user), False, 0.0)


def test_the_order_is_that_of_arrival_whatever_the_numbers() -> None:
    lanes, waiters = Lanes([]), Waiters()
    for number, user in ((9, "a"), (2, "b"), (5, "a")):
        waiters.add(Waiter(number, lane(lanes, user), 0.0))
    assert [waiter.id for waiter in waiters] == [9, 2, 5]
    assert [waiter.turn for waiter in waiters] == [1, 2, 3]
    assert list(lane(lanes, "a").waiting) == [9, 5]
    assert lane(lanes, "a").first.id == 9


def test_who_leaves_is_in_no_index_any_more() -> None:
    lanes, waiters = Lanes([]), Waiters()
    cap: Cap = lanes.caps[0]
    one, other = Waiter(1, lane(lanes, "a"), 0.0), Waiter(2, lane(lanes, "a"), 0.0)
    waiters.add(one)
    waiters.add(other)
    waiters.remove(one)
    assert 1 not in waiters
    assert waiters.get(1) is None
    assert waiters.oldest() is other
    assert list(cap.waiting) == [lane(lanes, "a")]
    waiters.remove(other)
    assert (len(waiters), waiters.oldest(), len(cap.waiting), len(lane(lanes, "a").waiting)) == (0, None, 0, 0)


def test_who_is_held_is_in_a_queue_of_its_own_until_it_is_freed() -> None:
    lanes, waiters = Lanes([]), Waiters()
    cap: Cap = lanes.caps[0]
    paused = lane(lanes, "a")
    for number, user, since in ((1, "a", 1.0), (2, "b", 2.0), (3, "a", 3.0)):
        waiters.add(Waiter(number, lane(lanes, user), since))
    waiters.hold([paused], 4.0)
    waiters.add(Waiter(4, paused, 6.0, held_since=6.0), held=True)
    assert ([*waiters.by_id], [*waiters.held.by_id], list(cap.waiting)) == ([2], [1, 3, 4], [lane(lanes, "b")])
    assert [waiter.id for waiter in waiters.everybody()] == [1, 2, 3, 4]
    assert (waiters.find(3), waiters.find(2), waiters.find(9)) == (paused.held[3], waiters.get(2), None)
    waiters.remove(paused.held[3])
    waiters.free([paused], 10.0)
    assert [(waiter.id, waiter.since, waiter.came) for waiter in waiters] == [
        (2, 2.0, 2.0),
        (1, 7.0, 1.0),
        (4, 10.0, 6.0),
    ]
    assert (len(waiters.held), [*paused.waiting], [*paused.held], len(cap.waiting)) == (0, [1, 4], [], 2)


def test_who_has_been_told_where_it_stands_is_not_told_again_for_having_been_held() -> None:
    lanes, waiters = Lanes([]), Waiters()
    paused = lane(lanes, "a")
    for number, since in ((1, 1.0), (2, 5.0)):
        waiters.add(Waiter(number, paused, since))
    assert [told.id for told, _ in waiters.notify(3.0, 1.0)] == [1]
    waiters.hold([paused], 6.0)
    assert waiters.next_to_notify() is None
    waiters.free([paused], 7.0)
    assert [(told.id, position) for told, position in waiters.notify(20.0, 1.0)] == [(2, 2)]
