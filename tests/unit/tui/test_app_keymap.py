"""The table of keys: one source for bindings, footer, help and documentation."""

from __future__ import annotations

from pathlib import Path

from agroal_top import keymap
from agroal_top.command_line import parser
from agroal_top.keymap import Where
from agroal_top.views.footer import Offer, entries
from agroal_top.views.text import width

PAGE = Path(__file__).parents[3] / "docs" / "agroal-top.md"


def test_the_documentation_has_the_table_as_it_is() -> None:
    assert keymap.markdown() in PAGE.read_text(encoding="utf-8")


def test_the_documentation_has_every_option() -> None:
    page = PAGE.read_text(encoding="utf-8")
    options = [action for action in parser()._actions if action.option_strings]
    assert [one.dest for one in options if not all(f"`{name}" in page for name in one.option_strings)] == []


def test_every_binding_can_be_remapped() -> None:
    ids = [binding.id for where in Where for binding in keymap.bindings(where)]
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_the_footer_has_room_in_80_columns() -> None:
    wanted = [key for key in keymap.of(Where.MAIN) if key.footer]
    shown = list(entries((Offer(key, True) for key in wanted), keymap.labels({}), 80))
    assert [action for action, _ in shown] == [key.action for key in wanted]
    assert sum(width(parts) for _, parts in shown) <= 80


def test_the_footer_leaves_out_what_has_no_room() -> None:
    offers = [Offer(key, True) for key in keymap.of(Where.MAIN) if key.footer]
    assert [action for action, _ in entries(offers, keymap.labels({}), 20)] == ["help", "quit"]


def test_a_key_that_was_moved_is_written_as_it_is_typed() -> None:
    assert keymap.labels({"main.quit": "f10"})["main.quit"] == "f10"
    assert keymap.labels({})["main.quit"] == "q, ctrl+q"
    assert keymap.unknown({"main.quit": "f10", "main.leave": "x"}) == ["main.leave"]


def test_who_may_only_look_is_told_of_no_key_that_acts() -> None:
    assert not any(key.acts for key in keymap.of(*Where, read_only=True))
    assert "F" not in [key.keys for key in keymap.of(Where.MAIN, read_only=True)]
