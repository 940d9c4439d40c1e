"""What a server is sent for what a client has sent."""

from __future__ import annotations

import pytest

from agroal.errors import ProtocolViolation
from agroal.pipeline.asking import OVERLAP
from agroal.pipeline.evidence import Trace
from agroal.pipeline.statements import Statements
from agroal.wire.halting import MOST_HELD
from tests.unit.pipeline.model import bind, close, describe, execute, parse, query
from tests.unit.pipeline.pooled import PREFIX, Pooled, Seat
from tests.unit.wire.messages import READY, SYNC, TERMINATE, message

PREPARED, BOUND, CLOSED = message("1"), message("2"), message("3")
ONE, TWO = "agroal_1", "agroal_2"
RUN = execute() + SYNC


def kinds(seat: Seat) -> str:
    """Of all that its server was sent."""
    return "".join(kind for kind, _ in seat.server.heard)


@pytest.fixture
def seat() -> Seat:
    return Seat()


@pytest.fixture
def client() -> Pooled:
    return Pooled()


def asked(client: Pooled, data: bytes, seat: Seat) -> bytes:
    """What the server is asked, before it answers."""
    if client.seat is None:
        client.take(seat)
    return client.request(data)


class TestNames:
    def test_a_statement_is_renamed_wherever_it_is_named(self, client: Pooled, seat: Seat) -> None:
        batch = parse("a", "SELECT 1") + describe("S", "a") + bind("a") + RUN
        assert asked(client, batch, seat) == parse(ONE, "SELECT 1") + describe("S", ONE) + bind(ONE) + RUN

    def test_the_same_text_has_the_same_name_for_all_clients(self, seat: Seat) -> None:
        statements = Statements(PREFIX)
        first, second = Pooled(statements), Pooled(statements)
        first.say(parse("a", "SELECT 1") + SYNC, seat)
        anew = close("S", ONE) + parse(ONE, "SELECT 1") + SYNC
        assert asked(second, parse("b", "SELECT 1") + SYNC, seat) == anew

    def test_another_dialect_makes_it_another_statement(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, seat)
        client.turn.dialect = "German"
        assert asked(client, parse("b", "SELECT 1") + SYNC, seat) == parse(TWO, "SELECT 1") + SYNC

    def test_a_bind_keeps_its_values_and_its_portal(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT $1") + SYNC, seat)
        values = b"\0\0\0\1\0\0\0\5hello\0\0"
        wanted = message("B", b"portal\0agroal_1\0" + values)
        assert asked(client, message("B", b"portal\0a\0" + values), seat) == wanted

    def test_the_values_of_a_bind_may_come_later(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT $1") + SYNC, seat)
        whole, renamed = message("B", b"\0a\0" + bytes(5000)), message("B", b"\0agroal_1\0" + bytes(5000))
        sent = b"".join(asked(client, piece, seat) for piece in (whole[:20], whole[20:4000], whole[4000:]))
        assert sent == renamed

    def test_a_name_that_is_unknown_stays_so(self, client: Pooled, seat: Seat) -> None:
        assert asked(client, bind("nobody") + SYNC, seat) == bind("nobody") + SYNC

    def test_nobody_reaches_a_statement_by_our_name(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, seat)
        assert asked(client, bind(ONE) + SYNC, seat) == bind("?agroal_1") + SYNC

    def test_postgresql_knows_63_bytes_of_a_name(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("n" * 63 + "1", "SELECT 1") + SYNC, seat)
        assert asked(client, bind("n" * 63 + "2") + SYNC, seat) == bind(ONE) + SYNC


class TestServers:
    def test_a_server_that_does_not_have_it_is_given_it_first(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, seat)
        assert asked(client, bind("a") + RUN, Seat()) == parse(ONE, "SELECT 1") + bind(ONE) + RUN

    def test_of_that_the_client_does_not_hear(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, seat)
        assert client.say(bind("a") + SYNC, Seat()) == BOUND + READY

    def test_it_is_given_it_once(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, Seat())
        for _ in range(2):
            client.say(bind("a") + SYNC, seat)
        assert kinds(seat) == "PBSBS"

    def test_the_one_used_last_stays_longest(self, seat: Seat) -> None:
        client = Pooled(most=2)
        for name in "ab":
            client.say(parse(name, f"SELECT '{name}'") + SYNC, seat)
        client.say(bind("a") + SYNC, seat)
        assert asked(client, parse("c", "SELECT 'c'"), seat) == close("S", TWO) + parse("agroal_3", "SELECT 'c'")

    def test_one_that_is_closed_in_the_middle_of_a_batch_comes_back(self, seat: Seat) -> None:
        client = Pooled(most=1)
        batch = (
            parse("a", "SELECT 1") + bind("a", "p") + parse("b", "SELECT 2") + bind("b", "q") + bind("a", "r") + SYNC
        )
        assert client.say(batch, seat) == (PREPARED + BOUND) * 2 + BOUND + READY
        assert [one.name for one in seat.luggage.prepared] == [b"agroal_1"]

    def test_close_leaves_it_on_the_server_for_others(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, seat)
        assert client.say(close("S", "a") + SYNC, seat) == CLOSED + READY
        assert b"agroal_1" in seat.server.statements
        assert b"26000" in client.say(bind("a") + SYNC, seat)

    def test_close_and_prepare_again_in_one_batch(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("a", "SELECT 1") + SYNC, seat)
        again = close("S", "a") + parse("a", "SELECT 2") + bind("a") + SYNC
        assert client.say(again, seat) == CLOSED + PREPARED + BOUND + READY

    def test_a_close_of_nobody_and_that_of_a_portal_are_the_servers(self, client: Pooled, seat: Seat) -> None:
        both = close("S", "nobody") + close("P", "a") + SYNC
        assert asked(client, both, seat) == both


class TestUnnamed:
    def test_on_another_server_it_is_prepared_again(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("", "SELECT 1") + SYNC, seat)
        assert client.say(bind("") + RUN, Seat()).startswith(BOUND + message("D", b"\0\1\0\0\0\x08SELECT 1"))

    def test_that_of_another_client_is_never_met(self, seat: Seat) -> None:
        first, second = Pooled(), Pooled()
        first.say(parse("", "SELECT 'secret'") + SYNC, seat)
        assert b"26000" in second.say(bind("") + RUN, seat)
        assert b"26000" in second.say(describe("S") + SYNC, seat)

    def test_what_a_turn_did_not_touch_is_still_another_one(self, seat: Seat) -> None:
        first, second = Pooled(), Pooled()
        second.say(parse("", "SELECT 2") + SYNC, Seat())
        first.say(parse("", "SELECT 1") + SYNC, seat)
        second.say(parse("a", "SELECT 3") + bind("a") + SYNC, seat)
        assert b"SELECT 2" in second.say(bind("") + RUN, seat)

    def test_the_same_server_is_not_given_it_again(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("", "SELECT 1") + SYNC, seat)
        assert asked(client, bind("") + RUN, seat) == bind("") + RUN

    def test_a_telling_one_tells_each_time_it_is_bound(self, client: Pooled, seat: Seat) -> None:
        client.say(parse("", "SELECT pg_advisory_lock(1)") + SYNC, seat)
        assert client.turn.traces.left == set()
        client.say(bind("") + RUN, seat)
        assert client.turn.traces.left == {Trace.LOCK}


class TestTexts:
    def test_a_telling_query_goes_as_it_is(self, client: Pooled, seat: Seat) -> None:
        text = query("SELECT pg_advisory_lock(1)")
        assert asked(client, text, seat) == text
        client.hear(message("C", b"SELECT 1\0") + READY)
        assert client.turn.traces.left == {Trace.LOCK}

    def test_a_long_one_is_read_to_its_end(self, client: Pooled, seat: Seat) -> None:
        text = query("SELECT '" + "x" * MOST_HELD + "', pg_advisory_lock(1)")
        cut = len(text) - OVERLAP + 40  # in the middle of the function's name
        sent = b"".join(asked(client, piece, seat) for piece in (text[:100], text[100:cut], text[cut:]))
        assert sent == text
        assert client.turn.tally.overlap is None
        assert Trace.LOCK in client.turn.seen[-1].traces

    def test_a_statement_too_long_to_be_kept_keeps_its_server(self, client: Pooled, seat: Seat) -> None:
        long = parse("a", "SELECT '" + "x" * MOST_HELD + "'")
        sent = asked(client, long[:50], seat) + asked(client, long[50:] + bind("a") + close("S", "a"), seat)
        assert sent == long + bind("a") + close("S", "a")
        assert client.turn.traces.left == {Trace.LONG_STATEMENT}

    @pytest.mark.parametrize(
        "malformed", [message("C", b"Sa\0more"), message("D", b"Sa"), message("P", b"\xff\0x\0\0\0")]
    )
    def test_what_is_malformed_is_for_the_server_to_say(self, client: Pooled, seat: Seat, malformed: bytes) -> None:
        assert asked(client, malformed + SYNC, seat) == malformed + SYNC

    def test_behind_a_goodbye_nothing_is_asked(self, client: Pooled, seat: Seat) -> None:
        assert asked(client, parse("a", "SELECT 1") + SYNC + TERMINATE + query("SELECT 1"), seat).endswith(SYNC)
        assert client.goodbye

    def test_a_name_as_long_as_the_buffer_is_a_violation(self, client: Pooled, seat: Seat) -> None:
        endless = message("D", b"S" + b"x" * MOST_HELD + b"\0")
        with pytest.raises(ProtocolViolation, match="too long"):
            asked(client, endless[: MOST_HELD // 2], seat)
