from __future__ import annotations

import gc

from agroal.pipeline.evidence import NOTHING
from agroal.pipeline.statements import (
    Luggage,
    Statements,
    bind_beginning,
    close_message,
    describe_message,
    parse_message,
)
from tests.unit.wire.messages import message

ONE, TWO = b"SELECT 1\0\0\0", b"SELECT 2\0\0\0"


def test_the_same_text_in_the_same_dialect_is_the_same_statement() -> None:
    statements = Statements(b"x_")
    one = statements.get(ONE, "ISO", NOTHING)
    assert statements.get(ONE, "ISO", NOTHING) is one
    others = [statements.get(TWO, "ISO", NOTHING), statements.get(ONE, "German", NOTHING)]
    assert len({one.name, statements.void, *(other.name for other in others)}) == 4
    assert len(statements) == 3


def test_other_types_of_parameters_make_it_another_statement() -> None:
    statements = Statements(b"x_")
    assert statements.get(b"SELECT $1\0\0\1\0\0\0\x17", "", NOTHING) is not statements.get(
        b"SELECT $1\0\0\0", "", NOTHING
    )


def test_what_nobody_has_any_more_is_forgotten_and_its_name_never_used_again() -> None:
    statements = Statements(b"x_")
    name = statements.get(ONE, "", NOTHING).name
    gc.collect()
    assert len(statements) == 0
    assert statements.get(ONE, "", NOTHING).name != name


def test_a_server_may_have_lost_all_that_it_has() -> None:
    luggage, statement = Luggage.none(), Statements(b"x_").get(ONE, "", NOTHING)
    luggage.prepared[statement] = None
    luggage.doubt()
    assert luggage.doubtful == {statement}


def test_messages_are_those_of_the_manual() -> None:
    assert parse_message(b"a", ONE) == message("P", b"a\0" + ONE)
    assert close_message(b"a") == message("C", b"Sa\0")
    assert describe_message(b"a") == message("D", b"Sa\0")


def test_a_bind_with_another_name_has_another_length() -> None:
    rest = b"\0\0\0\1\0\0\0\2hi\0\0"
    old = message("B", b"portal\0a\0" + rest)
    length = int.from_bytes(old[1:5], "big")
    assert bind_beginning(length, b"portal", b"a", b"longer") + rest == message("B", b"portal\0longer\0" + rest)
