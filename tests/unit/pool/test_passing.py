"""What goes on between clients without a word to the pool."""

from __future__ import annotations

import pytest

from agroal.config.choices import Validation
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings
from tests.unit.pool.shell import BATCH, BOOKS, WEB, Shell

ONE, TWO = PoolSettings(max_connections=1), PoolSettings(max_connections=2)


def test_a_lease_that_goes_on_is_counted_for_each_who_had_it() -> None:
    shell = Shell(ONE)
    lease = shell.lease()
    assert shell.pool.recount(lease.slot, lease.lease, 1.0, 5)
    snapshot = shell.pool.snapshot(1.0)
    assert (snapshot.totals.leases, snapshot.pools[0].leases, snapshot.slots[0].leases) == (6, 6, 6)


def test_one_that_is_to_be_closed_when_it_comes_back_does_not_go_on() -> None:
    shell = Shell(ONE)
    lease = shell.lease()
    shell.do(shell.pool.flush(FlushMode.GRACEFULLY, None, 0.0))
    assert not shell.pool.recount(lease.slot, lease.lease, 0.0, 1)
    assert shell.pool.snapshot(0.0).totals.leases == 1


def test_one_that_is_too_old_does_not_go_on() -> None:
    shell = Shell(PoolSettings(max_connections=1, max_connection_age=60))
    lease = shell.lease()
    assert shell.pool.recount(lease.slot, lease.lease, 59.0, 0)
    assert not shell.pool.recount(lease.slot, lease.lease, 60.0, 0)


def test_a_lease_that_is_over_does_not_go_on() -> None:
    shell = Shell(ONE)
    lease = shell.lease()
    shell.release(lease)
    assert not shell.pool.recount(lease.slot, lease.lease, 0.0, 0)


def test_it_goes_to_the_first_who_waits() -> None:
    shell = Shell(ONE)
    lease = shell.lease()
    first, second = shell.ask_all(2)
    granted = [shell.pool.hand_on(lease.slot, 1.0) for _ in range(3)]
    assert [grant and grant.waiter for grant in granted] == [first, second, None]
    assert [grant.lease for grant in granted if grant] == [lease.lease + 1, lease.lease + 2]


class TestWaitingInVain:
    """Whether the return of a connection is all that can help."""

    def test_where_all_are_leased(self) -> None:
        shell = Shell(ONE)
        shell.lease()
        shell.ask()
        assert shell.pool.is_waiting_in_vain(WEB)

    def test_not_where_nobody_has_one(self) -> None:
        shell = Shell(ONE)
        assert not shell.pool.is_waiting_in_vain(WEB)
        shell.lease(BATCH)
        shell.ask()
        assert not shell.pool.is_waiting_in_vain(WEB)

    def test_not_while_another_could_be_opened(self) -> None:
        shell = Shell(TWO)
        shell.lease()
        assert not shell.pool.is_waiting_in_vain(WEB)

    def test_not_where_the_only_one_is_being_opened(self) -> None:
        shell = Shell(ONE)
        shell.ask_all(2)
        assert not shell.pool.is_waiting_in_vain(WEB)
        shell.connect()
        assert shell.pool.is_waiting_in_vain(WEB)

    def test_while_one_more_is_being_opened_or_closed_for_the_pool_will_hear_of_it(self) -> None:
        shell = Shell(TWO)
        shell.lease()
        shell.ask_all(2)
        assert shell.pool.is_waiting_in_vain(WEB)
        shell.connect()
        shell.do(shell.pool.flush(FlushMode.ALL, None, 0.0))
        shell.close()
        assert shell.connects
        assert not shell.pool.is_waiting_in_vain(WEB), "the other is being closed, and none is left"

    def test_not_while_the_database_is_paused(self) -> None:
        shell = Shell(ONE)
        shell.lease()
        shell.ask()
        shell.do(shell.pool.pause(None, 0.0))
        assert not shell.pool.is_waiting_in_vain(WEB)

    @pytest.mark.parametrize("seconds", [0.0, 0.9])
    def test_not_where_nobody_has_the_patience(self, seconds: float) -> None:
        shell = Shell(PoolSettings(max_connections=1, blocking_timeout=seconds))
        shell.lease()
        shell.ask()
        assert not shell.pool.is_waiting_in_vain(WEB)


class TestAhead:
    """Who goes first, as far as the pool knows."""

    def test_those_of_the_same_key(self) -> None:
        shell = Shell(ONE)
        shell.lease()
        waiters = shell.ask_all(2)
        ahead = shell.pool.ahead(WEB)
        assert ahead is not None
        assert list(ahead) == waiters

    def test_others_that_have_nothing_count_as_well(self) -> None:
        shell = Shell(ONE)
        shell.lease()
        shell.ask(BATCH)
        assert shell.pool.ahead(WEB) is None

    def test_others_that_have_two_fewer_count_as_well(self) -> None:
        shell = Shell(PoolSettings(max_connections=4))
        shell.leases(3)
        shell.lease(BATCH)
        shell.ask(BATCH)
        assert shell.pool.ahead(WEB) is None

    def test_others_that_have_one_fewer_do_not(self) -> None:
        shell = Shell(PoolSettings(max_connections=3))
        shell.leases(2)
        shell.lease(BATCH)
        shell.ask(BATCH)
        assert list(shell.pool.ahead(WEB) or ["nobody"]) == ["nobody"]

    def test_others_with_a_limit_of_their_own_do_not(self) -> None:
        limits = [Limit("shop", (), "batch", 1), Limit("shop", (), "web", 1)]
        shell = Shell(PoolSettings(max_connections=5), limits)
        shell.lease()
        shell.lease(BATCH)
        shell.ask(BATCH)
        assert list(shell.pool.ahead(WEB) or ["nobody"]) == ["nobody"]

    def test_a_key_that_nobody_has_asked_for(self) -> None:
        assert Shell(ONE).pool.ahead(BOOKS) is None


