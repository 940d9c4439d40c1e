from __future__ import annotations

from dataclasses import replace

from agroal.metrics.family import Spread
from agroal.metrics.pools import POOLS
from agroal.pool.limits import Limit
from tests.unit.management.sample import POOL, snapshot
from tests.unit.metrics.made import LIMIT, Labels, facts, rows, seen

WEB = ("shop", "web")


def shown(name: str, **changes: object) -> dict[Labels, object]:
    return rows(POOLS, name, seen(snapshot(pools=(replace(POOL, **changes),))))  # type: ignore[arg-type]


def test_connections_by_state() -> None:
    assert shown("pool_connections", active=3, idle=2, other=1) == {
        (*WEB, "active"): 3,
        (*WEB, "idle"): 2,
        (*WEB, "other"): 1,
    }


def test_what_is_true_of_a_pool_now() -> None:
    assert shown("pool_max_connections", max=7) == {WEB: 7}
    assert shown("pool_waiting", waiting=4) == {WEB: 4}
    assert shown("pool_oldest_wait_seconds", oldest_wait_us=1_500_000) == {WEB: 1.5}
    assert shown("pool_enabled", enabled=False) == {WEB: 0}
    assert shown("pool_paused", paused=True) == {WEB: 1}
    assert shown("pool_failing_connects", failures=2) == {WEB: 2}


def test_what_has_happened_in_it() -> None:
    assert shown("pool_leases_total", leases=11) == {WEB: 11}
    assert shown("pool_waits_total", waits=12) == {WEB: 12}
    assert shown("pool_wait_timeouts_total", timeouts=13) == {WEB: 13}
    assert shown("pool_connect_failures_total", connect_failures=14) == {WEB: 14}
    assert shown("pool_queries_total", queries=15) == {WEB: 15}
    assert shown("pool_transactions_total", transactions=16) == {WEB: 16}
    assert shown("pool_bytes_received_total", bytes_in=17) == {WEB: 17}
    assert shown("pool_bytes_sent_total", bytes_out=18) == {WEB: 18}


def test_how_long_it_all_took() -> None:
    usual, fine, long = (1_000, 1_000_000), (50, 1_000), (1_000_000,)
    assert rows(POOLS, "pool_wait_seconds") == {WEB: Spread(usual, (0, 1, 0), 250_000)}
    assert rows(POOLS, "pool_connect_seconds") == {WEB: Spread(usual, (0, 1, 0), 1_900)}
    assert rows(POOLS, "pool_lease_seconds") == {WEB: Spread(long, (0, 1), 40_000)}
    assert rows(POOLS, "pool_query_seconds") == {WEB: Spread(fine, (37, 3, 1), 9_150)}
    assert rows(POOLS, "pool_transaction_seconds") == {WEB: Spread(fine, (36, 3, 1), 11_400)}


def test_what_is_not_measured_is_not_shown() -> None:
    assert shown("pool_query_seconds", query_hist=()) == {}


def test_sessions_are_the_leases_of_all_pools() -> None:
    other = replace(POOL, user="batch", lease_hist=(2, 5), lease_us=2)
    assert rows(POOLS, "session_time_seconds", seen(snapshot(pools=(POOL, other)))) == {
        (): Spread((1_000_000,), (2, 6), 40_002)
    }
    assert rows(POOLS, "session_time_seconds", seen(snapshot(pools=()))) == {(): Spread((1_000_000,), (0, 0), 0)}


def test_a_limit_has_its_sizes_and_what_counts_against_it() -> None:
    ours = replace(POOL, active=1, idle=2, other=3, waiting=4)
    theirs = replace(ours, limit="")
    taken = seen(snapshot(pools=(ours, replace(ours, user="batch"), theirs)), limits=(LIMIT,))
    assert rows(POOLS, "limit", taken) == {
        ("web", "shop", "min"): 1,
        ("web", "shop", "initial"): 2,
        ("web", "shop", "max"): 3,
        ("web", "shop", "active"): 2,
        ("web", "shop", "backend"): 12,
    }
    assert rows(POOLS, "limit_awaiting", taken) == {("web", "shop"): 8}


def test_a_second_line_for_the_same_pool_is_no_second_series() -> None:
    again = Limit("shop", (), "web", 9, origin="agroal_databases.conf:4")
    taken = seen(limits=(LIMIT, again))
    assert facts(limits=(LIMIT, again)).limits == (LIMIT, again)
    assert rows(POOLS, "limit", taken)["web", "shop", "max"] == 3
