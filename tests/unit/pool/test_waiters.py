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
