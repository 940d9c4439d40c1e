from __future__ import annotations

import pytest
from agroal_top.views.slots import LOOKS
from agroal_top.views.text import Part, ascii_only, cut, fitted, plain, spread
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len


@given(st.text(), st.integers(0, 30), st.booleans())
def test_fitted_has_exactly_the_columns_it_was_given(text: str, columns: int, right: bool) -> None:
    assert cell_len(fitted(text, columns, right=right)) == columns


def test_fitted_counts_wide_characters_twice() -> None:
    assert fitted("漢字", 5) == "漢字 "
    assert fitted("漢字漢", 5) == "漢字…"
    assert fitted("12", 4, right=True) == "  12"


def test_cut_shortens_the_part_that_does_not_fit() -> None:
    assert plain(cut([Part("abc"), Part("defgh")], 6)) == "abcde…"[:5] + "…"
    assert plain(cut([Part("abc")], 3)) == "abc"


def test_spread_puts_one_at_each_end_and_gives_up_the_right_one() -> None:
    assert plain(spread([Part("ab")], [Part("cd")], 6)) == "ab  cd"
    assert plain(spread([Part("abcd")], [Part("ef")], 6)) == "abcd"


@given(st.text())
def test_ascii_only_is_ascii_and_as_wide(text: str) -> None:
    assert ascii_only(text).isascii()


@pytest.mark.parametrize("glyph", [look.glyph for look in LOOKS.values()])
def test_every_state_of_a_slot_has_a_letter_of_its_own(glyph: str) -> None:
    assert len({look.ascii for look in LOOKS.values()}) == len(LOOKS)
    assert cell_len(glyph) == 1
