"""What a client is told of what its server has answered."""

from __future__ import annotations

import pytest

from agroal.errors import ProtocolViolation
from tests.unit.pipeline.model import bind, close, describe, execute, parse, query
from tests.unit.pipeline.pooled import Pooled, Seat, at_cuts
from tests.unit.wire.messages import READY, SYNC, error, message

PREPARED, BOUND, CLOSED, DONE = message("1"), message("2"), message("3"), message("C", b"SELECT 1\0")
RUN = execute() + SYNC
A = parse("a", "SELECT 1") + SYNC
"""A client that has prepared `a`."""


@pytest.fixture
def seat() -> Seat:
    return Seat()


@pytest.fixture
def client(seat: Seat) -> Pooled:
    made = Pooled()
    made.say(A, seat)
    return made


class TestHealing:
    @pytest.mark.parametrize("code", ["0A000", "26000"])
    def test_a_statement_that_the_server_has_lost_is_prepared_anew(self, client: Pooled, seat: Seat, code: str) -> None:
        seat.server.refusals = [code]
        if code == "26000":
            seat.server.refusals, seat.server.statements = [], {}
        answer = client.say(bind("a") + describe("P") + RUN, seat)
        assert answer.startswith(BOUND + message("T", b"\0\1said\0" + bytes(18)))
        assert client.retries == 1
        assert seat.server.statements == {b"agroal_1": b"SELECT 1"}

    def test_wherever_the_answer_is_cut(self) -> None:
        for cut in range(1, 70):
            client, seat = Pooled(), Seat()
            client.say(A, seat)
            seat.server.statements.clear()
            said = client.ask(bind("a") + RUN, seat)
            heard = b"".join(map(client.hear, at_cuts(said, [cut])))
            assert (heard.startswith(BOUND), heard.endswith(DONE + READY), client.retries) == (True, True, 1)

    def test_one_that_it_has_already_is_closed_first(self, seat: Seat) -> None:
        client = Pooled()
        seat.server.statements[b"agroal_1"] = b"SELECT 'older'"
        client.say(A, Seat())
        assert b"SELECT 1" in client.say(bind("a") + RUN, seat)
        assert (client.retries, seat.server.statements) == (1, {b"agroal_1": b"SELECT 1"})

    def test_it_is_tried_once(self, client: Pooled, seat: Seat) -> None:
        seat.server.refusals = ["0A000"] * 5
        answer = client.say(bind("a") + describe("P") + RUN, seat)
        assert b"C0A000" in answer
        assert (client.retries, len(seat.server.refusals)) == (1, 3)

    def test_the_next_batch_may_be_healed_again(self, client: Pooled, seat: Seat) -> None:
        seat.server.refusals = ["0A000"] * 2
        client.say(bind("a") + describe("P") + RUN, seat)
        seat.server.refusals = ["0A000"]
        assert client.say(bind("a") + describe("P") + RUN, seat).startswith(BOUND)

    def test_nothing_is_said_twice(self, client: Pooled, seat: Seat) -> None:
        """What the client has heard of a batch can't be taken back."""
        seat.server.refusals = ["0A000"]
        answer = client.say(parse("", "SELECT 2") + bind("") + execute() + bind("a") + describe("P") + RUN, seat)
        assert b"C0A000" not in answer or client.retries == 0

    def test_inside_of_a_transaction_it_is_told(self, client: Pooled, seat: Seat) -> None:
        client.say(query("BEGIN"), seat)
        seat.server.refusals = ["26000"]
        assert b"C26000" in client.say(bind("a") + RUN, seat)
        assert client.retries == 0

    def test_of_rows_whose_shape_nobody_asks_for_it_is_told(self, client: Pooled, seat: Seat) -> None:
        seat.server.refusals = ["0A000"]
        assert b"C0A000" in client.say(bind("a") + RUN, seat)
        assert client.say(bind("a") + RUN, seat).startswith(BOUND)

    def test_of_two_batches_under_way_none_is_sent_again(self, client: Pooled, seat: Seat) -> None:
        seat.server.refusals = ["26000"]
        answer = client.say((bind("a") + RUN) * 2, seat)
        assert (answer.count(b"C26000"), client.retries) == (1, 0)

    def test_the_account_is_that_of_one_batch(self, client: Pooled, seat: Seat) -> None:
        before = client.turn.tally.transactions
        seat.server.refusals = ["0A000"]
        client.say(bind("a") + describe("P") + RUN, seat)
        assert (client.turn.tally.transactions - before, client.turn.tally.errors) == (1, 0)


