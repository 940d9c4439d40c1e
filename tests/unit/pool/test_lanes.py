from __future__ import annotations

import math

from agroal.errors import ServerUnavailable
from agroal.pool.lanes import Lanes
from agroal.pool.limits import Limit
from agroal.pool.slot import PoolKey
from agroal.pool.waiters import Waiter, Waiters

KEY = PoolKey("shop", "web")
DOWN = ServerUnavailable("connection refused")


def test_a_key_has_one_lane_and_another_for_those_who_log_in_by_themselves() -> None:
    lanes = Lanes([])
    lane, private = lanes.get(KEY, False, 0.0), lanes.get(KEY, True, 0.0)
    assert lanes.get(KEY, False, 0.0) is lane
    assert lanes.get(KEY, True, 0.0) is private
    assert lane is not private
    assert lane.totals is private.totals
    assert set(lanes) == {lane, private}


def test_lanes_under_one_limit_share_its_cap() -> None:
    lanes = Lanes([Limit("shop", (), "all", 3)])
    web, batch, books = (lanes.get(PoolKey(*key), False, 0.0) for key in (KEY[:2], ("shop", "batch"), ("books", "web")))
    assert web.cap is batch.cap
    assert web.cap.size == 3
    assert books.cap is not web.cap
    assert books.cap.limit is None


def test_private_lanes_count_their_connects_together() -> None:
    lanes = Lanes([])
    assert lanes.get(KEY, True, 0.0).opening is lanes.get(PoolKey("books", "web"), True, 0.0).opening


def test_connects_that_began_before_the_pause_fail_as_one() -> None:
    lanes = Lanes([])
    lane = lanes.get(KEY, False, 0.0)
    lanes.failed(lane, began=1.0, error=DOWN, retry_at=2.0, refill_at=3.0)
    lanes.failed(lane, began=1.5, error=DOWN, retry_at=9.0, refill_at=9.0)
    assert (lane.failures, lane.retry_at, lane.refill_at) == (1, 2.0, 3.0)
    lanes.failed(lane, began=2.0, error=DOWN, retry_at=4.0, refill_at=5.0)
    assert (lane.failures, lane.retry_at, lane.refill_at) == (2, 4.0, 5.0)
    assert lanes.failing == {lane}


def test_a_success_ends_the_bad_luck() -> None:
    lanes = Lanes([])
    lane = lanes.get(KEY, False, 0.0)
    lanes.failed(lane, began=1.0, error=DOWN, retry_at=2.0, refill_at=3.0)
    lanes.succeeded(lane)
    assert (lane.failures, lane.error, lanes.failing) == (0, None, set())
    assert lane.retry_at == lane.refill_at == -math.inf


def test_lanes_of_clients_who_guess_do_not_fill_the_memory() -> None:
    lanes = Lanes([])
    for guess in range(10_000):
        lanes.get(PoolKey("shop", "web", f"guess {guess}"), False, 0.0)
        lanes.get(PoolKey("shop", f"user {guess}"), True, 0.0)
    assert len(list(lanes)) < 200


def test_what_is_in_use_or_counts_is_not_forgotten() -> None:
    lanes, waiters = Lanes([]), Waiters()
    used = lanes.get(KEY, False, 0.0)
    used.totals.leases = 1
    waited_for = lanes.get(PoolKey("shop", "batch"), False, 0.0)
    waiters.add(Waiter(1, waited_for, 0.0))
    unlucky = lanes.get(PoolKey("shop", "gone"), False, 0.0)
    lanes.failed(unlucky, began=0.0, error=DOWN, retry_at=1.0, refill_at=2.0)
    for guess in range(1000):
        lanes.get(PoolKey("shop", "web", f"guess {guess}"), False, 1.5)
    assert {used, waited_for, unlucky} <= set(lanes)
    for guess in range(1000):
        lanes.get(PoolKey("books", "web", f"guess {guess}"), False, 2.5)
    assert {used, waited_for} <= set(lanes)
    assert unlucky not in set(lanes)
    assert lanes.failing == set()


def test_the_totals_of_a_user_outlive_the_lanes_of_its_passwords() -> None:
    lanes = Lanes([])
    lanes.get(PoolKey("shop", "web", "old"), False, 0.0).totals.leases = 3
    for guess in range(1000):
        lanes.get(PoolKey("books", f"user {guess}"), False, 0.0)
    assert PoolKey("shop", "web", "old") not in {lane.key for lane in lanes}
    assert lanes.get(PoolKey("shop", "web", "new"), False, 0.0).totals.leases == 3
