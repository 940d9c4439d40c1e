from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config.limits import read_limits
from agroal.config.model import LimitLine, Pipeline
from agroal.config.report import Report


def sizes(text: str, most: int = 100) -> tuple[int, int, int]:
    report = Report("it.conf")
    limit = read_limits(text, report, most)[-1]
    assert report.problems == []
    return limit.max_size, limit.initial_size, limit.min_size


def problems(text: str, most: int = 100) -> list[str]:
    report = Report("it.conf")
    read_limits(text, report, most)
    return list(map(str, report.problems))


def notices(text: str) -> list[str]:
    report = Report("it.conf")
    read_limits(text, report, 100)
    assert report.problems == []
    return list(map(str, report.notices))


def test_a_line_has_a_database_a_user_and_sizes(report: Report) -> None:
    assert read_limits("# top\nshop = store, old  web 30 10 5 # rest", report, 100) == (
        LimitLine("it.conf", 2, "shop", ("store", "old"), "web", 30, 10, 5),
    )
    assert report.problems == report.notices == []


def test_a_line_may_have_a_pipeline_of_its_own(report: Report) -> None:
    text = "shop web 5 pipeline=transaction\nshop app 5 2 1\tpipeline = session\nshop ci 1"
    limits = read_limits(text, report, 100)
    assert [limit.pipeline for limit in limits] == [Pipeline.TRANSACTION, Pipeline.SESSION, None]
    assert [limit.max_size for limit in limits] == [5, 5, 1]
    assert report.problems == []


@pytest.mark.parametrize(
    "option", ["pipeline=fast", "pipeline=session,auto", "pool=session", "pipeline=transaction=on"]
)
def test_what_is_no_pipeline_is_a_problem(option: str) -> None:
    assert "expected pipeline=auto|performance|session|transaction" in problems(f"shop web 5 {option}")[0]


def test_initial_and_minimum_are_nothing_unless_they_are_given() -> None:
    assert sizes("shop web 30") == (30, 0, 0)
    assert sizes("shop web 30 10") == (30, 10, 0)


def test_all_connections_are_what_the_lines_before_have_left() -> None:
    assert sizes("shop web 30\nshop batch 10\nall all all") == (60, 0, 0)
    assert sizes("all all all", most=7) == (7, 0, 0)


def test_all_of_the_initial_and_minimum_size_is_the_maximum() -> None:
    assert sizes("shop web 30 all all") == (30, 30, 30)
    assert notices("shop web 30 all all") == []
    assert sizes("shop web all all 3") == (100, 100, 3)


def test_names_may_be_quoted(report: Report) -> None:
    [limit] = read_limits('"my shop"="a=b","c,d" "a user" 3', report, 100)
    assert (limit.database, limit.aliases, limit.user) == ("my shop", ("a=b", "c,d"), "a user")


def test_there_may_be_more_lines_than_pgagroal_takes(report: Report) -> None:
    assert len(read_limits("".join(f"d{n} u 1\n" for n in range(1000)), report, 1000)) == 1000
    assert report.problems == []


def test_an_initial_size_below_the_minimum_is_raised() -> None:
    assert sizes("shop web 30 3 5") == sizes("shop web 30 0 5") == (30, 5, 5)
    assert notices("shop web 30 3 5") == ["it.conf:1: INITIAL_SIZE: 3 is raised to MIN_SIZE, 5"]


def test_sizes_above_the_maximum_are_lowered() -> None:
    assert sizes("shop web 10 20 15") == (10, 10, 10)
    assert notices("shop web 10 20 15") == [
        "it.conf:1: MIN_SIZE: 15 is lowered to MAX_SIZE, 10",
        "it.conf:1: INITIAL_SIZE: 20 is lowered to MAX_SIZE, 10",
    ]


def test_database_all_is_not_prefilled() -> None:
    assert sizes("all web 10 5 3") == (10, 0, 0)
    assert notices("all web 10 5 3") == [
        "it.conf:1: DATABASE: all is no database to connect to: INITIAL_SIZE and MIN_SIZE are ignored"
    ]


