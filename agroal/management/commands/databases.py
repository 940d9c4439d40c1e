"""One database or all of them, as verbs spell it."""

from __future__ import annotations

ALL = ("all", "*")
"""Also what is left out: all databases."""


def of_word(word: str | None) -> str | None:
    """None: all of them."""
    return None if word in ALL else word


def spoken(database: str | None) -> str:
    return "all databases" if database is None else database
