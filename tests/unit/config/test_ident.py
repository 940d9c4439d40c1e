from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config.ident import LONGEST_EXPRESSION, read_ident
from agroal.config.model import IdentLine, Name
from agroal.config.report import Report

COLUMNS = "expected MAPNAME SYSTEM-USERNAME DATABASE-USERNAME"


def line(text: str) -> IdentLine:
    report = Report("it.conf")
    [found] = read_ident(text, report)
    assert report.problems == []
    return found


def problems(text: str) -> list[str]:
    report = Report("it.conf")
    assert read_ident(text, report) == ()
    return list(map(str, report.problems))


def test_a_line_has_three_columns() -> None:
    assert line("# top\n apps  web-1\tweb # rest") == IdentLine("it.conf", 2, "apps", "web-1", Name("web"))


def test_names_may_stand_in_quotes() -> None:
    assert line('"a b" "web, ""1""" "#x"') == IdentLine("it.conf", 1, "a b", 'web, "1"', Name("#x"))


def test_all_is_any_user_and_in_quotes_a_name() -> None:
    assert line("m all all") == IdentLine("it.conf", 1, "m", "all", Name("all", keyword=True))
    assert line('m all "all"').user == Name("all")
    assert line('m all "+x"').user == Name("+x")


@pytest.mark.parametrize("text", [r"/^(.*)@shop\.example$", '"/^(.*)@shop\\.example$"'])
def test_behind_a_slash_is_a_regular_expression_also_in_quotes(text: str) -> None:
    found = line(rf"m {text} \1")
    assert (found.system, found.user) == (re.compile(r"^(.*)@shop\.example$"), Name(r"\1"))


def test_the_user_may_be_a_regular_expression_too() -> None:
    assert line('m x "/^a{1,3}$"').user == re.compile("^a{1,3}$")


def test_what_could_be_captured_is_a_name_where_nothing_is_captured() -> None:
    assert line(r"m x \1").user == Name(r"\1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m", f"has 1 columns; {COLUMNS}"),
        ("m x", f"has 2 columns; {COLUMNS}"),
        ("m x y z", f"has 4 columns; {COLUMNS}"),
        ("m,n x y", "MAPNAME: has a list; expected one word, in double quotes if there is a comma in it"),
        ("m /^x{1,2}$ y", "SYSTEM-USERNAME: has a list; expected one word, in double quotes if there is a comma in it"),
        ("m x y,z", "DATABASE-USERNAME: has a list; expected one word, in double quotes if there is a comma in it"),
        ('m "" y', "SYSTEM-USERNAME: is empty; expected a name"),
        ("m x +y", "DATABASE-USERNAME: a role's members (+) is not supported: '+y'; expected a name"),
        (
            "m /( y",
            "SYSTEM-USERNAME: '/(' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (r"m x /\y", r"DATABASE-USERNAME: '/\\y' is not a regular expression: bad escape \y at position 0"),
        (
            r"m /^x$ \1",
            r"DATABASE-USERNAME: has \1, but the regular expression '^x$' has no group ( )",
        ),
        (
            f"m /{'x' * (LONGEST_EXPRESSION + 1)} y",
            f"SYSTEM-USERNAME: has a regular expression of more than {LONGEST_EXPRESSION} characters",
        ),
        ('m "x y', "a double quote is opened and not closed"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, message: str) -> None:
    assert problems(text) == [f"it.conf:1: {message}"]


@pytest.mark.parametrize(
    "expression", ["/[[:alpha:]]+", "/[a[:digit:]]", "/x[^[.].]]", "/[a--b]", "/[]&&a]", "/[a||b]"]
)
def test_a_set_that_means_something_else_in_postgresql_is_a_problem(expression: str) -> None:
    [problem] = problems(f'm "{expression}" y')
    assert problem.startswith(f"it.conf:1: SYSTEM-USERNAME: {expression!r} has a set with [")


@pytest.mark.parametrize("expression", [r"\[[a-z]+\]", r"[\[\]]", r"a--b", r"[a-z]+--[a-z]", r"[]x]"])
def test_other_sets_are_taken(expression: str) -> None:
    assert line(f'm "/{expression}" y').system == re.compile(expression)


def test_a_line_with_a_problem_does_not_hide_the_next(report: Report) -> None:
    assert [found.line for found in read_ident("m x\nm x y\nm /( y\nm y z", report)] == [2, 4]
    assert [problem.line for problem in report.problems] == [1, 3]


@given(
    st.lists(
        st.sampled_from(
            ["m", "all", "/", "(", ")", "[", "]", "^", "$", "*", "{1,2}", "\\1", "\\", "?", '"', ",", "\n", " ", "#"]
        )
        | st.text(max_size=4)
    )
)
def test_any_text_is_read_or_complained_about(pieces: list[str]) -> None:
    report = Report("it.conf")
    for found in read_ident("m x " + "".join(pieces), report):
        assert found.map
        assert found.system
