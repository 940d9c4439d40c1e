from __future__ import annotations

from dataclasses import dataclass

import pytest
from agroal_top.views.filters import BadFilter, parse
from agroal_top.views.listing import Column, Kind, worded
from agroal_top.views.text import Part


@dataclass(frozen=True)
class Thing:
    name: str
    size: int | None
    wait: int


THINGS = (Thing("Web-1", 3, 500), Thing("web-2", 5_000, 2_000_000), Thing("batch", None, 0))
COLUMNS: tuple[Column[Thing], ...] = (
    worded("name", "Name", 8, lambda thing: thing.name),
    Column("size", "Size", 8, lambda thing: thing.size, lambda thing: Part(str(thing.size)), Kind.NUMBER),
    Column("wait", "Wait", 8, lambda thing: thing.wait, lambda thing: Part(f"{thing.wait} us"), Kind.DURATION),
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web", ["Web-1", "web-2"]),
        ("!web", ["batch"]),
        ("web !2", ["Web-1"]),
        ("name:^web", ["Web-1", "web-2"]),
        ("!name:1$", ["web-2", "batch"]),
        ("na:batch", ["batch"]),
        ("name=batch", ["batch"]),
        ("size>3", ["web-2"]),
        ("size>=3", ["Web-1", "web-2"]),
        ("size=5k", ["web-2"]),
        ("wait>1", ["web-2"]),
        ("wait>1s", ["web-2"]),
        ("wait<1ms", ["Web-1", "batch"]),
        ("wait<=500us", ["Web-1", "batch"]),
        ("!wait>1s", ["Web-1", "batch"]),
    ],
)
def test_a_filter_keeps_what_matches_all_of_its_words(text: str, names: list[str]) -> None:
    match = parse(text, COLUMNS)
    assert match is not None
    assert [thing.name for thing in THINGS if match(thing)] == names


@pytest.mark.parametrize("text", ["", "   "])
def test_no_words_are_no_filter(text: str) -> None:
    assert parse(text, COLUMNS) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("!", "needs a word"),
        ("colour:red", "no column is called “colour”: there are name, size, wait"),
        ("colour>3", "no column is called"),
        ("name:(", "no regular expression"),
        ("size>many", "no number"),
        ("wait>3parsec", "units us, ms, s, m, h, d"),
        ("name>3", "is a text"),
    ],
)
def test_what_is_not_understood_is_said(text: str, says: str) -> None:
    with pytest.raises(BadFilter, match=says.replace("(", r"\(")):
        parse(text, COLUMNS)


def test_an_address_is_looked_for_as_it_is() -> None:
    match = parse("10.0.3.7:5432", (worded("a", "A", 3, lambda text: text),))
    assert match is not None
    assert match("10.0.3.7:5432")
    assert not match("10.0.3.8:5432")
