# ruff: noqa: RUF009 (choice and the like return dataclass fields)

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from agroal.config.keys import Key, Kind, Support, choice, duration, integer, keys_of, text
from agroal.config.report import Report
from agroal.config.sections import read_main
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS, Settings
from agroal.reference import configuration
from agroal.reference.configuration import EXAMPLE, groups, main_file, page
from agroal.reference.markdown import markdown
from agroal.reference.page import Table

PAGE = markdown("Configuration", page())


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


@dataclass
class Sample:
    """For those who read the source."""

    # First things

    one: int = integer(1, low=0, high=9, doc="One.")
    # not a heading: no empty line above it
    two: float = duration(0.25, high=60, unit="ms", support=Support.LATER, doc="Two.", restart=True)

    # Second things
    colour: Colour = choice(
        Colour.RED,
        spellings={"rot": Colour.RED},
        unheeded={Colour.GREEN: "nobody likes it"},
        doc="Which.",
    )
    password: str = text("hidden", secret=True, doc="Hush.")
    where: str = text(derived="<dir>/a.<port>", doc="Where.")
    rest: list[str] = field(default_factory=list)


ROWS = {row[0]: row[1:] for row in configuration._table(keys_of(Sample)).rows}


def test_groups_are_the_headings_in_the_source() -> None:
    assert groups(Sample) == {"First things": ["one", "two"], "Second things": ["colour", "password", "where"]}


def test_every_key_is_in_one_group() -> None:
    grouped = [name for names in groups(Settings).values() for name in names]
    assert sorted(grouped) == sorted(key.name for key in KEYS)
    assert len(groups(Settings)) > 1


def test_a_row_says_what_a_value_is_its_default_and_when_it_is_taken() -> None:
    assert ROWS["`one`"] == ("One.", "a whole number from 0 to 9", "`1`", "yes")
    assert ROWS["`two`"] == (
        "Two. It has no effect yet.",
        "a duration from 0 to 1m; a bare number counts milliseconds",
        "`250ms`",
        "no",
    )


def test_values_that_do_not_hold_yet_are_named() -> None:
    does, value, default, _ = ROWS["`colour`"]
    assert does.startswith("Which. Accepted, but never heeded: `green`, because")
    assert value == "red, green or blue (also spelled `rot`)"
    assert default == "`red`"


def test_no_secret_is_shown_as_a_default() -> None:
    assert ROWS["`password`"][2] == "`********`"
    assert not any(key.default for key in (*KEYS, *SERVER_KEYS) if key.secret)


def test_a_default_that_is_made_of_others_is_shown_as_it_is_spelled() -> None:
    assert ROWS["`where`"][2] == "`<dir>/a.<port>`"


@pytest.mark.parametrize("key", [*KEYS, *SERVER_KEYS], ids=lambda key: key.name)
def test_each_key_has_a_row_that_gives_its_doc(key: Key) -> None:
    rows = [row for block in main_file() if isinstance(block, Table) for row in block.rows if row[0] == f"`{key.name}`"]
    assert [row for row in rows if row[1][1:].startswith(key.doc[1:].rstrip("."))]
    assert re.search(rf"^\| `{key.name}` \|", PAGE, re.MULTILINE)


def test_keys_without_a_meaning_are_apart() -> None:
    blocks = main_file()
    last = blocks[-1]
    assert isinstance(last, Table)
    assert {row[0] for row in last.rows} == {f"`{k.name}`" for k in KEYS if k.support is Support.NEVER}
    others = [row[0] for block in blocks[:-1] if isinstance(block, Table) for row in block.rows]
    assert not {row[0] for row in last.rows} & set(others)


def test_the_example_is_read_without_a_word() -> None:
    report = Report("example")
    assert read_main(EXAMPLE, report, {}).settings is not None
    assert (report.problems, report.notices) == ([], [])


def test_the_spellings_that_the_page_shows_are_read() -> None:
    for kind, *spelled in re.findall(r"^\| a (duration|size) \| (.*?)\. ", PAGE, re.MULTILINE):
        key = Key(name="x", kind=Kind(kind), default=0, doc="")
        for value in re.findall(r"`([^`]+)`", spelled[0]):
            assert key.parse(value, {})
