from __future__ import annotations

import pytest

from agroal.errors import ProtocolViolation
from agroal.wire.answer import SHORT, end_of_answer, messages
from tests.unit.wire.messages import READY, error, message, parameter

LIMIT = 4096
DONE = message("C", b"SELECT 1\0") + READY
LONG = message("D", bytes(SHORT)) + DONE


def test_the_messages_of_an_answer_are_told_apart() -> None:
    assert messages(DONE, LIMIT) == [(ord("C"), 5, 14), (ord("Z"), 19, 20)]
    assert messages(DONE[:-1], LIMIT) == [(ord("C"), 5, 14)]


@pytest.mark.parametrize("answer", [DONE, LONG, error("SERROR") + READY, parameter("TimeZone", "UTC") + DONE])
@pytest.mark.parametrize("behind", [b"", DONE, b"N"])
def test_an_answer_ends_behind_its_ready_for_query(answer: bytes, behind: bytes) -> None:
    assert end_of_answer(answer + behind, LIMIT) == len(answer)


@pytest.mark.parametrize("answer", [DONE, LONG])
def test_until_then_it_is_not_whole(answer: bytes) -> None:
    assert {end_of_answer(answer[:size], LIMIT) for size in range(len(answer))} == {None}


@pytest.mark.parametrize("kind", "RKGHWVtv")
def test_it_ends_behind_what_has_no_place_in_it(kind: str) -> None:
    said = message("N", b"\0") + message(kind, bytes(4))
    assert end_of_answer(said + DONE, LIMIT) == len(said)


@pytest.mark.parametrize("said", [b"C\0\0\0\3", b"D\0\0\x10\1", b"D\xff\xff\xff\xff"])
def test_a_message_of_an_impossible_length_is_a_violation(said: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="invalid message length"):
        end_of_answer(said, LIMIT)


def test_an_answer_without_an_end_is_not_collected_for_ever() -> None:
    with pytest.raises(ProtocolViolation, match="too long"):
        end_of_answer(message("N", bytes(1000)) * 5, LIMIT)
