"""The table of keys: one source for bindings, footer, help and documentation."""

from __future__ import annotations

from pathlib import Path

from agroal_top import keymap
from agroal_top.keymap import Where

PAGE = Path(__file__).parents[3] / "docs" / "agroal-top.md"


def test_the_documentation_has_the_table_as_it_is() -> None:
    assert keymap.markdown() in PAGE.read_text(encoding="utf-8")


def test_every_binding_can_be_remapped() -> None:
    ids = [binding.id for where in Where for binding in keymap.bindings(where)]
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_the_footer_has_room_in_80_columns() -> None:
    shown = [binding for binding in keymap.bindings(Where.MAIN) if binding.show]
    assert sum(len(binding.key_display or binding.key) + len(binding.description) + 2 for binding in shown) <= 80


def test_who_may_only_look_is_told_of_no_key_that_acts() -> None:
    assert not any(key.acts for key in keymap.of(*Where, read_only=True))
    assert "F" not in [key.keys for key in keymap.of(Where.MAIN, read_only=True)]
