"""DEALLOCATE and DISCARD, in both protocols: as if each client had its server for itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agroal.pipeline.statements import Statements
from tests.unit.pipeline.model import bind, execute, parse, query
from tests.unit.pipeline.pooled import PREFIX, Pooled, Seat
from tests.unit.wire.messages import READY, SYNC, message

BOUND = message("2")


def extended(text: str) -> bytes:
    return parse("", text) + bind("") + execute() + SYNC


@pytest.fixture
def seat() -> Seat:
    return Seat()


@pytest.fixture
def statements() -> Statements:
    return Statements(PREFIX)


@pytest.fixture
def client(seat: Seat, statements: Statements) -> Pooled:
    made = Pooled(statements)
    made.say(parse("a", "SELECT 1") + parse("b", "SELECT 2") + SYNC, seat)
    return made


def has(client: Pooled, seat: Seat, name: str) -> bool:
    """Whether the client can still bind it."""
    return client.say(bind(name) + SYNC, seat) == BOUND + READY


@pytest.mark.parametrize("spoken", [query, extended], ids=["simple", "extended"])
class TestBothProtocols:
    @pytest.mark.parametrize("text", ["DEALLOCATE a", 'DEALLOCATE "a"', "DEALLOCATE A"])
    def test_one_is_gone_for_its_client_only(
        self, client: Pooled, statements: Statements, seat: Seat, spoken: Callable[[str], bytes], text: str
    ) -> None:
        other = Pooled(statements)
        other.say(parse("a", "SELECT 1") + SYNC, seat)
        client.say(spoken(text), seat)
        assert [has(client, seat, "a"), has(client, seat, "b"), has(other, seat, "a")] == [False, True, True]

    def test_one_that_is_not_there_is_an_error(
        self, client: Pooled, seat: Seat, spoken: Callable[[str], bytes]
    ) -> None:
        assert b'statement "nobody" does not exist' in client.say(spoken("DEALLOCATE nobody"), seat)

    @pytest.mark.parametrize("text", ["DEALLOCATE ALL", "DISCARD ALL"])
    def test_all_are_gone_and_come_back_on_the_server_for_others(
        self, client: Pooled, statements: Statements, seat: Seat, spoken: Callable[[str], bytes], text: str
    ) -> None:
        other = Pooled(statements)
        other.say(parse("a", "SELECT 1") + SYNC, seat)
        client.say(spoken(text), seat)
        assert [has(client, seat, "a"), has(other, seat, "a")] == [False, True]

    def test_in_a_failed_transaction_nothing_is_forgotten(
        self, client: Pooled, seat: Seat, spoken: Callable[[str], bytes]
    ) -> None:
        client.say(query("BEGIN") + query("SELECT 1/0"), seat)
        assert b"25P02" in client.say(spoken("DEALLOCATE a"), seat)
        client.say(query("ROLLBACK"), seat)
        assert has(client, seat, "a")

    def test_discard_all_fails_in_a_transaction_and_forgets_nothing(
        self, client: Pooled, seat: Seat, spoken: Callable[[str], bytes]
    ) -> None:
        client.say(query("BEGIN"), seat)
        assert b"25001" in client.say(spoken("DISCARD ALL"), seat)
        client.say(query("ROLLBACK"), seat)
        assert has(client, seat, "a")

    def test_what_is_prepared_behind_it_in_the_same_transaction_stays(
        self, client: Pooled, seat: Seat, spoken: Callable[[str], bytes]
    ) -> None:
        client.say(query("BEGIN"), seat)
        client.say(spoken("DEALLOCATE ALL"), seat)
        client.say(parse("a", "SELECT 3") + SYNC, seat)
        client.say(query("COMMIT"), seat)
        assert has(client, seat, "a")


@pytest.mark.parametrize("text", ["DEALLOCATE a", "DEALLOCATE ALL"])
def test_what_is_prepared_and_never_run_forgets_nothing(client: Pooled, seat: Seat, text: str) -> None:
    client.say(parse("", text) + SYNC, seat)
    assert has(client, seat, "a")


@pytest.mark.parametrize("text", ["DEALLOCATE a", "DEALLOCATE ALL"])
def test_what_is_bound_and_never_run_forgets_nothing(client: Pooled, seat: Seat, text: str) -> None:
    client.say(parse("", text) + bind("") + SYNC, seat)
    assert has(client, seat, "a")


@pytest.mark.parametrize("text", ["DEALLOCATE a", "DEALLOCATE ALL"])
def test_what_is_skipped_behind_an_error_forgets_nothing(client: Pooled, seat: Seat, text: str) -> None:
    client.say(bind("nobody") + extended(text), seat)
    assert has(client, seat, "a")


def test_a_text_that_only_speaks_of_it_forgets_nothing_and_stays_as_it_is(client: Pooled, seat: Seat) -> None:
    client.say(query("SELECT '; DEALLOCATE ALL', '; DEALLOCATE a'"), seat)
    assert seat.server.heard[-1] == ("Q", b"SELECT '; DEALLOCATE ALL', '; DEALLOCATE a'\0")
    assert has(client, seat, "a")


def test_a_prepared_deallocate_can_be_run_again(client: Pooled, seat: Seat) -> None:
    client.say(parse("d", "DEALLOCATE a") + SYNC, seat)
    assert b"DEALLOCATE" in client.say(bind("d") + execute() + SYNC, seat)
    assert b'statement "a" does not exist' in client.say(bind("d") + execute() + SYNC, seat)
    client.say(parse("a", "SELECT 1") + SYNC, seat)
    assert b"DEALLOCATE" in client.say(bind("d") + execute() + SYNC, seat)
