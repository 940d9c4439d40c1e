from __future__ import annotations

import pytest

from agroal.management.commands.databases import of_word, spoken


@pytest.mark.parametrize("word", [None, "all", "*"])
def test_all_databases_have_three_spellings(word: str | None) -> None:
    assert of_word(word) is None
    assert spoken(of_word(word)) == "all databases"


@pytest.mark.parametrize("word", ["shop", "ALL", "", "all "])
def test_any_other_word_is_a_database(word: str) -> None:
    assert of_word(word) == word
    assert spoken(word) == word