class TestErrors:
    def test_they_name_what_the_client_has_named(self, client: Pooled, seat: Seat) -> None:
        assert b'"a" already exists' in client.say(parse("a", "SELECT 2") + SYNC, seat)
        client.say(query("BEGIN"), seat)
        seat.server.statements.clear()
        assert b'statement "a" does not exist' in client.say(bind("a") + SYNC, seat)

    def test_in_any_language(self, client: Pooled, seat: Seat) -> None:
        client.ask(query("SELECT 1"), seat)
        german = error("SFEHLER", "VERROR", "C42P05", "Mvorbereitete Anweisung »agroal_1« existiert bereits")
        assert "»a«".encode() in client.hear(german)

    @pytest.mark.parametrize(
        "batch",
        [
            parse("b", "SELEC 1") + bind("b"),
            bind("nobody") + parse("b", "SELECT 2"),
            bind("nobody") + bind("nobody") + parse("b", "SELECT 1"),
        ],
    )
    def test_what_was_to_be_prepared_behind_one_is_not(self, client: Pooled, seat: Seat, batch: bytes) -> None:
        client.say(batch + SYNC, seat)
        assert set(client.turn.names) == {b"a"}
        assert client.say(parse("b", "SELECT 2") + bind("b") + SYNC, seat) == PREPARED + BOUND + READY

    def test_what_was_to_be_closed_behind_one_is_still_there(self, client: Pooled, seat: Seat) -> None:
        client.say(bind("nobody") + close("S", "a") + SYNC, seat)
        assert client.say(bind("a") + SYNC, seat) == BOUND + READY

    def test_what_was_to_be_given_to_the_server_is_given_later(self, client: Pooled) -> None:
        other = Seat()
        client.say(bind("nobody") + bind("a") + SYNC, other)
        assert client.say(bind("a") + SYNC, other) == BOUND + READY

    def test_what_was_to_make_room_is_doubted(self, seat: Seat) -> None:
        client = Pooled(most=1)
        client.say(A, seat)
        client.say(bind("nobody") + parse("b", "SELECT 2") + SYNC, seat)
        assert client.say(bind("a") + SYNC, seat) == BOUND + READY

    def test_an_unnamed_statement_of_which_nobody_knows_is_none(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("", "SELECT 2") + SYNC, seat)
        client.say(bind("nobody") + parse("", "SELECT 3") + SYNC, seat)
        assert b"26000" in client.say(bind("") + SYNC, seat)

    def test_all_up_to_the_sync_is_skipped(self, client: Pooled, seat: Seat) -> None:
        assert b"26000" in client.say(bind("nobody"), seat)
        assert client.say(parse("b", "SELECT 2") + bind("a") + query("SELECT 5") + close("S", "a"), seat) == b""
        assert client.say(SYNC, seat) == READY
        assert client.seat is None
        assert client.say(bind("a") + SYNC, seat) == BOUND + READY

    def test_a_query_that_is_skipped_in_the_middle_keeps_nobody_waiting(self, client: Pooled, seat: Seat) -> None:
        client.say(bind("nobody") + query("SELECT 5") + SYNC, seat)
        assert (client.turn.tally.owed, client.seat) == (0, None)

    def test_one_that_ends_the_session_is_remembered(self, client: Pooled, seat: Seat) -> None:
        client.ask(query("SELECT 1"), seat)
        last = error("SFATAL", "VFATAL", "C57P01", "Mterminating connection")
        assert client.hear(last) == last
        assert client.turn.tally.fatal == "57P01 terminating connection"


class TestAnswers:
    def test_wherever_they_are_cut_they_are_the_same(self) -> None:
        batch = parse("b", "SELECT 2") + bind("a") + execute() + bind("b") + RUN
        answers = set()
        for cut in range(1, 120):
            client, other = Pooled(), Seat()
            client.say(A, Seat())
            said = client.ask(batch, other)
            answers.add(b"".join(map(client.hear, at_cuts(said, [cut]))))
        assert len(answers) == 1
        assert answers.pop().startswith(PREPARED + BOUND)

    @pytest.mark.parametrize("answer", [CLOSED, READY, PREPARED])
    def test_another_than_the_one_to_what_we_added_is_a_violation(self, client: Pooled, answer: bytes) -> None:
        client.ask(close("S", "b") + parse("b", "SELECT 2") + bind("a") + SYNC, Seat())
        said = CLOSED + PREPARED + answer + answer + READY
        with pytest.raises(ProtocolViolation):
            client.hear(said)

    def test_copy_ignores_the_sync_that_came_along(self, client: Pooled, seat: Seat) -> None:
        seat.server.statements[b"agroal_1"] = b"COPY t FROM STDIN"
        client.ask(bind("a") + execute(), seat)
        client.request(SYNC)
        assert client.hear(BOUND + message("G", b"\0\0\0")) == BOUND + message("G", b"\0\0\0")
        assert client.seat is seat
        client.request(message("d", b"1\n") + message("c") + SYNC)
        assert client.hear(DONE + READY) == DONE + READY
        assert client.seat is None


def test_a_batch_under_way_does_not_rely_on_what_an_earlier_one_may_fail_to_prepare(client: Pooled) -> None:
    other = Seat()
    failing, fine = bind("nobody") + bind("a") + SYNC, bind("a") + SYNC
    assert client.say(failing + fine, other).endswith(READY + BOUND + READY)
    assert client.say(fine, other) == BOUND + READY
