from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.console.tokens import LONGEST_QUERY, LONGEST_TOKEN, MOST_STATEMENTS, Kind, Token, statements
from agroal.errors import ConsoleError


def texts(query: str) -> list[list[str]]:
    return [[token.text for token in statement] for statement in statements(query)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SHOW POOLS", [["SHOW", "POOLS"]]),
        ("show pools;", [["show", "pools"]]),
        (" ;; SHOW a ; ;SHOW b;", [["SHOW", "a"], ["SHOW", "b"]]),
        ("PAUSE 1st_db", [["PAUSE", "1st_db"]]),
        ('PAUSE "a;b ""c"""', [["PAUSE", 'a;b "c"']]),
        ("SET x='it''s'", [["SET", "x", "=", "it's"]]),
        (r"SET x = E'a\'b\\'", [["SET", "x", "=", "a'b\\"]]),
        ("SHOW -- a comment; 'not a quote\n x", [["SHOW", "x"]]),
        ("SHOW /* a /* nested */ one ; */ x", [["SHOW", "x"]]),
        ("a.b", [["a", ".", "b"]]),
        ("ä ß", [["ä", "ß"]]),
        ("", []),
        (" \n\t", []),
        ("-- nothing", []),
        (";;;;", []),
    ],
)
def test_a_query_is_cut_into_statements_and_words(query: str, found: list[list[str]]) -> None:
    assert texts(query) == found


def test_a_word_knows_how_it_was_written() -> None:
    [statement] = statements("""SHOW "SHOW" 'SHOW' =""")
    assert [token.kind for token in statement] == [Kind.WORD, Kind.NAME, Kind.TEXT, Kind.SIGN]
    assert [token.is_word("SHOW") for token in statement] == [True, False, False, False]
    assert Token(Kind.WORD, "show").is_word("SHOW")
    assert statement[3].is_sign("=")
    assert not Token(Kind.TEXT, "=").is_sign("=")


@pytest.mark.parametrize(
    ("query", "sqlstate", "words"),
    [
        ("SHOW 'x", "42601", "unterminated quoted string"),
        ("SHOW E'x\\'", "42601", "unterminated quoted string"),
        ('SHOW "x', "42601", "unterminated quoted identifier"),
        ("SHOW /* x", "42601", "unterminated /* comment"),
        ("SHOW /* /* */", "42601", "unterminated /* comment"),
        ("SHOW $1", "0A000", "the console has no parameters"),
        ("x" * (LONGEST_TOKEN + 1), "54000", "a word of"),
        (" " * (LONGEST_QUERY + 1), "54000", "a query of"),
        ("x;" * (MOST_STATEMENTS + 1), "54000", "too many statements"),
    ],
)
def test_what_can_not_be_read_is_refused(query: str, sqlstate: str, words: str) -> None:
    with pytest.raises(ConsoleError, match=words.replace("*", r"\*")) as refused:
        statements(query)
    assert refused.value.sqlstate == sqlstate


def test_as_much_as_is_allowed_is_read() -> None:
    assert len(statements("x;" * MOST_STATEMENTS)) == MOST_STATEMENTS
    assert texts("x" * LONGEST_TOKEN) == [["x" * LONGEST_TOKEN]]


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_whatever_is_quoted_comes_out_again(words: list[str]) -> None:
    quoted = " ".join("'" + word.replace("'", "''") + "'" for word in words)
    assert texts(quoted) == [words]
    named = " ".join('"' + word.replace('"', '""') + '"' for word in words)
    assert texts(named) == [words]


@given(st.text(max_size=200))
def test_anything_is_read_or_refused(query: str) -> None:
    try:
        found = statements(query)
    except ConsoleError:
        return
    assert all(found)
