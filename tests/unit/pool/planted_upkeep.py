"""Bugs to plant in the pool: those about filling, validation, notices, flushes and reloads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pytest

from agroal.errors import ClientFacing
from agroal.pool import flushing, upkeep
from agroal.pool.board import Board
from agroal.pool.core import Pool
from agroal.pool.effects import CloseReason, Effect, Notify, Validate
from agroal.pool.flushing import Fate, FlushMode
from agroal.pool.gate import Gate
from agroal.pool.lanes import Cap, Lane, Lanes
from agroal.pool.limits import Limit
from agroal.pool.seats import Seats
from agroal.pool.slot import FREE, IN_USE, Slot, SlotState
from agroal.pool.waiters import Waiter, Waiters

# -- filling


def a_shut_database_is_filled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Gate, "is_open", lambda gate, database: True)


def a_limit_is_filled_to_its_initial_size_again_and_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Cap, "missing", property(lambda cap: cap.limit.initial_size - cap.staying if cap.limit else 0))


def a_gap_is_not_filled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Board, "fill", lambda board, now: iter(()))


def a_server_that_failed_is_refilled_in_a_loop(patch: pytest.MonkeyPatch) -> None:
    failed = Lanes.failed

    def impatient(
        lanes: Lanes, lane: Lane, began: float, error: ClientFacing, retry_at: float, refill_at: float
    ) -> None:
        failed(lanes, lane, began, error, retry_at, began)

    patch.setattr(Lanes, "failed", impatient)


def connections_that_nobody_waits_for_are_tried_as_often_as_the_others(patch: pytest.MonkeyPatch) -> None:
    pauses = upkeep.pauses
    patch.setattr(upkeep, "pauses", lambda *given: pauses(*given)[:1] * 2)


def filling_takes_the_clients_part_of_the_connects(patch: pytest.MonkeyPatch) -> None:
    fill = Board._fill

    def greedy(board: Board, lane: Lane, missing: int, now: float) -> Iterator[Effect]:
        board.seats.opening, kept = {}, board.seats.opening
        yield from list(fill(board, lane, missing, now))
        board.seats.opening = kept | board.seats.opening

    patch.setattr(Board, "_fill", greedy)


# -- validation


def a_free_connection_is_granted_unasked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Board, "validates_first", property(lambda board: False, lambda board, chosen: None), raising=False)


def an_invalid_connection_is_kept(patch: pytest.MonkeyPatch) -> None:
    validated = Pool.validated
    patch.setattr(Pool, "validated", lambda pool, slot, alive, now: validated(pool, slot, True, now))


def a_connection_under_validation_is_asked_for_every_client(patch: pytest.MonkeyPatch) -> None:
    def validate(board: Board, now: float) -> Iterator[Validate]:
        for lane in [lane for cap in board.seats.caps for lane in cap.waiting]:
            for slot in list(islice(reversed(lane.free.values()), len(lane.waiting))):
                yield board.validate(slot, now)

    patch.setattr(Board, "_validate_for_waiters", validate)


def background_validation_knows_no_bound(patch: pytest.MonkeyPatch) -> None:
    def validate_stale(board: Board, now: float) -> Iterator[Validate]:
        free = [slot for cap in board.seats.caps for slot in cap.free.values()]
        return iter([board.validate(slot, now) for slot in free if slot.since < board.round])

    patch.setattr(Board, "validate_stale", validate_stale)


def validation_counts_as_use(patch: pytest.MonkeyPatch) -> None:
    move = Seats.move

    def dated(seats: Seats, slot: Slot, to: SlotState, now: float) -> None:
        move(seats, slot, to, now)
        if to is FREE:
            slot.idle_since = now

    patch.setattr(Seats, "move", dated)


# -- notices


def a_waiter_is_told_twice(patch: pytest.MonkeyPatch) -> None:
    notify = Waiters.notify

    def forgetful(waiters: Waiters, now: float, timeout: float) -> Iterator[tuple[Waiter, int]]:
        kept = waiters._unnotified.copy()
        yield from notify(waiters, now, timeout)
        waiters._unnotified = kept

    patch.setattr(Waiters, "notify", forgetful)


def nobody_is_told_that_it_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Board, "notify", lambda board, now: iter(()))


def the_position_is_that_among_all(patch: pytest.MonkeyPatch) -> None:
    notify = Board.notify

    def muddled(board: Board, now: float) -> Iterator[Notify]:
        everybody = [waiter.id for waiter in board.waiters.everybody()]
        for notice in notify(board, now):
            yield Notify(notice.waiter, everybody.index(notice.waiter) + 1, notice.error, notice.paused)

    patch.setattr(Board, "notify", muddled)


# -- flushes


def a_forecast_forgets_those_in_use(patch: pytest.MonkeyPatch) -> None:
    forecast = flushing.forecast

    def hopeful(slots: Sequence[Slot], mode: FlushMode) -> Counter[Fate]:
        return forecast([slot for slot in slots if slot.state is not IN_USE], mode)

    patch.setattr(flushing, "forecast", hopeful)


def the_stragglers_are_all_that_are_leased(patch: pytest.MonkeyPatch) -> None:
    fate = flushing.fate

    def harsh(slot: Slot, mode: FlushMode) -> Fate | None:
        return Fate.KILLED if slot.state is IN_USE and mode is FlushMode.STRAGGLERS else fate(slot, mode)

    patch.setattr(flushing, "fate", harsh)


# -- reloads


def a_lowered_limit_is_ignored_on_return(patch: pytest.MonkeyPatch) -> None:
    fault = upkeep.fault

    def lenient(*given: Any) -> tuple[SlotState, CloseReason] | None:
        found = fault(*given)
        return None if found and found[1] is CloseReason.LIMIT_LOWERED else found

    patch.setattr(upkeep, "fault", lenient)


def free_connections_survive_a_lowered_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Board, "shrink", lambda board, now: iter(()))


def a_reload_forgets_who_waits(patch: pytest.MonkeyPatch) -> None:
    reconfigure = Lanes.reconfigure

    def forgetful(lanes: Lanes, limits: Sequence[Limit], slots: Sequence[Slot]) -> None:
        reconfigure(lanes, limits, slots)
        for cap in lanes.caps:
            cap.waiting.clear()

    patch.setattr(Lanes, "reconfigure", forgetful)


def a_reload_forgets_what_is_open(patch: pytest.MonkeyPatch) -> None:
    reconfigure = Lanes.reconfigure
    patch.setattr(Lanes, "reconfigure", lambda lanes, limits, slots: reconfigure(lanes, limits, []))


def a_reload_begins_the_filling_anew(patch: pytest.MonkeyPatch) -> None:
    reconfigure = Lanes.reconfigure

    def eager(lanes: Lanes, limits: Sequence[Limit], slots: Sequence[Slot]) -> None:
        reconfigure(lanes, limits, slots)
        for cap in lanes.caps:
            cap.filling = True

    patch.setattr(Lanes, "reconfigure", eager)


def a_reload_does_not_end_a_round_of_validation(patch: pytest.MonkeyPatch) -> None:
    reconfigure = Board.reconfigure

    def stubborn(board: Board, *given: Any) -> None:
        begun = board.round
        reconfigure(board, *given)
        board.round = begun

    patch.setattr(Board, "reconfigure", stubborn)


BUGS = [
    thing for name, thing in list(globals().items()) if getattr(thing, "__module__", "") == __name__ and callable(thing)
]
