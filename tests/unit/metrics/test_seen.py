from __future__ import annotations

from dataclasses import replace

from agroal.management.snapshot import Pool, Slot
from agroal.metrics.seen import OTHER, Bounded, Facts, Names, Seen, added
from agroal.pool.limits import Limit
from tests.unit.management.sample import POOL, SLOT, snapshot


def pool(database: str, user: str, **changes: object) -> Pool:
    return replace(POOL, database=database, user=user, **changes)  # type: ignore[arg-type]


def slot(id: int, user: str, application: str = "") -> Slot:
    return replace(SLOT, id=id, user=user, application_name=application)


def keys(seen: Seen) -> list[tuple[str, str]]:
    return [(pool.database, pool.user) for pool in seen.snapshot.pools]


def test_pools_beyond_the_bound_are_one() -> None:
    names = Names(pools=2)
    crowd = tuple(pool("shop", f"user{n}", leases=n + 1) for n in range(1000))
    seen = names.see(Facts(snapshot(pools=crowd, slots=(slot(0, "user1"), slot(1, "user700")))))
    assert keys(seen) == [("shop", "user0"), ("shop", "user1"), (OTHER, OTHER)]
    assert [pool.leases for pool in seen.snapshot.pools] == [1, 2, sum(range(3, 1001))]
    assert [(slot.database, slot.user) for slot in seen.snapshot.slots] == [("shop", "user1"), (OTHER, OTHER)]


def test_names_are_the_same_ever_after_whoever_comes_and_goes() -> None:
    names = Names(pools=1)
    assert keys(names.see(Facts(snapshot(pools=(pool("shop", "ann"),))))) == [("shop", "ann")]
    assert keys(names.see(Facts(snapshot(pools=(pool("shop", "bob"),))))) == [(OTHER, OTHER)]
    both = names.see(Facts(snapshot(pools=(pool("shop", "bob"), pool("shop", "ann")))))
    assert keys(both) == [(OTHER, OTHER), ("shop", "ann")]


def test_a_pool_of_the_databases_file_always_has_its_name() -> None:
    names, limits = Names(pools=0), (Limit("shop", (), "web", 3), Limit("all", (), "all", 9))
    seen = names.see(Facts(snapshot(pools=(pool("shop", "web"), pool("shop", "eve"))), limits))
    assert keys(seen) == [("shop", "web"), (OTHER, OTHER)]


def test_whom_postgresql_has_never_let_in_has_none() -> None:
    """Else strangers could use them up with names that they invent."""
    names = Names(pools=1)
    seen = names.see(Facts(snapshot(pools=(pool("nonsense", "eve", leases=0), pool("shop", "web", leases=1)))))
    assert keys(seen) == [(OTHER, OTHER), ("shop", "web")]


def test_what_pools_have_in_common_is_added_up_and_what_they_have_not_is_the_worst() -> None:
    one = pool("a", "a", waiting=2, oldest_wait_us=5, wait_hist=(1, 0, 2), wait_us=7, max=3, failures=1, error="no")
    other = pool(
        "b", "b", waiting=1, oldest_wait_us=9, wait_hist=(0, 4, 1), wait_us=2, max=8, enabled=False, paused=True
    )
    (seen,) = Names(pools=0).see(Facts(snapshot(pools=(one, other)))).snapshot.pools
    assert (seen.waiting, seen.oldest_wait_us, seen.wait_hist, seen.wait_us) == (3, 9, (1, 4, 3), 9)
    assert (seen.max, seen.failures, seen.enabled, seen.paused, seen.active) == (8, 1, False, True, 2)


def test_application_names_beyond_the_bound_are_one() -> None:
    names = Names(applications=2)
    slots = (*(slot(n, "web", f"job {n}") for n in range(4)), slot(4, "web"), slot(5, "web", "job 1"))
    seen = names.see(Facts(snapshot(slots=slots)))
    shown = [slot.application_name for slot in seen.snapshot.slots]
    assert shown == ["job 0", "job 1", OTHER, OTHER, "", "job 1"]


def test_slots_beyond_the_bound_are_left_out_and_still_counted() -> None:
    slots = tuple(slot(n, "web") for n in range(10))
    seen = Names(slots=4).see(Facts(snapshot(slots=slots)))
    assert [slot.id for slot in seen.snapshot.slots] == [0, 1, 2, 3]
    assert len(seen.facts.snapshot.slots) == 10


def test_the_number_of_series_is_bounded_whatever_clients_do() -> None:
    names, shown = Names(pools=3, applications=3, slots=2), set()
    for n in range(300):
        pools = (pool(f"db{n}", f"user{n}"),)
        slots = (replace(slot(n % 7, f"user{n}", f"app{n}"), database=f"db{n}"),)
        seen = names.see(Facts(snapshot(pools=pools, slots=slots)))
        shown |= {("pool", *key) for key in keys(seen)}
        shown |= {("slot", str(one.id), one.user, one.application_name) for one in seen.snapshot.slots}
    assert len(shown) <= (3 + 1) + 2 * (3 + 1) * (3 + 1)


def test_the_first_values_are_admitted() -> None:
    bounded: Bounded[str] = Bounded(2)
    assert [bounded.admits(value) for value in "abcab"] == [True, True, False, True, True]


def test_histograms_of_which_one_is_not_measured_are_added() -> None:
    assert added([(), (1, 2), (3, 4)]) == (4, 6)
    assert added([(), ()]) == ()
