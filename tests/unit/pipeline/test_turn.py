from __future__ import annotations

from collections.abc import Callable

import pytest

from agroal.pipeline.evidence import Trace
from agroal.pipeline.statements import Statements
from agroal.pipeline.turn import Turn
from tests.unit.pipeline.model import bind, close, execute, parse, query
from tests.unit.pipeline.pooled import Pooled, Seat
from tests.unit.wire.messages import SYNC


@pytest.mark.parametrize(
    ("said", "is_over"),
    [
        (query("SELECT 1"), True),
        (query("BEGIN"), False),
        (query("BEGIN") + query("COMMIT"), True),
        (query("BEGIN") + query("SELECT 1/0"), False),
        (parse("", "SELECT 1"), False),
        (parse("", "SELECT 1") + SYNC, True),
        (query("SELECT 1")[:-2], False),
        (close("P", "a"), False),
    ],
)
def test_when_a_client_can_leave_its_server(said: bytes, is_over: bool) -> None:
    client = Pooled()
    client.say(said, Seat())
    assert (client.seat is None) == is_over


@pytest.mark.parametrize("breaks", [lambda said: said[:-6], lambda said: said[:-1]])
def test_not_before_the_whole_answer_has_come(breaks: Callable[[bytes], bytes]) -> None:
    client, seat = Pooled(), Seat()
    said = client.ask(query("SELECT 1"), seat)
    heard = client.hear(breaks(said))
    assert client.seat is seat
    assert heard + client.hear(said[len(breaks(said)) :]) == said
    assert client.seat is None


def test_what_it_leaves_behind_is_known_until_it_is_gone() -> None:
    client, seat = Pooled(), Seat()
    client.say(query("SELECT pg_advisory_lock(1)"), seat)
    client.say(query("SELECT 1"), seat)
    assert client.turn.leaves(()) == {Trace.LOCK}
    client.say(query("SELECT pg_advisory_unlock_all()"), seat)
    assert client.turn.leaves(()) == set()


def test_an_unnamed_statement_needs_more_while_it_is_a_telling_one() -> None:
    client, seat = Pooled(), Seat()
    client.say(parse("", "SET work_mem = 1") + SYNC, seat)
    assert client.turn.unnamed_needs_more
    client.say(parse("", "SELECT 1") + bind("") + execute() + SYNC, seat)
    assert not client.turn.unnamed_needs_more


def test_a_new_one_has_nothing_under_way() -> None:
    assert Turn(Statements(b"x_"), 1).is_over()
