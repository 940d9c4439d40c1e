"""Bugs to plant in the pool: those about pauses and replacements."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import pytest

from agroal.pool import flushing
from agroal.pool.board import Board
from agroal.pool.core import Pool
from agroal.pool.flushing import Fate, FlushMode
from agroal.pool.gate import Gate
from agroal.pool.lanes import Cap, Lane, Lanes
from agroal.pool.seats import Seats
from agroal.pool.slot import Slot, SlotState
from agroal.pool.waiters import Queue, Waiter, Waiters


def _spared(patch: pytest.MonkeyPatch, state: SlotState) -> None:
    fate = flushing.fate

    def lenient(slot: Slot, mode: FlushMode) -> Fate | None:
        return None if mode is FlushMode.REPLACE and slot.state is state else fate(slot, mode)

    patch.setattr(flushing, "fate", lenient)


def a_pause_lets_clients_keep_their_connections_for_others(patch: pytest.MonkeyPatch) -> None:
    _spared(patch, SlotState.IN_USE)


def a_pause_forgets_what_is_being_opened(patch: pytest.MonkeyPatch) -> None:
    _spared(patch, SlotState.INIT)


def a_pause_leaves_free_connections_open(patch: pytest.MonkeyPatch) -> None:
    _spared(patch, SlotState.FREE)


def who_comes_during_a_pause_is_served(patch: pytest.MonkeyPatch) -> None:
    add = Waiters.add
    patch.setattr(Waiters, "add", lambda waiters, waiter, held=False: add(waiters, waiter))


def who_waits_already_is_served_in_a_pause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Waiters, "hold", lambda waiters, lanes, now: None)


def nobody_goes_on_after_a_pause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Waiters, "free", lambda waiters, lanes, now: None)


def the_clock_of_who_is_held_runs(patch: pytest.MonkeyPatch) -> None:
    free = Waiters.free

    def merciless(waiters: Waiters, lanes: Iterable[Lane], now: float) -> None:
        lanes = list(lanes)
        for waiter in [waiter for lane in lanes for waiter in lane.held.values()]:
            waiter.held_since = now
        free(waiters, lanes, now)

    patch.setattr(Waiters, "free", merciless)


def who_was_held_goes_on_in_disorder(patch: pytest.MonkeyPatch) -> None:
    free = Waiters.free

    def shuffled(waiters: Waiters, lanes: Iterable[Lane], now: float) -> None:
        lanes = list(lanes)
        for lane in lanes:
            lane.held = OrderedDict(reversed(lane.held.items()))
        free(waiters, lanes, now)

    patch.setattr(Waiters, "free", shuffled)


def who_is_held_can_not_give_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Waiters, "find", lambda waiters, waiter: waiters.by_id.get(waiter))


def who_is_held_is_not_told(patch: pytest.MonkeyPatch) -> None:
    notify = Queue.notify
    patch.setattr(Queue, "notify", lambda queue, *given: notify(queue, *given) if isinstance(queue, Waiters) else ())


def those_who_are_freed_stand_behind_all_others(patch: pytest.MonkeyPatch) -> None:
    def merge(queue: Queue, others: Iterable[tuple[Waiter, bool]]) -> None:
        for waiter, unnotified in others:
            queue.by_id[waiter.id] = waiter
            if unnotified:
                queue._unnotified[waiter.id] = waiter

    patch.setattr(Queue, "merge", merge)


def a_paused_database_is_filled(patch: pytest.MonkeyPatch) -> None:
    def fillable(board: Board, cap: Cap, now: float) -> Lane | None:
        if (key := cap.key) is None or not board.gate.is_open(key.database):
            return None
        lane = board.lanes.get(key, False, now)
        return lane if lane.cap is cap else None

    patch.setattr(Board, "_fillable", fillable)


def what_failed_before_a_pause_still_counts_after_it(patch: pytest.MonkeyPatch) -> None:
    resume = Pool.resume

    def unforgiving(pool: Pool, database: str | None, now: float) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Lanes, "succeeded", lambda lanes, lane: None)
            return resume(pool, database, now)

    patch.setattr(Pool, "resume", unforgiving)


def a_connect_that_nobody_wants_any_more_is_blamed_when_it_fails(patch: pytest.MonkeyPatch) -> None:
    connect_failed = Pool.connect_failed

    def grudging(pool: Pool, slot: int, *more: Any) -> Any:
        failed = pool._seats.slots[slot]
        if failed.state is SlotState.INIT and not failed.lane.private:
            failed.doom = None
        return connect_failed(pool, slot, *more)

    patch.setattr(Pool, "connect_failed", grudging)


def a_server_goes_from_hand_to_hand_though_it_is_to_be_closed(patch: pytest.MonkeyPatch) -> None:
    move = Seats.move

    def unmarked(seats: Seats, slot: Slot, to: SlotState, now: float) -> None:
        seats.marked[slot.index] = slot
        move(seats, slot, to, now)
        seats.marked.clear()

    patch.setattr(Seats, "move", unmarked)


def one_word_resumes_all(patch: pytest.MonkeyPatch) -> None:
    set_ = Gate.set
    patch.setattr(Gate, "set", lambda gate, database, is_open: set_(gate, None if is_open else database, is_open))


BUGS = [
    thing
    for name, thing in list(globals().items())
    if getattr(thing, "__module__", "") == __name__ and callable(thing) and not name.startswith("_")
]
