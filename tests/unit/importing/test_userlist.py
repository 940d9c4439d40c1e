from __future__ import annotations

from agroal.config.report import Report
from agroal.importing.userlist import Listed, read_userlist


def test_a_line_is_a_name_and_a_secret_in_double_quotes() -> None:
    report = Report("userlist.txt")
    text = '"ann" "pencil"\n\n; who is this\n# and this\n"a ""b""" "x""y" ignored\n"nobody" ""\n'
    assert list(read_userlist(text, report)) == [
        Listed("ann", "pencil", 1),
        Listed('a "b"', 'x"y', 5),
        Listed("nobody", "", 6),
    ]
    assert report.problems == []


def test_a_line_that_is_none_is_a_problem_that_does_not_repeat_it() -> None:
    report = Report("userlist.txt")
    assert list(read_userlist('ann pencil\n"ann "pencil"\n"bob" "b"\n', report)) == [Listed("bob", "b", 3)]
    assert [problem.line for problem in report.problems] == [1, 2]
    assert not any("pencil" in str(problem) for problem in report.problems)


def test_a_secret_is_in_no_repr() -> None:
    assert "pencil" not in repr(Listed("ann", "pencil", 1))
