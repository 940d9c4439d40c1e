from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agroal.config.ini import Entry, Section, parse, quote, unique
from agroal.config.report import Report


def value_of(line: str) -> str:
    report = Report("it.conf")
    [section] = parse(f"[s]\n{line}", report)
    assert report.problems == []
    return section.entries[0].value


def problems_of(text: str) -> list[tuple[int, str, str]]:
    report = Report("it.conf")
    parse(text, report)
    return [(problem.line, problem.key, problem.message) for problem in report.problems]


def test_sections_and_entries_know_their_lines(report: Report) -> None:
    text = "# top\n\n[one]\na = 1\n  b=2\n\n[two]\n\tc  =  3  "
    assert parse(text, report) == [
        Section("one", 3, [Entry("a", "1", 4), Entry("b", "2", 5)]),
        Section("two", 7, [Entry("c", "3", 8)]),
    ]
    assert report.problems == []


def test_line_ends_of_windows_are_fine(report: Report) -> None:
    assert parse("[s]\r\na = 1\r\nb = 'x '\r\n", report) == [Section("s", 1, [Entry("a", "1", 2), Entry("b", "x ", 3)])]


def test_only_a_line_feed_ends_a_line(report: Report) -> None:
    assert parse("[s]\na = x\u2028y\x0bz\nb = 1", report) == [
        Section("s", 1, [Entry("a", "x\u2028y\x0bz", 2), Entry("b", "1", 3)])
    ]


@pytest.mark.parametrize("mark", ["#", ";"])
def test_comments_stand_alone_or_behind_a_blank(mark: str, report: Report) -> None:
    text = f"{mark} a\n  {mark} b\n[s] {mark} c\nk = v {mark} d\nl = v{mark}w\nm = {mark} e\nn ={mark} f"
    [section] = parse(text, report)
    assert [entry.value for entry in section.entries] == ["v", f"v{mark}w", "", ""]
    assert section.name == "s"
    assert report.problems == []


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("k = two words", "two words"),
        ("k = a = b", "a = b"),
        ("k =", ""),
        ('k = ""', ""),
        ("k = ' kept '", " kept "),
        ('k = "a # b ; c"', "a # b ; c"),
        ('k = "it\'s"', "it's"),
        ("k = 'say \"so\"'", 'say "so"'),
        ("k = 'a' # comment", "a"),
        ("k = 'a'; comment", "a"),
        ("k = it's", "it's"),
        ("k = grüße 你好", "grüße 你好"),
        ("k = DISCARD ALL; SELECT 1", "DISCARD ALL; SELECT 1"),
    ],
)
def test_values(line: str, value: str) -> None:
    assert value_of(line) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[s]\nwhat", (2, "", "is not understood; expected `key = value`, `[section]` or a comment")),
        ("[s]\n= 1", (2, "", "is not understood; expected `key = value`, `[section]` or a comment")),
        ("[s]\nto be = 1", (2, "", "is not understood; expected `key = value`, `[section]` or a comment")),
        ("[s]\nk = 'open", (2, "k", "the quote ' is opened and not closed")),
        ('[s]\nk = "a" b', (2, "k", "has text after the closing quote; expected nothing or a comment")),
        ("[s", (1, "", "is not a section; expected a name in brackets, such as [agroal]")),
        ("[]", (1, "", "is not a section; expected a name in brackets, such as [agroal]")),
        ("[a] b", (1, "", "is not a section; expected a name in brackets, such as [agroal]")),
        ("[a\x1b]", (1, "", "is not a section; expected a name in brackets, such as [agroal]")),
        ("\nk = 1\nl = 2", (2, "", "stands before the first section; expected [agroal] first")),
    ],
)
def test_what_is_not_understood_is_said_with_its_line(text: str, problem: tuple[int, str, str]) -> None:
    assert problems_of(text) == [problem]


def test_one_bad_line_does_not_hide_the_next() -> None:
    assert [line for line, _, _ in problems_of("[s]\nwhat\nk = 1\nwho\n[\nl = 2\n[t\nwhen")] == [2, 4, 5, 7, 8]


def test_what_follows_a_bad_section_is_not_given_to_the_section_before(report: Report) -> None:
    assert parse("[s]\na = 1\n[t\nb = 2\n[u]\nc = 3", report) == [
        Section("s", 1, [Entry("a", "1", 2)]),
        Section("u", 5, [Entry("c", "3", 6)]),
    ]


def test_a_key_that_is_given_twice_names_both_lines_and_the_first_holds(report: Report) -> None:
    entries = [Entry("a", "1", 2), Entry("b", "1", 3), Entry("a", "2", 4), Entry("a", "3", 5)]
    assert list(unique(entries, report)) == entries[:2]
    assert [str(problem) for problem in report.problems] == [
        "it.conf:4: a: is given twice; the first is in line 2",
        "it.conf:5: a: is given twice; the first is in line 2",
    ]


NO_LINE_FEED = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))


@given(NO_LINE_FEED.filter(lambda text: "'" not in text), st.sampled_from(["", " # comment", "\t; 'comment'"]))
def test_whatever_is_quoted_reads_back(value: str, comment: str) -> None:
    assert value_of(f"k = '{value}'{comment}") == value


@given(NO_LINE_FEED)
@example('"')
@example(" # ")
def test_a_value_that_was_read_can_be_written_and_read_again(text: str) -> None:
    sections = parse(f"[s]\nk = {text}", Report("it.conf"))
    for entry in sections[0].entries:
        assert value_of(f"k = {quote(entry.value)} # comment") == entry.value


@given(st.text())
@example("[s]\nk = '" + '"' * 1000)
def test_any_text_is_parsed_or_complained_about(text: str) -> None:
    report = Report("it.conf")
    lines = text.count("\n") + 1
    for section in parse(text, report):
        assert section.name
        assert all(entry.key and section.line < entry.line <= lines for entry in section.entries)
    assert all(1 <= problem.line <= lines and problem.message for problem in report.problems)
