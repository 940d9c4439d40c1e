"""Bugs to plant in the pool: each is one that somebody could write, and the world must notice it.

Here are those about clients, caps and connects; planted_upkeep.py has the others, planting.py plants them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from agroal.errors import ClientFacing
from agroal.pool import core, room, upkeep
from agroal.pool.board import Board
from agroal.pool.core import Pool
from agroal.pool.effects import CloseReason, Effect
from agroal.pool.lanes import Cap, Lane, Lanes
from agroal.pool.seats import Seats
from agroal.pool.slot import FREE, IN_USE, PoolKey, Slot, SlotState
from agroal.pool.waiters import Waiter


def a_cap_is_off_by_one(patch: pytest.MonkeyPatch) -> None:
    sized = Cap.__post_init__

    def generous(cap: Cap) -> None:
        sized(cap)
        cap.size += 1

    patch.setattr(Cap, "__post_init__", generous)


def a_connection_being_closed_no_longer_counts(patch: pytest.MonkeyPatch) -> None:
    close = Board.close

    def forgetful(board: Board, slot: Slot, state: SlotState, reason: CloseReason, now: float) -> Effect:
        effect = close(board, slot, state, reason, now)
        board.seats.empty.append(slot.index)
        return effect

    patch.setattr(Board, "close", forgetful)


def the_last_to_come_is_served_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lane, "first", property(lambda lane: next(reversed(lane.waiting.values()))))


def who_gave_up_stays_in_the_queue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pool, "cancel", lambda pool, waiter, now: [])


def a_vacated_seat_wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    def closed(pool: Pool, slot: int, now: float, reason: CloseReason = CloseReason.LOST) -> list[Effect]:
        pool._board.vacate(pool._seats.slots[slot], reason, now)
        return []

    patch.setattr(Pool, "closed", closed)


def a_returned_connection_waits_to_be_asked_for(patch: pytest.MonkeyPatch) -> None:
    def release(pool: Pool, slot: int, lease: int, now: float, **_: Any) -> list[Effect]:
        pool._seats.slots[slot].lease = 0
        pool._seats.move(pool._seats.slots[slot], FREE, now)
        return []

    patch.setattr(Pool, "release", release)


def dirt_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    fault = upkeep.fault
    patch.setattr(upkeep, "fault", lambda back, dirt, *more: fault(back, None, *more))


def a_private_connection_is_kept(patch: pytest.MonkeyPatch) -> None:
    fault = upkeep.fault

    def blind(back: Slot, dirt: CloseReason | None, *more: Any) -> object:
        return None if back.lane.private and not dirt else fault(back, dirt, *more)

    patch.setattr(upkeep, "fault", blind)


def a_flushed_connection_is_used_again(patch: pytest.MonkeyPatch) -> None:
    fault = upkeep.fault

    def forgiving(back: Slot, *more: Any) -> object:
        if back.doom:
            back.doom, back.state = None, IN_USE
        return fault(back, *more)

    patch.setattr(upkeep, "fault", forgiving)


def a_server_that_is_down_is_dialled_in_a_loop(patch: pytest.MonkeyPatch) -> None:
    failed = Lanes.failed

    def impatient(
        lanes: Lanes, lane: Lane, began: float, error: ClientFacing, retry_at: float, refill_at: float
    ) -> None:
        failed(lanes, lane, began, error, began, refill_at)

    patch.setattr(Lanes, "failed", impatient)


def a_failed_connect_refuses_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lane, "hopeless", lambda lane: [])


def a_failed_connect_is_told_to_everybody_under_the_cap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lane, "hopeless", lambda lane: [one for lane in lane.cap.waiting for one in lane.waiting.values()])


def a_wrong_password_is_tried_for_the_next_in_the_queue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core, "is_final", lambda error: False)


def connects_begin_that_nobody_needs(patch: pytest.MonkeyPatch) -> None:
    def next_in_need(lane: Lane, now: float, planned: int, share: int) -> Waiter | None:
        if now < lane.retry_at or len(lane.opening) + planned >= share:
            return None
        return next(islice(lane.waiting.values(), 0, None), None)

    patch.setattr(Lane, "next_in_need", next_in_need)


def min_size_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Cap, "spare", property(lambda cap: len(cap.seats)))


def an_odd_seat_goes_to_and_fro(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(room, "is_owed", lambda has, own, *more: len(own.seats) > has)


def nobody_is_told_that_time_is_up(patch: pytest.MonkeyPatch) -> None:
    def expire(board: Board, now: float) -> Iterator[Effect]:
        return iter(())

    patch.setattr(Board, "expire", expire)


def the_next_deadline_forgets_who_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pool, "next_deadline", lambda pool: None)


def another_password_gets_the_same_connections(patch: pytest.MonkeyPatch) -> None:
    get = Lanes.get

    def shared(lanes: Lanes, key: PoolKey, private: bool, now: float) -> Lane:
        return get(lanes, key._replace(secret=""), private, now)

    patch.setattr(Lanes, "get", shared)


def an_abandoned_connect_is_not_remembered(patch: pytest.MonkeyPatch) -> None:
    def doom(seats: Seats, slot: Slot, reason: CloseReason) -> None:
        slot.waiter = None

    patch.setattr(Seats, "doom", doom)


def a_lease_is_taken_back_from_whoever_brings_it(patch: pytest.MonkeyPatch) -> None:
    release = Pool.release

    def trusting(pool: Pool, slot: int, lease: int, now: float, **more: Any) -> list[Effect]:
        return release(pool, slot, pool._seats.slots[slot].lease, now, **more)

    patch.setattr(Pool, "release", trusting)


BUGS = [
    thing for name, thing in list(globals().items()) if getattr(thing, "__module__", "") == __name__ and callable(thing)
]