def test_a_second_line_for_the_same_is_a_notice() -> None:
    assert notices("shop web 1\nshop all 1\nshop web 2") == [
        "it.conf:3: never matches: line 1 is for the same database and user"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shop web", "has 2 columns; expected DATABASE USER MAX_SIZE [INITIAL_SIZE [MIN_SIZE]] [pipeline=PIPELINE]"),
        (
            "shop web 1 0 0 0",
            "has 6 columns; expected DATABASE USER MAX_SIZE [INITIAL_SIZE [MIN_SIZE]] [pipeline=PIPELINE]",
        ),
        ("shop,store web 1", "DATABASE: expected a database, or DATABASE=alias1,alias2"),
        ("shop=a=b web 1", "DATABASE: expected a database, or DATABASE=alias1,alias2"),
        ("shop=a,b=c web 1", "DATABASE: expected a database, or DATABASE=alias1,alias2"),
        ("shop= ,a web 1", "expected a name before ','"),
        ("all=a web 1", "DATABASE: all can't have aliases: they have to stand for one database"),
        ("shop=a,b,c,d,e,f,g,h,i web 1", "DATABASE: has 9 aliases; expected at most 8"),
        ('"all" web 1', 'DATABASE: a database or user that is called "all" can\'t be told from the keyword'),
        ('shop "all" 1', 'USER: a database or user that is called "all" can\'t be told from the keyword'),
        ("shop web,joe 1", "USER: has a list; expected one name, with a line for each"),
        ("shop web 0", "MAX_SIZE: expected a number from 1 on, or all, not '0'"),
        ("shop web -1", "MAX_SIZE: expected a number from 1 on, or all, not '-1'"),
        ("shop web 1,2", "MAX_SIZE: expected a number from 1 on, or all, not '1'"),
        ("shop web 5 x", "INITIAL_SIZE: expected a number from 0 on, or all, not 'x'"),
        ("shop web 5 1 ٣", "MIN_SIZE: expected a number from 0 on, or all, not '٣'"),
        ("shop all 5 1", "INITIAL_SIZE: can't be given for user all: whose connections would be opened?"),
        ("shop all 5 0 1", "MIN_SIZE: can't be given for user all: whose connections would be opened?"),
        ("shop=shop web 1", "DATABASE: the alias 'shop' is also a database, in line 1"),
        ("shop=all web 1", "DATABASE: the alias 'all' is also the keyword for any database"),
        ("shop=a,a web 1", "DATABASE: the alias 'a' is given twice, first in line 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, message: str) -> None:
    assert problems(text) == [f"it.conf:1: {message}"]


def test_eight_aliases_are_not_too_many() -> None:
    assert problems("shop=a,b,c,d,e,f,g,h web 1") == []


def test_an_alias_is_the_name_of_no_database_in_any_line() -> None:
    assert problems("a=b web 1\nb web 1") == ["it.conf:1: DATABASE: the alias 'b' is also a database, in line 2"]
    assert problems("b web 1\na=b web 1") == ["it.conf:2: DATABASE: the alias 'b' is also a database, in line 1"]


def test_an_alias_stands_in_one_line() -> None:
    assert problems("a=x web 1\na=x joe 1") == ["it.conf:2: DATABASE: the alias 'x' is given twice, first in line 1"]


def test_the_lines_together_do_not_exceed_all_connections() -> None:
    assert problems("a u 60\nb u 40") == []
    assert problems("a u 60\nb u 41\nc u 5") == [
        "it.conf:2: MAX_SIZE: the lines up to here add up to 101; max_connections is 100"
    ]


def test_nothing_may_be_left_for_a_line_that_takes_the_rest() -> None:
    assert problems("a u 100\nall all all") == [
        "it.conf:2: MAX_SIZE: nothing is left: the lines before take all of max_connections"
    ]


def test_a_line_says_all_that_is_wrong_with_it_and_does_not_hide_the_next() -> None:
    assert len(problems("a=b=c u,v x y z\nshop\nshop web 1")) == 6


NAMES = st.sampled_from(["shop", "all", "a=b", "a=b,c", "x = y", '"all"', '"q r"', ","])
SIZES = st.sampled_from(["all", "0", "1", "5", "200", "x", ""])


@given(st.lists(st.tuples(NAMES, NAMES, SIZES, SIZES, SIZES).map(" ".join)), st.integers(1, 300))
def test_limits_without_a_problem_are_in_order_and_within_all_connections(lines: list[str], most: int) -> None:
    report = Report("it.conf")
    limits = read_limits("\n".join(lines), report, most)
    if not report.problems:
        assert all(0 <= limit.min_size <= limit.initial_size <= limit.max_size for limit in limits)
        assert sum(limit.max_size for limit in limits) <= most
        assert all(limit.max_size > 0 for limit in limits)
