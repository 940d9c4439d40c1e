from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agroal.config.report import Report
from agroal.config.tables import Cell, Row, Word, quote, rows


def cells(text: str, joints: str = ",") -> list[tuple[list[str], str]]:
    report = Report("it.conf")
    [row] = rows(text, report, joints)
    assert report.problems == []
    return [([word.text for word in cell.words], cell.joints) for cell in row.cells]


def complaint(text: str, joints: str = ",") -> str:
    report = Report("it.conf")
    assert list(rows(text, report, joints)) == []
    [problem] = report.problems
    return str(problem)


def test_rows_know_their_lines_and_empty_ones_are_left_out(report: Report) -> None:
    assert list(rows("# top\n\n  ; too\na b # rest\r\n\t\nc", report)) == [
        Row(4, (Cell((Word("a"),)), Cell((Word("b"),)))),
        Row(6, (Cell((Word("c"),)),)),
    ]


@pytest.mark.parametrize("text", ["a,b c", "a, b c", "a ,b c", "a , b\tc"])
def test_a_comma_joins_words_whatever_blanks_are_around_it(text: str) -> None:
    assert cells(text) == [(["a", "b"], ","), (["c"], "")]


@pytest.mark.parametrize("text", ["a=b,c d", "a = b , c d", "a =b, c d"])
def test_an_equals_sign_joins_words_where_it_is_a_joint(text: str) -> None:
    assert cells(text, ",=") == [(["a", "b", "c"], "=,"), (["d"], "")]


def test_an_equals_sign_is_part_of_a_word_elsewhere() -> None:
    assert cells("a=b") == [(["a=b"], "")]


def test_quotes_make_a_word_of_anything(report: Report) -> None:
    text = '"a b" "all" "#;,=" "" "say ""so""" x"y z" a;b'
    [row] = rows(text, report)
    assert [cell.words[0] for cell in row.cells] == [
        Word("a b", quoted=True),
        Word("all", quoted=True),
        Word("#;,=", quoted=True),
        Word("", quoted=True),
        Word('say "so"', quoted=True),
        Word("xy z", quoted=True),
        Word("a;b"),
    ]


def test_a_hash_ends_a_word_and_the_line() -> None:
    assert cells("a b#c d") == [(["a"], ""), (["b"], "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a "b', "it.conf:1: a double quote is opened and not closed"),
        ('a "b"" c', "it.conf:1: a double quote is opened and not closed"),
        ('"' * 9999, "it.conf:1: a double quote is opened and not closed"),
        (", a", "it.conf:1: expected a name before ','"),
        ("a,,b", "it.conf:1: expected a name before ','"),
        ("a b,", "it.conf:1: expected a name after ','"),
        ("a b, # c", "it.conf:1: expected a name after ','"),
    ],
)
def test_a_line_that_cannot_be_split_is_a_problem(text: str, message: str) -> None:
    assert complaint(text) == message


def test_one_bad_line_does_not_hide_the_next(report: Report) -> None:
    assert [row.line for row in rows('a\n"\nb\n,\nc', report)] == [1, 3, 5]
    assert [problem.line for problem in report.problems] == [2, 4]


WORDS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))


@given(st.lists(WORDS, min_size=1), st.booleans())
@example(["all", ";", "", "=", '"'], False)
def test_a_word_that_is_spelled_reads_back(words: list[str], always: bool) -> None:
    text = " ".join(quote(word, always=always) for word in words)
    assert cells(text, ",=") == [([word], "") for word in words]


@given(st.text(alphabet='ab ",=#;\n\t\r\\'), st.sampled_from([",", ",="]))
def test_any_text_is_split_or_complained_about(text: str, joints: str) -> None:
    report = Report("it.conf")
    for row in rows(text, report, joints):
        assert row.cells
        assert all(len(cell.words) == len(cell.joints) + 1 for cell in row.cells)
