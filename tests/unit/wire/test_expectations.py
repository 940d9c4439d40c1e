"""What a server still has to answer, on the reference and on its compiled twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agroal.errors import ProtocolViolation
from agroal.wire import expectations
from agroal.wire.codes import Frontend
from agroal.wire.expectations import ASKED, CLOSED, PARSED, SYNCED, TurnTally

try:
    from agroal.wire import _halting as compiled
except ImportError:
    TWINS = [expectations.TurnTally]
else:
    TWINS = [expectations.TurnTally, compiled.TurnTally]

QUERY, SYNC, CALL = int(Frontend.QUERY), int(Frontend.SYNC), int(Frontend.FUNCTION_CALL)
IDLE, OPEN = ord("I"), ord("T")


@pytest.fixture(params=TWINS, ids=["reference", "compiled"][: len(TWINS)])
def tally(request: pytest.FixtureRequest) -> TurnTally:
    made: TurnTally = request.param({})
    return made


def batch(tally: TurnTally, *entries: object) -> None:
    """These messages, and a Sync."""
    for entry in entries:
        tally.batched(entry)
    tally.requested(SYNC)


class TestAnswers:
    @pytest.mark.parametrize("kind", [QUERY, SYNC, CALL])
    def test_each_of_these_owes_one_ready(self, tally: TurnTally, kind: int) -> None:
        tally.requested(kind)
        assert tally.owed == 1
        tally.ready(IDLE)
        assert (tally.owed, tally.transactions, list(tally.expected)) == (0, 1, [])

    def test_a_batch_is_open_up_to_its_sync(self, tally: TurnTally) -> None:
        tally.batched(PARSED)
        assert tally.batch_open
        tally.requested(SYNC)
        assert not tally.batch_open

    def test_they_come_in_the_order_of_what_was_asked(self, tally: TurnTally) -> None:
        batch(tally, PARSED, None, CLOSED)
        tally.answered(PARSED)
        tally.answered(CLOSED)
        tally.ready(OPEN)
        assert (tally.owed, tally.status, tally.transactions) == (0, OPEN, 0)

    @pytest.mark.parametrize("asked", [(), (CLOSED,), (None,)])
    def test_one_that_nobody_has_asked_for_is_a_violation(self, tally: TurnTally, asked: tuple[object, ...]) -> None:
        batch(tally, *asked)
        with pytest.raises(ProtocolViolation, match="nobody had asked for"):
            tally.answered(PARSED)

    def test_one_that_is_left_out_is_a_violation(self, tally: TurnTally) -> None:
        batch(tally, PARSED)
        with pytest.raises(ProtocolViolation, match="left out"):
            tally.ready(IDLE)

    def test_a_ready_that_nobody_has_asked_for_is_a_violation(self, tally: TurnTally) -> None:
        with pytest.raises(ProtocolViolation, match="left out"):
            tally.ready(IDLE)


class TestErrors:
    def test_a_failed_batch_is_skipped_to_its_sync(self, tally: TurnTally) -> None:
        batch(tally, PARSED, None, CLOSED)
        batch(tally, PARSED)
        assert tally.failed() == [PARSED, CLOSED]
        assert (list(tally.expected), tally.owed, tally.errors, tally.skipping) == (
            [SYNCED, PARSED, SYNCED],
            2,
            1,
            False,
        )

    def test_what_was_answered_before_it_is_not_given_up(self, tally: TurnTally) -> None:
        batch(tally, PARSED, PARSED)
        tally.answered(PARSED)
        assert tally.failed() == [PARSED]

    def test_before_the_sync_all_that_the_client_sends_is_skipped(self, tally: TurnTally) -> None:
        tally.batched(PARSED)
        assert tally.failed() == [PARSED]
        assert tally.skipping
        tally.batched(PARSED)
        tally.requested(QUERY)
        assert (list(tally.expected), tally.owed, tally.queries) == ([], 0, 1)
        tally.requested(SYNC)
        assert (list(tally.expected), tally.owed, tally.skipping, tally.batch_open) == ([SYNCED], 1, False, False)

    def test_a_query_fails_for_itself(self, tally: TurnTally) -> None:
        tally.requested(QUERY)
        tally.requested(QUERY)
        assert tally.failed() == []
        assert (list(tally.expected), tally.owed, tally.skipping) == ([ASKED, ASKED], 2, False)

    def test_a_query_behind_an_error_in_a_batch_is_skipped_too(self, tally: TurnTally) -> None:
        tally.batched(PARSED)
        tally.batched()
        tally.requested(QUERY)
        batch(tally, PARSED)
        tally.answered(PARSED)
        assert tally.failed() == [(ASKED, 2), PARSED]
        assert (list(tally.expected), tally.owed) == ([SYNCED], 1)

    def test_a_query_in_a_batch_whose_messages_are_all_done_has_failed_itself(self, tally: TurnTally) -> None:
        tally.batched(PARSED)
        tally.requested(QUERY)
        tally.answered(PARSED)
        assert tally.failed() == []
        tally.ready(IDLE)
        assert (tally.owed, tally.skipping) == (0, False)

    def test_a_query_that_is_skipped_and_no_sync_leaves_the_batch_open(self, tally: TurnTally) -> None:
        tally.batched(PARSED)
        tally.requested(QUERY)
        assert tally.failed() == [PARSED, (ASKED, 1)]
        assert (tally.owed, tally.skipping, tally.batch_open) == (0, True, True)


class TestUnnamedStatements:
    def test_a_query_drops_it(self, tally: TurnTally) -> None:
        tally.unnamed, tally.stale = b"P", True
        tally.requested(QUERY)
        assert (tally.unnamed, tally.stale) == (None, False)

    @pytest.mark.parametrize("keeps", [lambda tally: tally.requested(SYNC), lambda tally: tally.requested(CALL)])
    def test_nothing_else_does(self, tally: TurnTally, keeps: Callable[[TurnTally], None]) -> None:
        tally.unnamed, tally.stale = b"P", True
        keeps(tally)
        assert (tally.unnamed, tally.stale) == (b"P", True)

    def test_a_query_that_is_skipped_does_not(self, tally: TurnTally) -> None:
        tally.unnamed = b"P"
        tally.batched()
        tally.failed()
        tally.requested(QUERY)
        assert tally.unnamed == b"P"


class TestCopying:
    def test_a_sync_that_came_with_the_statement_is_not_answered(self, tally: TurnTally) -> None:
        batch(tally, None)
        tally.copy_began()
        assert (tally.owed, list(tally.expected), tally.copying, tally.batch_open) == (0, [], True, True)
        tally.copy_ended()
        tally.requested(SYNC)
        assert (tally.owed, list(tally.expected), tally.copying, tally.batch_open) == (1, [SYNCED], False, False)

    def test_a_sync_among_the_data_is_not_answered(self, tally: TurnTally) -> None:
        tally.requested(QUERY)
        tally.copy_began()
        tally.requested(SYNC)
        tally.copy_ended()
        assert (tally.owed, list(tally.expected)) == (1, [ASKED])

    def test_a_query_that_copies_is_answered_when_the_data_have_ended(self, tally: TurnTally) -> None:
        tally.requested(QUERY)
        tally.copy_ended()
        tally.requested(QUERY)
        tally.copy_began()
        assert not tally.copying
        tally.ready(IDLE)
        tally.ready(IDLE)
        assert tally.owed == 0

    def test_of_two_syncs_the_one_behind_the_data_is_answered(self, tally: TurnTally) -> None:
        batch(tally, None)
        tally.copy_ended()
        tally.requested(SYNC)
        tally.copy_began()
        assert (tally.owed, list(tally.expected), tally.copying) == (1, [SYNCED], False)

    def test_a_copy_that_fails_is_over(self, tally: TurnTally) -> None:
        batch(tally, None)
        tally.copy_began()
        tally.failed()
        assert not tally.copying
        tally.requested(SYNC)
        assert tally.owed == 1
