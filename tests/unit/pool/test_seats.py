from __future__ import annotations

import pytest

from agroal.errors import IllegalTransition
from agroal.pool.effects import CloseReason
from agroal.pool.lanes import Cap, Lane, Lanes
from agroal.pool.limits import Limit
from agroal.pool.seats import Seats
from agroal.pool.slot import FLUSH, FREE, GRACEFULLY, IN_USE, NOT_INIT, PoolKey
from agroal.pool.waiters import WaitReason


def pieces(size: int = 3, limits: tuple[Limit, ...] = ()) -> tuple[Seats, Lane, Cap]:
    lanes = Lanes(limits)
    lane = lanes.get(PoolKey("shop", "web"), False, 0.0)
    return Seats(size, lanes.caps), lane, lane.cap


def test_a_slot_is_in_the_indexes_of_its_state_and_in_no_other() -> None:
    seats, lane, cap = pieces()
    slot = seats.open(lane, 1.0)
    assert (list(seats.opening), list(lane.opening), list(lane.seats), list(cap.seats)) == ([0], [0], [0], [0])
    seats.move(slot, FREE, 2.0)
    assert (list(seats.opening), list(lane.opening), list(lane.free), list(cap.free)) == ([], [], [0], [0])
    seats.move(slot, IN_USE, 3.0)
    assert (list(lane.free), list(cap.free), list(lane.seats)) == ([], [], [0])
    seats.move(slot, FLUSH, 4.0)
    assert (list(seats.closing), list(lane.seats), list(cap.seats), len(seats.empty)) == ([0], [], [0], 2)
    seats.move(slot, NOT_INIT, 5.0)
    assert (list(seats.closing), list(cap.seats), len(seats.empty)) == ([], [], 3)


def test_the_lowest_empty_slot_is_taken_first() -> None:
    seats, lane, _ = pieces()
    assert [seats.open(lane, 0.0).index for _ in range(3)] == [0, 1, 2]


def test_an_illegal_move_changes_no_index() -> None:
    seats, lane, cap = pieces()
    slot = seats.open(lane, 1.0)
    seats.move(slot, FREE, 2.0)
    seats.move(slot, FLUSH, 3.0)
    with pytest.raises(IllegalTransition):
        seats.move(slot, FREE, 4.0)
    assert (slot.state, list(seats.closing), list(cap.free), list(lane.free)) == (FLUSH, [0], [], [])


def test_a_slot_that_was_never_used_can_not_be_vacated() -> None:
    seats, _, _ = pieces()
    with pytest.raises(IllegalTransition):
        seats.move(seats.slots[2], NOT_INIT, 0.0)


def test_a_new_connection_starts_without_the_past_of_the_slot() -> None:
    seats, lane, _ = pieces(1)
    slot = seats.open(lane, 1.0)
    seats.move(slot, IN_USE, 2.0)
    slot.lease, slot.leases, slot.doom = 7, 3, CloseReason.FLUSHED
    seats.move(slot, NOT_INIT, 3.0)
    again = seats.open(lane, 4.0)
    assert again is slot
    assert (slot.lease, slot.leases, slot.doom, slot.waiter, slot.born) == (0, 0, None, None, 4.0)


def test_a_doomed_connect_still_takes_its_seat_but_is_not_counted_on() -> None:
    seats, lane, cap = pieces()
    slot = seats.open(lane, 1.0)
    seats.doom(slot, CloseReason.ABANDONED)
    assert (list(lane.opening), list(seats.opening), list(cap.seats)) == ([], [0], [0])
    seats.move(slot, NOT_INIT, 2.0)
    assert list(seats.opening) == []


def test_the_cap_that_blocks_is_named_the_limit_before_max_connections() -> None:
    seats, lane, cap = pieces(2, (Limit("all", (), "web", 1),))
    assert seats.blocker(cap) is None
    seats.open(lane, 0.0)
    assert seats.blocker(cap) is WaitReason.LIMIT
    free_cap = seats.caps[-1]
    assert seats.blocker(free_cap) is None
    seats.empty.clear()
    assert seats.blocker(free_cap) is WaitReason.MAX_CONNECTIONS
    assert seats.blocker(cap) is WaitReason.LIMIT


def test_connects_are_timed_from_the_first_step_to_the_log_in_and_failures_are_counted() -> None:
    seats, lane, _ = pieces()
    seats.move(seats.open(lane, 1.0), FREE, 1.5)
    seats.move(seats.open(lane, 2.0), IN_USE, 2.25)
    seats.move(seats.open(lane, 3.0), NOT_INIT, 9.0)
    totals = lane.totals
    assert (sum(totals.connects.counts), totals.connects.sum, totals.connect_failures) == (2, 750_000, 1)


def test_a_lease_is_timed_until_it_is_over_however_it_ends() -> None:
    seats, lane, _ = pieces()
    times = lane.totals.lease_times
    slot = seats.open(lane, 0.0)
    seats.move(slot, IN_USE, 1.0)
    seats.move(slot, IN_USE, 3.0)  # handed on
    assert (sum(times.counts), times.sum) == (1, 2_000_000)
    seats.move(slot, GRACEFULLY, 4.0)  # that is not its end
    assert sum(times.counts) == 1
    seats.move(slot, FLUSH, 8.0)
    assert (sum(times.counts), times.sum) == (2, 7_000_000)
    seats.move(slot, NOT_INIT, 9.0)
    assert sum(times.counts) == 2
    lost = seats.open(lane, 10.0)
    seats.move(lost, IN_USE, 10.0)
    seats.move(lost, NOT_INIT, 10.5)
    assert (sum(times.counts), times.sum) == (3, 7_500_000)