class TestEven:
    """Whether nobody who waits lacks what others have."""

    @pytest.mark.parametrize(("web", "batch", "is_even"), [(1, 0, False), (1, 1, True), (2, 1, True), (3, 1, False)])
    def test_where_all_share_a_cap(self, web: int, batch: int, is_even: bool) -> None:
        shell = Shell(PoolSettings(max_connections=web + batch))
        shell.leases(web)
        shell.leases(batch, BATCH)
        shell.ask(BATCH)
        assert shell.pool.is_even([]), "nobody waits for what the others have"
        assert shell.pool.is_even([WEB]) == is_even
        assert shell.pool.is_even([BOOKS]), "a key that nobody has asked for"

    def test_an_odd_seat_is_uneven_when_it_is_due(self) -> None:
        shell = Shell(PoolSettings(max_connections=5, tenure=2.0))
        shell.leases(3)
        shell.leases(2, BATCH)
        shell.ask(BATCH)
        assert [shell.pool.is_even([WEB], now) for now in (3.9, 4.0)] == [True, False]

    @pytest.mark.parametrize(("kept", "is_even"), [(3, False), (4, True)])
    def test_a_seat_under_another_limit_counts_where_it_may_go(self, kept: int, is_even: bool) -> None:
        limits = [Limit("shop", (), "batch", 1), Limit("shop", (), "web", 4, kept, kept)]
        shell = Shell(PoolSettings(max_connections=6), limits)
        shell.wait(0.0)
        shell.connect_all()
        shell.leases(4)
        shell.lease(BATCH)
        shell.lease(BOOKS)
        shell.ask(BATCH)
        assert shell.pool.is_even([WEB]), "the limit of who waits is reached"
        shell.ask(BOOKS)
        assert shell.pool.is_even([WEB]) == is_even

    def test_what_clients_opened_for_themselves_is_of_no_use_to_others(self) -> None:
        shell = Shell(PoolSettings(max_connections=3))
        for _ in range(3):
            shell.lease(private=True)
        shell.ask(private=True)
        shell.ask(BATCH)
        assert shell.pool.is_even([])


class TestMakingRoom:
    """Whether a connection is free that could go for one of this key."""

    def test_one_of_the_same_limit(self) -> None:
        shell = Shell(PoolSettings(max_connections=5), [Limit("shop", (), "all", 2)])
        shell.lease()
        lease = shell.lease(BATCH)
        assert not shell.pool.may_make_room(WEB)
        shell.release(lease)
        assert shell.pool.may_make_room(WEB)

    @pytest.mark.parametrize(("kept", "may"), [(0, True), (1, False)])
    def test_one_of_another_limit_where_it_may_go(self, kept: int, may: bool) -> None:
        limits = [Limit("shop", (), "web", 1), Limit("shop", (), "batch", 1, kept, kept)]
        shell = Shell(PoolSettings(max_connections=3), limits)
        shell.wait(0.0)
        shell.connect_all()
        shell.release(shell.lease(BATCH))
        shell.lease(BOOKS)
        assert shell.pool.may_make_room(BOOKS) == may
        shell.lease()
        assert not shell.pool.may_make_room(WEB), "its limit is reached"

    def test_any_for_a_key_that_nobody_has_asked_for(self) -> None:
        assert Shell(ONE).pool.may_make_room(BOOKS)


def test_keys_with_limits_of_their_own_share_nothing_while_there_is_room() -> None:
    limits = [Limit("shop", (), "batch", 1), Limit("shop", (), "web", 1)]
    shell = Shell(PoolSettings(max_connections=3), limits)
    shell.lease()
    shell.lease(BATCH)
    assert None is not shell.pool.share(WEB) is not shell.pool.share(BATCH)
    shell.lease(BOOKS)
    assert shell.pool.share(WEB) is None


def test_waits_elsewhere_are_counted() -> None:
    shell = Shell(PoolSettings(max_connections=1, validation=Validation.OFF))
    shell.release(shell.lease())
    before = shell.pool.snapshot(0.0)
    times = [2, 1, *[0] * 15]
    shell.pool.count_waits(WEB, 3, 4_200, times, 0.0)
    after = shell.pool.snapshot(0.0)
    assert (after.totals.waits - before.totals.waits, after.totals.wait_us - before.totals.wait_us) == (3, 4_200)
    counted = zip(after.pools[0].wait_histogram, before.pools[0].wait_histogram, strict=True)
    assert [new - old for new, old in counted] == times
