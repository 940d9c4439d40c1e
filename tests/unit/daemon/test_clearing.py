from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from agroal.daemon.clearing import since
from agroal.management.snapshot import Count, Counters, Loop, Pool, Snapshot
from tests.unit.management.sample import POOL, snapshot

TOTALS = (
    *("leases", "waits", "wait_us", "timeouts", "connect_failures", "connect_us", "lease_us", "query_us"),
    *("queries", "transactions", "bytes_in", "bytes_out"),
)
HISTOGRAMS = ("wait_hist", "connect_hist", "lease_hist", "query_hist", "transaction_hist")
COUNTERS = Counters(**{field.name: 10 for field in fields(Counters)})


def pool(**changes: Any) -> Pool:
    histograms = dict.fromkeys(HISTOGRAMS, (1, 2, 3))
    return replace(POOL, **{**histograms, **dict.fromkeys(TOTALS, 5), "transaction_us": 5, **changes})


def a_picture(counted: int = 0, pools: tuple[Pool, ...] = (), **changes: Any) -> Snapshot:
    counters = Counters(**{field.name: 10 + counted for field in fields(Counters)})
    given = {"counters": counters, "pools": pools, "closes": (), "loop": Loop((1, 2), 7), **changes}
    return snapshot(**given)


def test_every_total_begins_anew() -> None:
    assert since(a_picture(), a_picture()).counters == Counters(**{field.name: 0 for field in fields(Counters)})
    assert since(a_picture(), a_picture(3)).counters == Counters(**{field.name: 3 for field in fields(Counters)})


def test_those_of_each_pool_too() -> None:
    before, now = pool(), pool(**dict.fromkeys(HISTOGRAMS, (1, 4, 4)), **dict.fromkeys(TOTALS, 8), transaction_us=9)
    (seen,) = since(a_picture(pools=(before,)), a_picture(pools=(now,))).pools
    grown: dict[str, Any] = {**dict.fromkeys(HISTOGRAMS, (0, 2, 1)), **dict.fromkeys(TOTALS, 3), "transaction_us": 4}
    assert seen == replace(now, **grown)


def test_what_is_true_just_now_is_none_of_them() -> None:
    before, now = pool(active=1, idle=2, waiting=0), pool(active=4, idle=0, waiting=9)
    seen = since(a_picture(pools=(before,)), a_picture(pools=(now,)))
    assert (seen.pools[0].active, seen.pools[0].idle, seen.pools[0].waiting) == (4, 0, 9)
    assert (seen.slots, seen.clients, seen.waiters) == (a_picture().slots, a_picture().clients, a_picture().waiters)


def test_a_pool_that_came_later_has_all_of_its_own() -> None:
    other = pool(database="other")
    assert since(a_picture(pools=(pool(),)), a_picture(pools=(other,))).pools == (other,)


@pytest.mark.parametrize("total", TOTALS)
def test_a_pool_that_was_forgotten_meanwhile_counts_from_its_own_beginning(total: str) -> None:
    now = pool(**{total: 4})
    assert since(a_picture(pools=(pool(),)), a_picture(pools=(now,))).pools == (now,)


@pytest.mark.parametrize("histogram", HISTOGRAMS)
def test_so_it_does_when_only_a_histogram_shows_that(histogram: str) -> None:
    now = pool(**{histogram: (0, 9, 9)})
    assert since(a_picture(pools=(pool(),)), a_picture(pools=(now,))).pools == (now,)


def test_pools_are_told_apart_by_user_and_database() -> None:
    ann, bob = pool(user="ann", leases=9), pool(user="bob", leases=6)
    seen = since(a_picture(pools=(pool(user="ann"), pool(user="bob"))), a_picture(pools=(bob, ann)))
    assert [(one.user, one.leases) for one in seen.pools] == [("bob", 1), ("ann", 4)]


def test_the_reasons_of_closes_and_the_lag_of_the_loop_begin_anew() -> None:
    before = a_picture(closes=(Count("idle", 2),), loop=Loop((1, 2), 7, 900), errors=(Count("PoolIsFull", 4),))
    now = a_picture(
        closes=(Count("idle", 3), Count("lost", 1)), loop=Loop((1, 5), 9, 2_000), errors=(Count("PoolIsFull", 6),)
    )
    seen = since(before, now)
    assert seen.closes == (Count("idle", 1), Count("lost", 1))
    assert seen.loop == Loop((0, 3), 9, 1_100)
    assert seen.errors == (Count("PoolIsFull", 2),)
