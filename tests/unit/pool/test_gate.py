from __future__ import annotations

from agroal.pool.gate import Gate


def test_every_database_is_open_at_first() -> None:
    gate = Gate()
    assert gate.is_open("shop")
    assert gate.is_open_by_default
    assert not gate.exceptions


def test_one_database_may_be_shut_and_opened_and_the_others_are_as_before() -> None:
    gate = Gate()
    gate.set("shop", False)
    assert not gate.is_open("shop")
    assert gate.is_open("books")
    assert gate.exceptions == {"shop": False}
    gate.set("shop", True)
    assert gate.is_open("shop")
    assert not gate.exceptions


def test_while_all_are_shut_one_may_be_open() -> None:
    gate = Gate()
    gate.set(None, False)
    gate.set("shop", True)
    assert gate.is_open("shop")
    assert not gate.is_open("books")
    assert not gate.is_open_by_default
    assert gate.exceptions == {"shop": True}


def test_what_is_said_of_all_replaces_what_was_said_of_each() -> None:
    gate = Gate()
    gate.set("shop", False)
    gate.set(None, True)
    assert gate.is_open("shop")
    gate.set("books", False)
    gate.set(None, False)
    gate.set(None, True)
    assert gate.is_open("books")
    assert not gate.exceptions


def test_what_is_as_all_are_is_no_exception() -> None:
    gate = Gate()
    gate.set(None, False)
    gate.set("shop", False)
    assert not gate.exceptions
