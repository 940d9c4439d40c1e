from __future__ import annotations

import re

import pytest

from agroal.reference.page import Block, Code, Heading, Table, Text
from agroal.reference.roff import Page, escape, manual


def written(*blocks: Block) -> list[str]:
    page = Page("x", 1, "Does a thing.", blocks)
    lines = manual(page, [page, Page("y_z", 5, "", ())]).splitlines()
    return lines[lines.index(".SH NAME") + 2 : lines.index('.SH "SEE ALSO"')]


def test_a_page_has_a_name_a_summary_and_the_other_pages_and_no_date() -> None:
    page = Page("agroal-x", 1, "Does a thing.", ())
    assert manual(page, [page, Page("y_z", 5, "", ())]).splitlines()[1:] == [
        r'.TH "AGROAL\-X" 1 "" "agroal" "agroal manual"',
        ".nh",
        ".SH NAME",
        r"agroal\-x \- does a thing",
        '.SH "SEE ALSO"',
        r"\fBy_z\fR(5)",
    ]


def test_paragraphs_are_apart_but_for_the_first_under_a_heading() -> None:
    assert written(Heading("Title"), Text("a"), Text("b")) == ['.SH "TITLE"', "a", ".PP", "b"]
    assert written(Heading("A part", 2), Text("a")) == ['.SS "A part"', "a"]


def test_code_stays_in_its_lines() -> None:
    assert written(Text("a"), Code("x\n\n.y\n"))[2:] == [".PP", ".RS 4", ".nf", "x", "", r"\&.y", ".fi", ".RE"]


def test_a_row_is_a_tagged_paragraph_without_its_empty_cells() -> None:
    table = Table(("key", "does", "value", "default"), (("`port`", "Port.", "a number", ""), ("`none`", "", "", "0")))
    assert written(table) == [
        ".TP",
        r"\fBport\fR",
        "Port.",
        ".br",
        "Value: a number",
        ".TP",
        r"\fBnone\fR",
        "Default: 0",
    ]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (r"a\nb", r"a\enb"),
        ("--check", r"\-\-check"),
        ("can't", r"can\(aqt"),
        ("`^~", r"\(ga\(ha\(ti"),
        ("“≥”", r"\[u201C]\[u2265]\[u201D]"),
    ],
)
def test_what_roff_would_read_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_a_quote_in_a_heading_does_not_end_it() -> None:
    assert written(Heading('a "b"', 2)) == [r'.SS "a \(dqb\(dq"']


def test_a_line_that_looks_like_a_request_is_none_wherever_lines_break() -> None:
    lines = written(Text(". " + ".PP " * 100 + "'x"))
    assert lines[0] == ".PP"
    assert all(line.startswith((r"\&.PP", r"\&. ")) for line in lines[1:])
    assert max(map(len, lines)) < 90
    assert re.findall(r"\\\(aqx", lines[-1])
