from __future__ import annotations

from array import array
from itertools import pairwise

from agroal_top.history import History, Mark, PoolsMark, Ring
from hypothesis import given
from hypothesis import strategies as st


def mark(at: float, run: int = 0, life: int = 0) -> Mark:
    return Mark(at, run, round(at * 1e6), life, array("q", [round(at)]), array("q", [0]))


def ring(*marks: Mark, step: int = 1, size: int = 10) -> Ring[Mark]:
    made: Ring[Mark] = Ring(step, size)
    for one in marks:
        made.put(one)
    return made


def history(*marks: Mark) -> History:
    made = History()
    for one in marks:
        made.put(one, PoolsMark(one.at, one.run, one.mono_us, one.life, {}, {}))
    return made


def times(columns: object) -> list[list[float]]:
    return [[mark.at for mark in marks] for marks in columns]  # type: ignore[attr-defined]


def ends(found: tuple[Mark, Mark] | None) -> tuple[Mark, Mark]:
    assert found
    return found


def test_a_ring_keeps_the_last_mark_of_each_step() -> None:
    kept = ring(*map(mark, (0.2, 1.0, 1.4, 1.8, 2.0, 2.9, 5.0)))
    assert [mark.at for mark in kept.all()] == [0.2, 1.8, 2.9, 5.0]


def test_the_first_mark_of_a_run_stays_to_be_subtracted_from() -> None:
    kept = ring(mark(0.2), mark(0.5), mark(0.6), mark(0.7, run=1), mark(0.8, run=1), mark(0.9, run=1))
    assert [mark.at for mark in kept.all()] == [0.2, 0.6, 0.7, 0.9]


def test_a_ring_forgets_the_oldest() -> None:
    assert [kept.at for kept in ring(*map(mark, range(5)), size=3).all()] == [2, 3, 4]


def test_the_ends_are_a_window_apart() -> None:
    first, last = ends(ring(*map(mark, range(10))).ends(4))
    assert (first.at, last.at) == (5, 9)


def test_one_mark_has_no_ends() -> None:
    assert ring(mark(1)).ends(60) is None
    assert ring().ends(60) is None


def test_the_ends_are_of_one_run() -> None:
    first, last = ends(ring(mark(1), mark(2), mark(3, run=1), mark(4, run=1)).ends(60))
    assert (first.at, last.at) == (3, 4)
    assert ring(mark(1), mark(2, run=1)).ends(60) is None


def test_snapshots_that_are_further_apart_than_the_window_are_compared_all_the_same() -> None:
    first, _ = ends(ring(mark(0), mark(60), mark(130)).ends(60))
    assert first.at == 60
    assert ring(mark(0), mark(1000)).ends(60) is None, "but not over an hour in which nothing was seen"


def test_long_windows_are_answered_from_the_coarse_ring() -> None:
    long = history(*map(mark, range(4000)))
    first, last = ends(long.ends(3600))
    assert last.at == 3999
    assert 399 <= first.at <= 410
    assert long.ends(900) is not None


def test_each_column_has_the_marks_of_its_time_and_the_one_before() -> None:
    columns = times(history(*map(mark, range(8))).columns(8, 4, 1.0))
    assert columns == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7]]


def test_columns_narrower_than_the_interval_are_not_gaps() -> None:
    columns = times(history(*map(mark, range(6))).columns(4, 8, 1.0))
    assert all(len(column) == 2 for column in columns)
    assert columns[-3:] == [[3, 4], [3, 4], [4, 5]]


def test_nothing_seen_for_three_intervals_is_a_gap() -> None:
    seen = history(*map(mark, [*range(6), *range(26, 32)]))
    columns = times(seen.columns(32, 32, 1.0))
    assert [at for at, column in enumerate(columns) if not column] == list(range(9, 26))
    assert columns[26] == [26], "it is not compared to what was before the gap"
    assert columns[27] == [26, 27]


def test_a_restart_is_a_gap() -> None:
    columns = times(history(mark(0), mark(1), mark(2, 1, 1), mark(3, 1, 1)).columns(4, 4, 1.0))
    assert columns == [[0], [0, 1], [], [2, 3]]


def test_no_marks_are_all_gaps() -> None:
    assert times(history().columns(60, 3, 1.0)) == [[], [], []]


def test_columns_keep_their_marks_while_time_goes_on() -> None:
    before = times(history(*map(mark, range(14))).columns(12, 3, 1.0))
    after = times(history(*map(mark, range(15))).columns(12, 3, 1.0))
    assert before[:-1] == after[:-1]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 50))
def test_columns_cover_the_window_in_order(steps: list[int], count: int) -> None:
    at, marks = 0, [mark(0)]
    for step in steps:
        at += step
        marks.append(mark(at))
    columns = times(history(*marks).columns(100, count, 1.0))
    assert len(columns) == count
    assert columns[-1], "the newest is in the last"
    assert columns[-1][-1] == at
    for column in columns:
        assert all(early < late for early, late in pairwise(column))
    newest = [column[-1] for column in columns if column]
    assert newest == sorted(newest)


def test_what_is_cleared_is_gone() -> None:
    cleared = history(*map(mark, range(5)))
    cleared.clear()
    assert cleared.ends(60) is None
