from __future__ import annotations

import struct

import pytest

from agroal.console.extended import (
    LONGEST_NAME,
    MOST,
    PORTAL,
    STATEMENT,
    Bind,
    Shelf,
    parse_bind,
    parse_execute,
    parse_parse,
    parse_target,
)
from agroal.errors import ConsoleError, ProtocolViolation

PARSE = b"name\0SELECT 1\0" + struct.pack("!HII", 2, 23, 25)
BIND = b"p\0s\0" + struct.pack("!HHHi", 1, 1, 1, 2) + b"ab" + struct.pack("!HHH", 2, 0, 1)
NULL = b"\0\0" + struct.pack("!HHi", 0, 1, -1) + b"\0\0"


def test_messages_are_read() -> None:
    assert parse_parse(PARSE) == ("name", "SELECT 1")
    assert parse_bind(BIND) == Bind("p", "s", 1, (0, 1))
    assert parse_bind(NULL) == Bind("", "", 1, ())
    assert parse_target(b"Sx\0") == (STATEMENT, "x")
    assert parse_target(b"P\0") == (PORTAL, "")
    assert parse_execute(b"p\0\0\0\0\7") == ("p", 7)
    assert parse_execute(b"p\0\xff\xff\xff\xff") == ("p", 0), "fewer than none are all"


@pytest.mark.parametrize("at", range(len(PARSE)))
def test_a_parse_that_is_cut_off_is_malformed(at: int) -> None:
    with pytest.raises(ProtocolViolation):
        parse_parse(PARSE[:at])


@pytest.mark.parametrize("at", range(len(BIND)))
def test_a_bind_that_is_cut_off_is_malformed(at: int) -> None:
    with pytest.raises(ProtocolViolation):
        parse_bind(BIND[:at])


@pytest.mark.parametrize("body", [PARSE + b"x", b"", b"no end"])
def test_a_parse_with_more_or_less_is_malformed(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_parse(body)


@pytest.mark.parametrize("body", [b"", b"S", b"X\0", b"S\0x"])
def test_only_statements_and_portals_are_described(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_target(body)


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\0\0\0", b"\0\0\0\0\0\0"])
def test_an_execute_has_a_number_of_rows(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_execute(body)


class TestShelf:
    def shelf(self) -> Shelf[int]:
        return Shelf("thing", "26000", "42P05")

    def test_what_was_put_there_is_there_until_it_is_dropped(self) -> None:
        shelf = self.shelf()
        shelf.put("a", 1)
        assert shelf.get("a") == 1
        assert shelf.drop("a")
        assert not shelf.drop("a")
        with pytest.raises(ConsoleError, match='thing "a" does not exist'):
            shelf.get("a")

    def test_the_unnamed_is_replaced_and_others_are_not(self) -> None:
        shelf = self.shelf()
        shelf.put("", 1)
        shelf.put("", 2)
        assert shelf.get("") == 2
        shelf.put("a", 1)
        with pytest.raises(ConsoleError) as refused:
            shelf.put("a", 2)
        assert refused.value.sqlstate == "42P05"

    def test_it_has_bounds(self) -> None:
        shelf = self.shelf()
        with pytest.raises(ConsoleError):
            shelf.put("a" * (LONGEST_NAME + 1), 1)
        for number in range(MOST):
            shelf.put(str(number), number)
        with pytest.raises(ConsoleError) as refused:
            shelf.put("one more", 1)
        assert refused.value.sqlstate == "54000"
        shelf.clear()
        shelf.put("one more", 1)

    def test_the_unnamed_can_be_replaced_when_it_is_full(self) -> None:
        shelf = self.shelf()
        shelf.put("", 0)
        for number in range(MOST - 1):
            shelf.put(str(number), number)
        shelf.put("", 1)
        assert shelf.get("") == 1
