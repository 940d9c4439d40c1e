from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_type_hints

from agroal.daemon.about import Fields, What, about, fields_of, keep, said
from agroal.net.server import Server

PAGE = Path(__file__).parents[3] / "docs" / "logging.md"


class Cat:
    """Something that lines are about."""


@about.register
def _(cat: Cat) -> Fields:
    return {"client": "cat", "user": "tom"}


def kept(*args: object, **values: Any) -> Fields:
    record = logging.makeLogRecord({"msg": "x", "args": args, **values})
    keep(record)
    return fields_of(record)


def test_what_is_said_is_kept() -> None:
    assert kept(**said(event=What.CONNECT, slot=3)) == {"event": "connect", "slot": 3}


def test_what_is_known_of_its_arguments_is_kept_too() -> None:
    assert kept(Cat(), 7, "text") == {"client": "cat", "user": "tom"}


def test_what_is_said_comes_first() -> None:
    assert kept(Cat(), **said(user="ann")) == {"client": "cat", "user": "ann"}


def test_a_server_is_known_by_its_name_and_process() -> None:
    server = object.__new__(Server)
    server.address, server.pid = SimpleNamespace(name="pg-a"), 4711  # type: ignore[assignment]
    assert kept(server) == {"server": "pg-a", "pid": 4711}


def test_a_line_about_nothing_has_no_fields() -> None:
    assert kept({"by": "name"}) == {}
    assert fields_of(logging.makeLogRecord({})) == {}


def test_the_page_has_every_field_and_no_other() -> None:
    table = PAGE.read_text().partition("## Fields\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (\w+) \|$", table, re.MULTILINE)
    hints = get_type_hints(Fields, include_extras=True)
    kinds = {str: "text", int: "number", float: "number"}
    assert rows == [(name, hint.__metadata__[0], kinds[hint.__origin__]) for name, hint in hints.items()]


def test_the_page_has_every_word_for_what_happened() -> None:
    text = PAGE.read_text()
    assert [word for word in What if f"`{word}`" not in text] == []
